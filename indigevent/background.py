"""Writing where a disk or a reader may hang: a native thread with a bounded queue, so that nobody waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_CLOSE_DEADLINE_S = 1.0
# What Python needs for a short text in a queue, besides its characters.
_OVERHEAD_BYTES = 200

_Item = TypeVar("_Item")


class BackgroundWriter(Generic[_Item]):
    """Calls `write(items)` in a thread of its own, with all that waits, in order.

    While the server is busy the thread runs only now and then: one item at a time it could not keep up.

    Arguments:
        name: the thread's name.
        write: may block; must not raise.
        max_waiting_bytes: how much may wait; what comes then is refused and counted in `refused`.
    """

    def __init__(self, name: str, write: Callable[[list[_Item]], None], max_waiting_bytes: int) -> None:
        self.refused = 0
        self._write = write
        self._max_waiting_bytes = max_waiting_bytes
        # Two counts that only grow, each with one thread that adds to it: so no lock is needed.
        self._accepted_bytes = 0
        self._taken_bytes = 0
        self._is_closing = False
        self._waiting: queue.SimpleQueue[tuple[_Item, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return self._waiting.empty()

    def put(self, item: _Item, length: int) -> bool:
        """Have an item of this length written; False when it was refused. Only for one thread at a time."""
        size = length + _OVERHEAD_BYTES
        if self._accepted_bytes - self._taken_bytes + size > self._max_waiting_bytes:
            self.refused += 1
            return False
        self._accepted_bytes += size
        self._waiting.put((item, size))
        return True

    def wake(self) -> None:
        """Have `write` called soon, without an item if none waits."""
        self._waiting.put(None)

    def close(self) -> bool:
        """Write what waits, for at most a second; False when that was not enough and the thread is left behind."""
        self._is_closing = True
        self.wake()
        self._thread.join(_CLOSE_DEADLINE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not (self._is_closing and self._waiting.empty()):
            self._write(self._take())

    def _take(self) -> list[_Item]:
        entries = [self._waiting.get()]
        entries += [self._waiting.get() for _ in range(self._waiting.qsize())]
        taken = [entry for entry in entries if entry is not None]
        self._taken_bytes += sum(size for _, size in taken)
        return [item for item, _ in taken]
