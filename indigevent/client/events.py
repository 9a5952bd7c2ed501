"""Events for whoever wants them: by a queue, by iteration, or by callbacks in a thread of their own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from indigevent.client import interrupts
from indigevent.client.model import Event, EventKind
from indigevent.errors import ClientError
from indigevent.logs import log

_MAX_WAITING = 10_000
_MAX_WAITING_BYTES = 512 << 20
Callback = Callable[[Event], object]


class Wanted(Protocol):
    """Says which events are wanted."""

    def passes(self, event: Event) -> bool:
        """Whether an event is wanted."""


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

    At most 10,000 wait, with 512 MB of BLOBs: when more come, the oldest are dropped, counted in `dropped` and logged
    once.
    """

    def __init__(self, wanted: Wanted, on_close: Callable[[Subscription], None]) -> None:
        self.dropped = 0
        self._wanted = wanted
        self._on_close = on_close
        self._waiting: deque[Event] = deque()
        self._waiting_bytes = 0
        self._monitor = interrupts.Monitor()
        self._is_closed = False

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        while (event := self._next(None)) is not None:
            yield event

    def get(self, timeout: float | None = None) -> Event:
        """The next event; raises ClientError when none comes within `timeout` seconds, or when this is closed."""
        event = self._next(timeout)
        if event is not None:
            return event
        if self._is_closed:
            raise ClientError("no more events come: this was closed")
        raise ClientError(f"no event came within {timeout:g} s")

    def offer(self, event: Event) -> None:
        """Something happened."""
        if not self._wanted.passes(event):
            return
        with self._monitor.lock:
            if self._is_closed:
                return
            self._waiting.append(event)
            self._waiting_bytes += _size(event)
            while self._is_too_much():
                self._drop()
            self._monitor.notify_all()

    def close(self) -> None:
        """No more events: what waits can still be taken."""
        with self._monitor.lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._monitor.notify_all()
        self._on_close(self)

    def _next(self, timeout: float | None) -> Event | None:
        endless = timeout is None or timeout >= threading.TIMEOUT_MAX

        def take() -> Event | None:
            self._monitor.wait_for(lambda: self._waiting or self._is_closed, None if endless else timeout)
            return self._take() if self._waiting else None

        return self._monitor.run(take)

    def _take(self) -> Event:
        event = self._waiting.popleft()
        self._waiting_bytes -= _size(event)
        return event

    def _is_too_much(self) -> bool:
        """One event may be as large as it likes."""
        waiting = len(self._waiting)
        return waiting > _MAX_WAITING or (waiting > 1 and self._waiting_bytes > _MAX_WAITING_BYTES)

    def _drop(self) -> None:
        self._take()
        if not self.dropped:
            log.warning("events come faster than they are taken: the oldest are dropped (more are only counted)")
        self.dropped += 1


class Callbacks:
    """Calls back, one event after the other, in a thread that lives while this is open and there is a callback."""

    def __init__(self, subscribe: Callable[[Wanted], Subscription]) -> None:
        self._subscribe = subscribe
        self._wanted: tuple[tuple[Filter, Callback], ...] = ()
        self._lock = threading.Lock()
        self._is_open = False
        self._subscription: Subscription | None = None
        self._thread: threading.Thread | None = None

    def add(self, wanted: Filter, callback: Callback) -> None:
        """Have something called for each event that passes."""
        with self._lock:
            self._wanted = (*self._wanted, (wanted, callback))
            if self._is_open and self._subscription is None:
                self._start()

    def remove(self, callback: Callback) -> None:
        """Call it no more, for whatever it was added."""
        with self._lock:
            self._wanted = tuple(one for one in self._wanted if one[1] != callback)

    def passes(self, event: Event) -> bool:
        """Whether anybody wants an event."""
        return any(wanted.passes(event) for wanted, _ in self._wanted)

    def open(self) -> None:
        """Call back from now on."""
        with self._lock:
            self._is_open = True
            if self._wanted and self._subscription is None:
                self._start()

    def close(self, timeout_s: float) -> None:
        """Call for what has happened until now, and no more; waits for that so long, but not in a callback."""
        with self._lock:
            subscription, self._subscription = self._subscription, None
            thread, self._thread = self._thread, None
            self._is_open = False
        if subscription is None or thread is None:
            return
        subscription.close()
        if thread is not threading.current_thread():
            thread.join(timeout_s)
            if thread.is_alive():
                log.warning("a callback has not returned for %g s: it is not waited for any longer", timeout_s)

    def _start(self) -> None:
        subscription = self._subscribe(self)
        thread = threading.Thread(target=self._run, args=(subscription,), name="indi callbacks", daemon=True)
        interrupts.start(thread)
        self._subscription, self._thread = subscription, thread

    def _run(self, subscription: Subscription) -> None:
        while True:
            try:
                self._call_all(subscription)
            except KeyboardInterrupt:
                interrupts.hand_on()
            else:
                return

    def _call_all(self, subscription: Subscription) -> None:
        for event in subscription:
            for wanted, callback in self._wanted:
                if wanted.passes(event):
                    _call(callback, event)


def _call(callback: Callback, event: Event) -> None:
    try:
        callback(event)
    except Exception:  # the author's fault: the others go on
        log.exception("a callback for %s %s.%s failed", event.kind.value, event.device, event.name)


def _size(event: Event) -> int:
    return len(event.blob.data) if event.blob is not None else 0
