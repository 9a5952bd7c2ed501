"""The reference's islog (`-l`): drivers' elements with a message, as `TIMESTAMP: DEVICE: MESSAGE`, a file per day."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
import time
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from indigevent.background import BackgroundWriter
from indigevent.log_output import append
from indigevent.logs import log
from indigevent.protocol.message import Message

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HINT = b"message"
_MAX_WAITING_BYTES = 4 * 1024 * 1024
_OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY


class _Entry(NamedTuple):
    day: str
    line: str


class IsLog:
    """Appends to `DIRECTORY/YYYY-MM-DD.islog`, the day being the message's own (today where it has none).

    What cannot be written is lost: one warning when that begins, and their number when it is over.
    """

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._unwritten = 0
        self._told = 0
        trouble = _trouble(self._directory)
        self._is_failing = bool(trouble)
        self._writer = BackgroundWriter("islog", self._write, _MAX_WAITING_BYTES)
        if trouble:
            log.warning("Drivers' messages are not logged to %s: %s", directory, trouble)

    @property
    def lost_lines(self) -> int:
        """How many messages were not written since the start."""
        return self._writer.refused + self._unwritten

    def close(self) -> None:
        """Write what waits, for at most a second."""
        self._writer.close()

    def note(self, message: Message) -> None:
        """Log a driver's message if it has a `message` attribute."""
        if _HINT not in message.parts[0]:
            return
        attributes = message.attributes
        text = attributes.get("message", "")
        if text:
            timestamp = attributes.get("timestamp") or time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            line = f"{timestamp}: {message.device}: {text}".replace("\n", "").replace("\r", "")
            if not self._writer.put(_Entry(_day(timestamp), line + "\n"), len(line)):
                self._fail(self._directory, "it takes them too slowly")

    def _write(self, entries: list[_Entry]) -> None:
        """In the writer's thread."""
        for day, group in itertools.groupby(entries, attrgetter("day")):
            self._append(self._directory / f"{day}.islog", [entry.line for entry in group])

    def _append(self, path: Path, lines: list[str]) -> None:
        try:
            fd = os.open(path, _OPEN_FLAGS, 0o666)
            try:
                append(fd, "".join(lines).encode(errors="backslashreplace"))
            finally:
                os.close(fd)
        except OSError as error:
            self._unwritten += len(lines)
            self._fail(path, error.strerror or str(error))
        else:
            self._succeed(path)

    def _fail(self, path: Path, cause: str) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.warning("Drivers' messages are not logged to %s: %s", path, cause)

    def _succeed(self, path: Path) -> None:
        """It is over when nothing waits any more: a disk that is too slow takes some now and then."""
        if self._is_failing and self._writer.is_idle:
            self._is_failing = False
            lost, self._told = self.lost_lines - self._told, self.lost_lines
            log.warning("Drivers' messages are logged to %s again; %d were lost", path, lost)


def _day(timestamp: str) -> str:
    """The date that a timestamp begins with; a peer's word becomes part of a path only if it is one."""
    match = _DAY.match(timestamp)
    return match[0] if match else time.strftime("%Y-%m-%d", time.gmtime())


def _trouble(directory: Path) -> str:
    """Why no file can be made there, and the way out; "" when one can be."""
    try:
        if not directory.is_dir():
            return "there is no such directory; make it"
        with tempfile.TemporaryFile(dir=directory):
            return ""
    except OSError as error:
        return f"{error.strerror}; let this server's user write there, or choose another with --islog"
