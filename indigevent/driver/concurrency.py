"""The three things a driver needs to do several things at once, so that the same code runs on threads or on greenlets.

`standard()` takes them from the standard library when it is called: threads in an ordinary program, greenlets in one
that gevent has patched. Whoever embeds drivers may pass others.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Lock(Protocol):
    """A lock that any thread may release, as `threading.Lock` is."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; False when that was not possible within `timeout` seconds."""

    def release(self) -> None:
        """Give it back."""

    def __enter__(self) -> bool: ...

    def __exit__(self, *error: Any) -> None: ...


@dataclass(frozen=True)
class Concurrency:
    """How to run things at once.

    Arguments:
        new_lock: makes a lock.
        start: runs a function beside the caller, under a name; the program does not wait for its end.
        new_socket: makes a socket object of a file descriptor.
        may_wait: whether the calling thread may wait for the driver's; where it may not, the driver's thread does
            what it wanted, a moment later.
    """

    new_lock: Callable[[], Lock]
    start: Callable[[str, Callable[[], None]], None]
    new_socket: Callable[[int], socket.socket]
    may_wait: Callable[[], bool] = lambda: True


def standard() -> Concurrency:
    """Threads, or what a patched program has in their place."""
    return Concurrency(
        new_lock=threading.Lock,
        start=_start_thread,
        new_socket=lambda fd: socket.socket(fileno=fd),
    )


def _start_thread(name: str, function: Callable[[], None]) -> None:
    try:
        threading.Thread(target=function, name=name, daemon=True).start()
    except RuntimeError as error:  # what `threading` may make of a signal that ends us while it waits for the thread
        raised = error.__context__
        if raised is None or isinstance(raised, Exception):
            raise
        raise raised from None


class Flag:
    """Something that happens once, and that others may wait for."""

    def __init__(self, concurrency: Concurrency) -> None:
        self._new_lock = concurrency.new_lock
        self._guard = concurrency.new_lock()
        self._gates: list[Lock] = []
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """It happens; everybody who waits goes on."""
        with self._guard:
            self._is_set = True
            gates, self._gates = self._gates, []
        for gate in gates:
            gate.release()

    def wait(self, timeout_s: float = -1) -> bool:
        """Wait until it has happened; False when that took longer than `timeout_s` seconds (-1: never too long)."""
        with self._guard:
            if self._is_set:
                return True
            gate = self._new_lock()
            gate.acquire()
            self._gates.append(gate)
        gate.acquire(timeout=timeout_s)
        with self._guard:
            if gate in self._gates:
                self._gates.remove(gate)
        return self._is_set
