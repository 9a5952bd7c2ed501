"""The README against the code: its generated tables, its commands' markers, the files and links that it names.

`missing(text)` shows what a generated table lacks; `python -m tests.unit.test_readme` prints all tables anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.compatibility import COMPATIBILITY
from tests.system.test_readme_differences import DIFFERENCES

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
_BLOCK = re.compile(
    r"^(?:<!-- (?P<marker>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
MARKERS = re.compile(r"by hand|serve|run|run: status \d")


@dataclass(frozen=True)
class Block:
    """A fenced block of the README.

    `marker` is the comment before it: `serve` (starts a server that stays until its section ends), `run` (ends with
    status 0, or as in `run: status 2`), `file: NAME` (a file that later blocks use), `by hand` (not run by a test).
    """

    section: str
    marker: str
    language: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a README, in order."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = part.split("\n", 1)[0]
        for match in _BLOCK.finditer(part):
            yield Block(title, match["marker"] or "", match["language"], match["text"])


def table(sentences: Mapping[str, str]) -> str:
    """Rows of the compatibility page as the README's Markdown table."""
    rows = [f"| {key} | {sentence} |\n" for key, sentence in sentences.items()]
    return "".join(["| row | difference |\n| --- | --- |\n", *rows])


def tables() -> dict[str, str]:
    """The README's tables that are made from what the tests know."""
    measured = {row: difference.sentence for row, difference in DIFFERENCES.items()}
    return {"scenarios": table(COMPATIBILITY), "measured": table(measured)}


def missing(text: str) -> list[str]:
    """The rows of the generated tables that a README lacks."""
    rows = [row for generated in tables().values() for row in generated.splitlines()]
    return [row for row in rows if f"\n{row}\n" not in text]


@pytest.fixture
def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_every_row_of_the_compatibility_page_is_there(readme: str) -> None:
    assert missing(readme) == [], "python -m tests.unit.test_readme prints the tables"


def test_no_row_is_left_that_nobody_knows(readme: str) -> None:
    rows = re.findall(r"^\| row \|.*\n\| --- \| --- \|\n((?:\|.*\n)*)", readme, re.MULTILINE)
    keys = [line.split("|")[1].strip() for row in rows for line in row.splitlines()]
    assert keys == [*COMPATIBILITY, *DIFFERENCES]


def test_every_command_has_a_marker(readme: str) -> None:
    commands = [block for block in blocks(readme) if block.language == "sh"]
    assert len(commands) > 10
    assert [block.text for block in commands if not MARKERS.fullmatch(block.marker)] == []


def test_blocks_are_found_with_their_markers() -> None:
    text = "# T\n## One\n<!-- run -->\n```sh\na\n```\n\n```text\nb\n```\n## Two\n<!-- file: x -->\n```ini\nc\n```\n"
    assert list(blocks(text)) == [
        Block("One", "run", "sh", "a\n"),
        Block("One", "", "text", "b\n"),
        Block("Two", "file: x", "ini", "c\n"),
    ]


def test_a_missing_row_is_found(readme: str) -> None:
    (row,) = [line for line in tables()["scenarios"].splitlines() if line.startswith("| signals ")]
    assert missing(readme.replace(row, "")) == [row]


def test_files_that_it_names_are_there(readme: str) -> None:
    named = set(re.findall(r"`((?:\./)?(?:conf|scripts|tests|indigevent)/[\w./-]*)[ `]", readme))
    assert len(named) > 5
    planned = {"scripts/bench"}
    assert [path for path in sorted(named - planned) if not (ROOT / path).exists()] == []


def test_links_lead_to_a_heading(readme: str) -> None:
    headings = re.findall(r"^#+ (.*)$", readme, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert [link for link in re.findall(r"\]\(#([^)]*)\)", readme) if link not in anchors] == []


if __name__ == "__main__":
    for name, text in tables().items():
        print(f"{name}:\n\n{text}")
