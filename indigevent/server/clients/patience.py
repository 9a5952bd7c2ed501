"""How long a client may take over a message, kept with one timer that runs only while one is awaited.

A connection has so long to send its first complete message, and any message that has begun must make progress; a
client that has sent something complete may be silent for ever.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any

import gevent

from indigevent.server.link import Link

# Slower than this is no progress: the slowest of modems is ten times as fast.
_MIN_BYTES_PER_S = 100
# What the peer has sent may still be unread, because the server was busy, or stopped; then it is looked at again.
_AGAIN_S = 1.0
_RATE_WINDOW_S = 10.0


class Patience:
    """One client's time.

    Arguments:
        link: its connection.
        timeout_s: how long a message may be awaited in vain; 0 for ever.
        give_up: called with a word to count by and a clause, once.
    """

    def __init__(self, link: Link, timeout_s: float, give_up: Callable[[str, str], None]) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._give_up = give_up
        self._is_inside = False
        self._timer: Any = None
        self._mark()

    def note(self, completed: bool) -> None:
        """Something was read, and perhaps a message completed."""
        is_inside = self._link.framer.is_inside
        if is_inside and (completed or not self._is_inside) and self._link.received_messages:
            self._mark()
        self._is_inside = is_inside

    def close(self) -> None:
        """Nothing is awaited any more."""
        self._timeout_s = 0
        self._stop()

    def _mark(self) -> None:
        """The present wait begins here."""
        self._began = time.monotonic()
        self._bytes = self._link.received_bytes
        if self._timeout_s and self._timer is None:
            self._run_for(self._timeout_s)

    def _run_for(self, duration_s: float) -> None:
        self._timer = gevent.get_hub().loop.timer(duration_s)
        self._timer.start(self._look)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _look(self) -> None:
        """The timer's callback."""
        self._stop()
        link = self._link
        if link.is_ended or (link.received_messages and not self._is_inside):
            return
        left_s = self._began + self._timeout_s - time.monotonic()
        if left_s > 0:
            self._run_for(left_s)
        elif _has_unread(link):
            self._run_for(min(_AGAIN_S, self._timeout_s))
        elif self._is_inside and link.received_bytes - self._bytes >= _MIN_BYTES_PER_S * self._timeout_s:
            self._mark()
        else:
            self._give_up(*self._verdict())

    def _verdict(self) -> tuple[str, str]:
        if not self._link.received_messages:
            return "silent", f"no complete message came within {self._timeout_s:g} s"
        received = self._link.received_bytes - self._bytes
        return "unfinished", f"a message was not finished: {received} bytes of it came within {self._timeout_s:g} s"


class Rate:
    """Whether a client sends too much; `limit` is in messages per second, 0 for any number."""

    def __init__(self, limit: int) -> None:
        self._allowed = limit * _RATE_WINDOW_S
        self._began = time.monotonic()
        self._count = 0

    def is_exceeded(self, messages: int) -> bool:
        """Count messages; whether there are more than the limit allows in ten seconds."""
        if not self._allowed:
            return False
        now = time.monotonic()
        if now - self._began >= _RATE_WINDOW_S:
            self._began, self._count = now, 0
        self._count += messages
        return self._count > self._allowed


def _has_unread(link: Link) -> bool:
    poll = select.poll()
    poll.register(link.fileno(), select.POLLIN)
    return bool(poll.poll(0))
