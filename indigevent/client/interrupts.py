"""Ctrl-C where the standard library alone does not take it well: in a wait, and in a thread of the client's.

In a program patched by gevent it meets whichever greenlet runs. `threading.Thread` would print it and go on, and the
program would not end; a bare greenlet's is handed by gevent to the main one. In an ordinary program only the main
thread sees Ctrl-C.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

_Result = TypeVar("_Result")


class Monitor:
    """A lock, and waiting under it for what others change; wherever Ctrl-C hits, nobody keeps the lock.

    Use `with monitor.lock`, which Python enters in one step. `with` a `threading.Condition` is steps of Python code:
    interrupted between them it keeps the lock for ever, and its `wait` may leave it unlocked.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Held by whoever reads or changes what it guards, as often as one likes."""
        return self._lock

    def notify_all(self) -> None:
        """Have those that wait look again; the lock is held."""
        self._changed.notify_all()

    def wait(self, timeout_s: float | None = None) -> None:
        """Let go of the lock until something changes; only within `run`."""
        self._changed.wait(timeout_s)

    def wait_for(self, test: Callable[[], object], timeout_s: float | None) -> bool:
        """Let go of the lock until `test()` is true, and return whether it is; only within `run`."""
        return bool(self._changed.wait_for(test, timeout_s))

    def run(self, work: Callable[[], _Result]) -> _Result:
        """Call something that waits, with the lock held."""
        try:
            self._lock.acquire()
            return work()
        finally:
            try:  # noqa: SIM105 (a call before the release is where Ctrl-C may hit)
                self._lock.release()
            except RuntimeError:  # it was interrupted before it had the lock, or in a wait
                pass


def start(thread: threading.Thread) -> None:
    """Start a thread; of what a signal raises while this waits for it, `threading` may make a RuntimeError."""
    try:
        thread.start()
    except RuntimeError as error:
        raised = error.__context__
        if raised is None or isinstance(raised, Exception):
            raise
        raise raised from None


def hand_on() -> None:
    """Have the main greenlet interrupted."""
    _thread.start_new_thread(_interrupt, ())


def _interrupt() -> None:
    raise KeyboardInterrupt
