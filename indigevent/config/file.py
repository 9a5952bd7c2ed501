"""The config file: INI whose every key keeps its line, so that an error can name it.

Global keys come first, then `[driver NAME]`, `[remote NAME]` and `[access NAME]` sections. What is wrong is
collected, not raised: `--check-config` shows all of it.
"""

import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import IO, Any

from configargparse import ConfigFileParser

from indigevent.config import values
from indigevent.config.option import Key
from indigevent.config.sections import FILE_OPTIONS, SECTIONS, nearest
from indigevent.errors import ConfigError
from indigevent.routing.access import AccessRule
from indigevent.supervision.specs import DriverSpec, RemoteSpec, Spec

_HEADER = re.compile(r"\[\s*(\S+?)(?:\s+(.*?))?\s*\]")
_SECTIONS_HINT = "write [driver NAME], [remote NAME] or [access NAME]; the server's own settings stand above them"
_QUOTED = re.compile(r"""(["'])(.*?)\1""")
_FIELDS = {
    "restart-delay": "restart_delay_s",
    "stable-time": "stable_time_s",
    "stop-timeout": "stop_timeout_s",
    "stall-timeout": "stall_timeout_s",
    "watchdog": "watchdog_s",
    "max-memory": "max_memory_bytes",
}
_COMMENT_INSIDE = re.compile(r"(^|\s)[#;]")


@dataclass(frozen=True)
class Entry:
    """A key's value and the line that it stands in."""

    text: str
    line: int
    value: object


@dataclass
class Section:
    """One section, or the global part, whose `kind` and `name` are ""; `lines` has the wrong keys too."""

    kind: str
    name: str
    line: int
    entries: dict[str, Entry] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The section as it stands in the file."""
        return f"[{self.kind} {self.name}]"


class IniFile(ConfigFileParser):
    """configargparse's view of the file: it gets the global keys, and the sections stay here.

    After `parse`, `problems` has one sentence per thing that is wrong, `sections` the driver and remote
    sections in order, `globals` the rest, `path` the file's name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.path = ""
        self.problems: list[str] = []
        self.globals = Section("", "", 0)
        self.sections: list[Section] = []

    def open(self, path: str) -> IO[str]:
        """Read a config file's text and remember its path; raise ConfigError with path and reason."""
        self.path = path
        try:
            with open(path, encoding="utf-8-sig") as stream:
                return io.StringIO(stream.read())
        except OSError as error:
            raise ConfigError(f"config file {path}: {error.strerror}; name another with --config") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"config file {path}: byte {error.start} is not UTF-8 text") from None

    def get_syntax_description(self) -> str:
        """Return one line for configargparse's help."""
        return "INI: global keys, then [driver NAME] and [remote NAME] sections."

    def parse(self, stream: IO[str]) -> dict[str, str]:
        """Read the file and return the texts of the global keys that are right."""
        self._read(stream)
        return {name: entry.text for name, entry in self.globals.entries.items()}

    def origin(self, line: int) -> str:
        """Return `FILE:LINE`."""
        return f"{self.path}:{line}"

    def specs(self) -> list[tuple[Spec, str]]:
        """Return the drivers and remotes with the `FILE:LINE` of their sections."""
        found: list[tuple[Spec, str]] = []
        for section in self.sections:
            if section.kind == "access":
                continue
            spec = self._remote(section) if section.kind == "remote" else self._driver(section)
            if spec is not None:
                found.append((spec, self.origin(section.line)))
        return found

    def _read(self, lines: Iterable[str]) -> None:
        section: Section | None = self.globals
        for number, raw in enumerate(lines, start=1):
            line = raw.strip()
            if "\0" in line:  # as in what a crash leaves of a file
                self._problem(number, "there is a byte 0, which no text has; write the line anew")
                continue
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                section = self._header(line, number)
            elif section is not None:
                self._entry(section, line, number)

    def _problem(self, line: int, sentence: str) -> None:
        self.problems.append(f"{self.origin(line)}: {sentence}")

    def _header(self, line: str, number: int) -> Section | None:
        """Open a section; None when it is wrong, and then its keys are not looked at."""
        matched = _HEADER.fullmatch(line)
        if matched is None:
            self._problem(number, f"{line!r} is no section; {_SECTIONS_HINT}")
            return None
        kind, name = matched.group(1), _unquoted(matched.group(2) or "")
        if kind not in SECTIONS:
            near = get_close_matches(kind.lower(), SECTIONS, n=1, cutoff=0.7)
            hint = f"did you mean [{near[0]} {name or 'NAME'}]?" if near else _SECTIONS_HINT
            self._problem(number, f"section {line} is not known; {hint}")
            return None
        if not name:
            self._problem(number, f"section [{kind}] has no name; write [{kind} NAME]")
            return None
        return self._new_section(Section(kind, name, number))

    def _new_section(self, section: Section) -> Section | None:
        for other in self.sections:
            if other.title == section.title:
                self._problem(section.line, f"section {section.title} is there already, in line {other.line}")
                return None
        self.sections.append(section)
        return section

    def _entry(self, section: Section, line: str, number: int) -> None:
        name, equals, text = line.partition("=")
        name = name.strip().replace("_", "-")
        if not equals or not name:
            self._problem(number, f"{line!r} is neither KEY = VALUE nor [SECTION] nor # COMMENT")
            return
        key = _find_key(section.kind, name)
        if key is None:
            self._problem(number, _unknown_key(section, name))
        elif name in section.lines:
            self._problem(number, f"key {name!r} is there already, in line {section.lines[name]}")
        else:
            section.lines[name] = number
            self._value(section, key, text.strip(), number)

    def _value(self, section: Section, key: Key, text: str, number: int) -> None:
        if _COMMENT_INSIDE.search(_QUOTED.sub("", text)):
            self._problem(number, f"{key.name}: a comment needs its own line; a value with # or ; needs quotes")
            return
        if key.parse not in (values.words, values.environment):  # there quotes keep words together
            text = _unquoted(text)
        try:
            value = key.parse(text)
        except ValueError as error:
            self._problem(number, f"{key.name}: {error}")
            return
        if key.is_path:
            text = resolve(text, os.path.dirname(self.path))
            value = text
        section.entries[key.name] = Entry(text, number, value)

    def _driver(self, section: Section) -> DriverSpec | None:
        given = _values(section)
        command = given.pop("command", section.name)
        if "command" not in section.entries and "@" in section.name:
            self._problem(section.line, f"section {section.title}: a driver on another host is a [remote NAME]")
            return None
        if "/" in command:
            command = resolve(command, os.path.dirname(self.path))
        return DriverSpec(name=section.name, command=command, **given)

    def _remote(self, section: Section) -> RemoteSpec | None:
        given = _values(section)
        if "host" not in given:
            if "host" not in section.lines:
                self._problem(section.line, f"section {section.title} has no host; add host = NAME or address")
            return None
        return RemoteSpec(name=section.name, **given)

    def access(self) -> tuple[AccessRule, ...]:
        """Return the rules for clients, in order; one with a wrong value is none."""
        chosen = (one for one in self.sections if one.kind == "access" and one.lines.keys() == one.entries.keys())
        return tuple(AccessRule(section.name, **_values(section)) for section in chosen)


def resolve(path: str, folder: str) -> str:
    """Expand a leading `~` and let a relative path start at `folder` ("" for the working directory)."""
    return os.path.join(folder, os.path.expanduser(path))


def _unquoted(text: str) -> str:
    """Remove one pair of quotes around the whole value."""
    quoted = _QUOTED.fullmatch(text)
    return quoted.group(2) if quoted else text


def _find_key(kind: str, name: str) -> Key | None:
    keys: tuple[Key, ...] = SECTIONS[kind] if kind else FILE_OPTIONS
    return next((key for key in keys if key.name == name), None)


def _unknown_key(section: Section, name: str) -> str:
    if not section.kind:
        return f"key {name!r} is not known; {nearest(name, [option.name for option in FILE_OPTIONS])}"
    if _find_key("", name) is not None:
        return f"key {name!r} in {section.title} is a global one; put it before the first section"
    known = [key.name for key in SECTIONS[section.kind]]
    return f"key {name!r} in {section.title} is not known; {nearest(name, known)}"


def _values(section: Section) -> dict[str, Any]:
    return {_FIELDS.get(name, name.replace("-", "_")): entry.value for name, entry in section.entries.items()}
