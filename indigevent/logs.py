"""The daemon's log on stderr, in the reference's form, written by a thread of its own.

Lines look like `2026-11-21T05:31:42: Driver indi_simulator_ccd: …`, in UTC. The thread and a bounded queue are there
because a reader of stderr that stops reading must never stop routing: what does not fit is counted, not waited for.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
import threading
import time

TRACE = 5
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG, TRACE)
_MAX_WAITING_LINES = 10_000
_FLUSH_DEADLINE_S = 1.0

log = logging.getLogger("indigevent")


class _QueueHandler(logging.handlers.QueueHandler):
    """Puts lines where the writing thread finds them; counts those for which there is no room."""

    lost = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self.lost:
                text = f"{self.lost} log lines were lost because nobody read them"
                self.queue.put_nowait(logging.makeLogRecord({"msg": text, "levelno": logging.WARNING}))
                self.lost = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self.lost += 1


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


class LogWriter:
    """Writes the log of this process to stderr until `close`.

    Arguments:
        verbosity: 0 to 3, the number of `-v` flags: key events, message heads, complete messages.
    """

    def __init__(self, verbosity: int) -> None:
        self._waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(_MAX_WAITING_LINES)
        self._stream = logging.StreamHandler(sys.stderr)
        self._stream.setFormatter(_Formatter())
        self._thread = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._handler = _QueueHandler(self._waiting)
        logging.raiseExceptions = False  # a closed stderr is no reason for a traceback on it
        log.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
        log.propagate = False
        log.addHandler(self._handler)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, for at most a second: who reads stderr may have stopped reading."""
        log.removeHandler(self._handler)
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(_FLUSH_DEADLINE_S)

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None:
            self._stream.handle(record)
