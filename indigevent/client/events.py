"""Events for whoever wants them: by a queue, by iteration, or by callbacks in a thread of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from indigevent.client.model import Event, EventKind
from indigevent.errors import ClientError
from indigevent.logs import log

_MAX_WAITING = 10_000
Callback = Callable[[Event], object]


@dataclass(frozen=True)
class Filter:
    """Which events: of these kinds (none: all), of this device, of this property ("" is any)."""

    kinds: frozenset[EventKind]
    device: str = ""
    name: str = ""

    def passes(self, event: Event) -> bool:
        """Whether an event is wanted."""
        if self.kinds and event.kind not in self.kinds:
            return False
        return self.device in ("", event.device) and self.name in ("", event.name)


class Subscription:
    """Events in the order in which they happened, waiting until they are taken; iteration ends with `close`.

    At most 10,000 wait: when more come, the oldest are dropped, counted in `dropped` and logged once.
    """

    def __init__(self, wanted: Filter, on_close: Callable[[Subscription], None]) -> None:
        self.dropped = 0
        self._wanted = wanted
        self._on_close = on_close
        self._queue: queue.Queue[Event | None] = queue.Queue()
        self._is_closed = False

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        while (event := self._queue.get()) is not None:
            yield event
        self._queue.put(None)  # for whoever else iterates

    def get(self, timeout: float | None = None) -> Event:
        """The next event; raises ClientError when none comes within `timeout` seconds, or when this is closed."""
        try:
            event = self._queue.get(timeout=timeout)
        except queue.Empty:
            raise ClientError(f"no event came within {timeout:g} s") from None
        if event is None:
            self._queue.put(None)
            raise ClientError("no more events come: this was closed")
        return event

    def offer(self, event: Event) -> None:
        """Something happened."""
        if self._is_closed or not self._wanted.passes(event):
            return
        if self._queue.qsize() >= _MAX_WAITING:
            self._drop()
        self._queue.put(event)

    def close(self) -> None:
        """No more events: what waits can still be taken."""
        if not self._is_closed:
            self._is_closed = True
            self._on_close(self)
            self._queue.put(None)

    def _drop(self) -> None:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return
        if not self.dropped:
            log.warning("events come faster than they are taken: the oldest are dropped (more are only counted)")
        self.dropped += 1


class Callbacks:
    """Calls back, one event after the other, in a thread that begins with the first callback."""

    def __init__(self, subscribe: Callable[[Filter], Subscription]) -> None:
        self._subscribe = subscribe
        self._wanted: list[tuple[Filter, Callback]] = []
        self._subscription: Subscription | None = None
        self._thread: threading.Thread | None = None

    def add(self, wanted: Filter, callback: Callback) -> None:
        """Have something called for each event that passes."""
        self._wanted = [*self._wanted, (wanted, callback)]
        if self._thread is None:
            self._subscription = self._subscribe(Filter(frozenset()))
            self._thread = threading.Thread(target=self._run, name="indi callbacks", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Call for what has happened until now, and no more; waits for that, but not in a callback."""
        if self._subscription is not None:
            self._subscription.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        subscription: Any = self._subscription
        for event in subscription:
            for wanted, callback in self._wanted:
                if wanted.passes(event):
                    self._call(callback, event)

    def _call(self, callback: Callback, event: Event) -> None:
        try:
            callback(event)
        except Exception:  # the author's fault: the others go on
            log.exception("a callback for %s %s.%s failed", event.kind.value, event.device, event.name)
