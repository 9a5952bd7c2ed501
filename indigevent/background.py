"""Writing where a disk or a reader may hang: a native thread with a bounded queue, so that nobody waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")
_CLOSE_DEADLINE_S = 1.0


class BackgroundWriter(Generic[_T]):
    """Calls `write(item)` for each item in a thread of its own, in order.

    Arguments:
        name: the thread's name.
        write: may block; must not raise.
        max_waiting: how many items may wait; what comes then is refused and counted in `lost`.
    """

    def __init__(self, name: str, write: Callable[[_T], None], max_waiting: int) -> None:
        self.lost = 0
        self._write = write
        self._waiting: queue.Queue[_T | None] = queue.Queue(max_waiting)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: _T) -> bool:
        """Have an item written; False when it was refused."""
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self.lost += 1
            return False
        return True

    def take_lost(self) -> int:
        """How many were refused since the last call."""
        lost, self.lost = self.lost, 0
        return lost

    def close(self) -> None:
        """Write what waits, for at most a second."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(_CLOSE_DEADLINE_S)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._write(item)
