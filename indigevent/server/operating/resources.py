"""One greenlet that looks at what the server and its local drivers use of the machine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import gevent
import psutil

from indigevent.server.greenlets import give_turn
from indigevent.supervision.limits import Usage


class Meter:
    """Measures one process; `pid` None is this one."""

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid
        self._process: psutil.Process | None = None
        self._busy_s = 0.0
        self._looked_s = 0.0

    def read(self) -> Usage:
        """What the process uses; its share of the processor is since the last time, so not known the first time."""
        try:
            process = self._process or psutil.Process(self._pid)
            with process.oneshot():
                usage = self._look(process)
        except (psutil.Error, OSError):  # it has ended, or this process is short of descriptors
            return Usage()
        self._process = process
        return usage

    def _look(self, process: psutil.Process) -> Usage:
        times, now_s = process.cpu_times(), time.monotonic()
        busy_s = times.user + times.system
        percent = None
        if self._process is not None:
            percent = 100.0 * (busy_s - self._busy_s) / max(now_s - self._looked_s, 1e-6)
        self._busy_s, self._looked_s = busy_s, now_s
        descriptors = None
        with contextlib.suppress(psutil.AccessDenied):  # it has become another user
            descriptors = process.num_fds()
        return Usage(percent, process.memory_info().rss, descriptors, process.num_threads())


class Measured(Protocol):
    """Something with a process that is to be looked at."""

    def measure(self) -> None:
        """Look at it, if it runs now."""


class ResourceMonitor:
    """Looks at everybody in turn; between two looks others have a turn, for each takes some 100 microseconds.

    Arguments:
        measured: gives those to look at.
        interval_s: seconds from one look to the next.
    """

    def __init__(self, measured: Callable[[], Iterable[Measured]], interval_s: float) -> None:
        self.server = Usage()
        self._measured = measured
        self._interval_s = interval_s
        self._meter = Meter()

    def run(self) -> None:
        """The body of the greenlet."""
        while True:
            self.server = self._meter.read()
            for one in list(self._measured()):
                give_turn()
                one.measure()
            gevent.sleep(self._interval_s)
