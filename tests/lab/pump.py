"""One thread reads every descriptor of the laboratory, and one condition tells the tests that something changed.

All state that callbacks touch is guarded by `Pump.changed`; a test waits with `Pump.wait` for a condition and never
for a time.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

DEADLINE_S = 15.0
Saying = str | Callable[[], str]  # what was waited for; a function when it shows the state at the deadline


class LabTimeout(AssertionError):
    """A condition that a test waited for did not come true before its deadline."""


class Pump:
    """Call `on_ready` of every watched descriptor that has something to read."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._wake_r, self._wake_w = os.pipe()
        self._epoll.register(self._wake_r, select.EPOLLIN)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lab-pump", daemon=True)
        self._thread.start()

    def watch(self, fd: int, on_ready: Callable[[], None]) -> None:
        """Call `on_ready` in the pump's thread, with `changed` held, whenever `fd` is readable."""
        with self.changed:
            self._callbacks[fd] = on_ready
            self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, which must still be open; harmless for a descriptor that is not watched."""
        with self.changed:
            if self._callbacks.pop(fd, None) is not None:
                self._epoll.unregister(fd)

    def wait(self, condition: Callable[[], object], what: Saying, deadline_s: float = DEADLINE_S) -> None:
        """Return when `condition()` is true; raise LabTimeout saying `what` after `deadline_s` seconds."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout=deadline_s):
                raise LabTimeout(f"not within {deadline_s} s: {what if isinstance(what, str) else what()}")

    def poll(self, condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
        """Like `wait`, for conditions outside the laboratory that nothing announces (a port, a descriptor count)."""
        end = time.monotonic() + deadline_s
        with self.changed:
            while not condition():
                if time.monotonic() > end:
                    raise LabTimeout(f"not within {deadline_s} s: {what}")
                self.changed.wait(0.01)

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        os.write(self._wake_w, b"x")
        self._thread.join()
        self._epoll.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _run(self) -> None:
        while not self._closing:
            ready = self._epoll.poll()
            with self.changed:
                for fd, _ in ready:
                    callback = self._callbacks.get(fd)
                    if callback is not None:
                        callback()
                self.changed.notify_all()
