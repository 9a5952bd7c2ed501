"""One thread at a time for what takes long, such as connecting, without holding up what the others wait for.

A condition that a program waits for is tested while the client's lock is held, and may itself use the client: with a
lock of its own for long work, two threads could wait for each other for ever.
"""

from __future__ import annotations

import threading

from indigevent.client.interrupts import Monitor


class OneAtATime:
    """A context that one thread at a time is in, as often as it likes; the others let go of the lock meanwhile."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._holder = 0
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        is_mine = False

        def take() -> None:
            nonlocal is_mine
            while self._depth and self._holder != me:
                self._monitor.wait()
            self._holder, is_mine = me, True
            self._depth += 1

        try:
            self._monitor.run(take)
        except BaseException:  # as Ctrl-C at the last instant
            if is_mine:
                self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self._depth -= 1  # before anything that Ctrl-C may hit; nobody else changes it now
        with self._monitor.lock:
            self._monitor.notify_all()
