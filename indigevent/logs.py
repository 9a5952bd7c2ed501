"""The daemon's log on stderr, in the reference's form, written by a thread of its own.

Lines look like `2026-11-21T05:31:42: Driver indi_simulator_ccd: …`, in UTC. A reader of stderr that stops reading must
never stop routing: what does not fit into a bounded queue is counted, not waited for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time

from indigevent.background import BackgroundWriter

TRACE = 5
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG, TRACE)
_MAX_WAITING_LINES = 4096
_STDERR = 2
_DRIVER_LOGS = "indigevent.driver."

log = logging.getLogger("indigevent")


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        """An embedded driver's own lines look like what a driver program writes to stderr."""
        if record.name.startswith(_DRIVER_LOGS):
            record.message = f"Driver {record.name.removeprefix(_DRIVER_LOGS)}: {record.message}"
        return super().formatMessage(record)


class _Handler(logging.Handler):
    """Passes formatted lines to the thread; when some were lost, the next one that fits is preceded by their number."""

    def __init__(self, writer: BackgroundWriter[str]) -> None:
        super().__init__()
        self._writer = writer
        self.setFormatter(_Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        lost = self._writer.take_lost()
        lines = self.format(record)
        if lost:
            lines = f"{lost} log lines were lost because nobody read them\n{lines}"
        if not self._writer.put(lines):
            self._writer.lost += lost


class LogWriter:
    """Writes the log of this process to stderr until `close`.

    Arguments:
        verbosity: 0 to 3, the number of `-v` flags: key events, message heads, complete messages.
    """

    def __init__(self, verbosity: int) -> None:
        self._writer = BackgroundWriter("log", _write_stderr, _MAX_WAITING_LINES)
        self._handler = _Handler(self._writer)
        log.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
        log.propagate = False
        log.addHandler(self._handler)

    def close(self) -> None:
        """Write what waits, for at most a second: who reads stderr may have stopped reading."""
        log.removeHandler(self._handler)
        self._writer.close()


def _write_stderr(lines: str) -> None:
    """Not through sys.stderr, whose buffer Python would wait to empty when the process ends."""
    data = (lines + "\n").encode(errors="backslashreplace")
    with contextlib.suppress(OSError):  # stderr is closed: nobody is there to be told
        while data:
            data = data[os.write(_STDERR, data) :]
