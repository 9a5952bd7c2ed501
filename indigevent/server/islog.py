"""The reference's islog (`-l`): drivers' elements with a message, as `TIMESTAMP: DEVICE: MESSAGE`, a file per day."""

from __future__ import annotations

import re
import time
from pathlib import Path

from indigevent.background import BackgroundWriter
from indigevent.logs import log
from indigevent.protocol.message import Message

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HINT = b"message"
_MAX_WAITING_LINES = 4096


class IsLog:
    """Appends to `DIRECTORY/YYYY-MM-DD.islog`, the day being the message's own (today where it has none)."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._is_failing = not self._directory.is_dir()
        self._writer = BackgroundWriter("islog", self._append, _MAX_WAITING_LINES)
        if self._is_failing:
            log.warning("Drivers' messages are not logged to %s: there is no such directory; make it", directory)

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
            self._put(_day(timestamp), line + "\n")

    def _put(self, day: str, line: str) -> None:
        if not self._writer.put((day, line)) and self._writer.lost == 1:
            log.warning("Drivers' messages are lost: %s does not take them", self._directory)

    def _append(self, item: tuple[str, str]) -> None:
        day, line = item
        path = self._directory / f"{day}.islog"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            if not self._is_failing:
                log.warning("Drivers' messages are not logged to %s: %s", path, error.strerror)
            self._is_failing = True
        else:
            self._is_failing = False


def _day(timestamp: str) -> str:
    """The date that a timestamp begins with; a peer's word becomes part of a path only if it is one."""
    match = _DAY.match(timestamp)
    return match[0] if match else time.strftime("%Y-%m-%d", time.gmtime())
