"""The daemon's log, in the reference's form or as JSON, written by a thread of its own.

Lines look like `2026-11-21T05:31:42: Driver indi_simulator_ccd: …`, in UTC. A reader that stops reading, a full disk or
one that hangs must never stop routing: what does not fit into a bounded queue, or cannot be written, is counted.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from typing import NamedTuple

from indigevent.background import BackgroundWriter
from indigevent.log_output import LogFile, Output, Stderr, complain

TRACE = 5
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG, TRACE)
_MAX_WAITING_BYTES = 8 * 1024 * 1024
# As much goes into a file beyond the size at which it is rotated, or is lost when a disk becomes full, at a time.
_TOGETHER_BYTES = 256 * 1024
_DRIVER_LOGS = "indigevent.driver."
# How lines about a peer begin, where its name is the first argument; with "%s: " that is its label, `Driver NAME`.
_PEER_HEADS = {"Driver %s: ": "driver", "Client %s: ": "client", "Client %d: ": "client"}
_LABEL_HEAD = "%s: "
_NOBODY_READ = "nobody read them"

# So many characters of what a peer sent are logged.
_SHOWN = 200

log = logging.getLogger("indigevent")


def shown(text: str) -> str:
    """What a peer sent, as it may be logged: not without end, and in one line that nobody takes for several."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]


class LogWriter:
    """Writes the log of this process until `close`.

    Arguments:
        verbosity: 0 to 3, the number of `-v` flags: key events, message heads, complete messages.
        is_json: an object per line instead of text.
        file: where to write; without it to stderr.
    """

    def __init__(self, verbosity: int, is_json: bool = False, file: LogFile | None = None) -> None:
        self._output: Output = file or Stderr()
        self._file = file
        self._formatter = _JsonFormatter() if is_json else _TextFormatter()
        self._unwritten = 0
        self._unwritten_untold = 0
        self._refused_told = 0
        self._trouble = ""
        self._writer = BackgroundWriter("log", self._write, _MAX_WAITING_BYTES)
        self._handler = _Handler(self._writer, self._formatter)
        self.set_level(verbosity)
        log.propagate = False
        log.addHandler(self._handler)

    @property
    def lost_lines(self) -> int:
        """How many lines were not written since the start."""
        return self._writer.refused + self._unwritten

    def set_level(self, verbosity: int) -> None:
        """Log so much from now on: 0 to 3, as the number of `-v` flags."""
        log.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])

    def reopen(self) -> None:
        """Have the log file opened anew soon, because it was moved away; stderr needs none of that."""
        if self._file is not None:
            self._file.reopen()
            self._writer.wake()

    def close(self) -> None:
        """Write what waits, for at most a second: who reads the log may have stopped reading."""
        log.removeHandler(self._handler)
        if self._writer.close():
            self._output.close()

    def _write(self, lines: list[_Line]) -> None:
        """In the writer's thread. When nothing more waits, the last that were lost may be the end of the log."""
        if self._writer.is_idle:
            lines.append(_Line("", self._writer.refused))
        begin = size = 0
        for end, line in enumerate(lines, 1):
            size += len(line.text)
            if size >= _TOGETHER_BYTES:
                self._write_together(lines[begin:end])
                begin, size = end, 0
        if begin < len(lines):
            self._write_together(lines[begin:])

    def _write_together(self, lines: list[_Line]) -> None:
        """A line that could not be written is never tried again, only counted."""
        text, refused = self._text_of(lines)
        try:
            self._output.write(text.encode(errors="backslashreplace"))
        except OSError as error:
            unwritten = sum(1 for line in lines if line.text)
            self._unwritten += unwritten
            self._unwritten_untold += unwritten
            self._report(error.strerror or str(error))
        else:
            self._refused_told = refused
            if text:
                self._unwritten_untold, self._trouble = 0, ""

    def _report(self, trouble: str) -> None:
        if not self._trouble and self._file is not None:
            complain(f"The log cannot be written to {self._output.name}: {trouble}; its lines are lost until it can")
        self._trouble = trouble

    def _text_of(self, lines: list[_Line]) -> tuple[str, int]:
        """What to write, and how many refused lines are told then; where lines are missing stands how many."""
        parts = [self._note(self._unwritten_untold, f"they could not be written: {self._trouble}")]
        refused = self._refused_told
        for line in lines:
            parts += self._note(line.refused_before - refused, _NOBODY_READ), line.text
            refused = max(refused, line.refused_before)
        return "".join(parts), refused

    def _note(self, lost: int, cause: str) -> str:
        if lost <= 0:
            return ""
        form = "%d log lines were lost because %s"
        record = logging.LogRecord(log.name, logging.WARNING, "", 0, form, (lost, cause), None)
        return self._formatter.format(record) + "\n"


class _Line(NamedTuple):
    """What one record became (more than one line when it has a traceback), and how many did not fit until then."""

    text: str
    refused_before: int


class _Handler(logging.Handler):
    """Formats, and passes what was formatted to the thread."""

    def __init__(self, writer: BackgroundWriter[_Line], formatter: logging.Formatter) -> None:
        super().__init__()
        self._writer = writer
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record) + "\n"
        self._writer.put(_Line(text, self._writer.refused), len(text))


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _message(record)
        return super().formatMessage(record)


class _JsonFormatter(logging.Formatter):
    """ASCII in one line, whatever peers send."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "level": "trace" if record.levelno == TRACE else logging.getLevelName(record.levelno).lower(),
            **_peer(record),
            "message": _message(record),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        # Half a surrogate pair is no text, although Python can hold it and JSON can escape it.
        return json.dumps({key: text.encode(errors="backslashreplace").decode() for key, text in fields.items()})


def _message(record: logging.LogRecord) -> str:
    """An embedded driver's own lines look like what a driver program writes to stderr."""
    text = record.getMessage()
    is_embedded = record.name.startswith(_DRIVER_LOGS)
    return f"Driver {record.name.removeprefix(_DRIVER_LOGS)}: {text}" if is_embedded else text


def _peer(record: logging.LogRecord) -> dict[str, str]:
    """Whom a line is about, by its form and not by its text, in which a peer may say anything."""
    if record.name.startswith(_DRIVER_LOGS):
        return {"driver": record.name.removeprefix(_DRIVER_LOGS)}
    if not isinstance(record.args, tuple) or not record.args:
        return {}
    form, name = str(record.msg), str(record.args[0])
    if form.startswith(_LABEL_HEAD):
        kind, _, name = name.partition(" ")
        return {kind.lower(): name} if kind in ("Driver", "Client") else {}
    return next(({kind: name} for head, kind in _PEER_HEADS.items() if form.startswith(head)), {})
