"""Fail when a test was skipped for a reason that is not on the list: no skip may hide what a machine lacks.

Usage: check_skips.py JUNIT_XML LIST, the list having one regular expression for `TEST: REASON` per line.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree


def skips(report: Path) -> list[str]:
    """Return `TEST: REASON` for each skipped test of a JUnit report."""
    return [
        f"{case.get('classname')}::{case.get('name')}: {skipped.get('message')}"
        for case in ElementTree.parse(report).iter("testcase")
        for skipped in case.iter("skipped")
    ]


def allowed(listing: Path) -> list[str]:
    """Return the expressions of the list, without blank lines and comments."""
    lines = [line.strip() for line in listing.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def main(report: str, listing: str) -> int:
    """Print the skips that are not on the list and return 1 when there are any."""
    patterns = allowed(Path(listing))
    surprises = [skip for skip in skips(Path(report)) if not any(re.search(p, skip) for p in patterns)]
    for skip in surprises:
        print(f"skipped, but not in {listing}: {skip}", file=sys.stderr)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
