"""A connection that comes back: made again when it was lost, and told the same wishes as before."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Hashable, Sequence

from indigevent.client import interrupts
from indigevent.client.connection import Connection
from indigevent.client.endpoint import Endpoint
from indigevent.errors import ClientError
from indigevent.protocol.framing import Sink
from indigevent.protocol.vectors import Content

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0
# A connection that lasted so long was a good one; a server that ends them sooner is asked less and less often.
_STEADY_S = 15.0


class Link:
    """Connects at once, and again whenever the connection was lost, until `close`.

    Arguments:
        endpoint: where to.
        timeout_s: for connecting, and for each write to be taken.
        reconnects: whether it connects again.
        wishes: what to say on each new connection, in this order; `wish` changes it.
        on_open: called for each connection before anything is read from it.
        on_contents: called with what each read completed.
        on_lost: called when a connection has ended, with why, a clause.
        sink: for BLOBs that shall not be in memory, see Framer.

    All callbacks are called by the link's thread, the first `on_open` by the one that makes the link.

    Raises ClientError when there is no server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        timeout_s: float,
        reconnects: bool,
        wishes: dict[Hashable, Sequence[Content]],
        on_open: Callable[[], None],
        on_contents: Callable[[Sequence[Content]], None],
        on_lost: Callable[[str], None],
        sink: Sink,
    ) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._reconnects = reconnects
        self._wishes = wishes
        self._wishes_lock = threading.Lock()
        self._on_open = on_open
        self._on_contents = on_contents
        self._on_lost = on_lost
        self._sink = sink
        self._end_reason = ""
        self._is_closing = False
        # Ctrl-C leaves it whole wherever it hits; threading.Event can be left locked.
        self._waking: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._delay_s = _FIRST_DELAY_S
        self._connection: Connection | None = None
        first = self._connect()
        self._thread = threading.Thread(target=self._run, args=(first,), name=f"indi reader {endpoint}", daemon=True)
        try:
            interrupts.start(self._thread)
        except BaseException:
            self._is_closing = True
            first.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it is connected at present."""
        return self._connection is not None

    @property
    def is_over(self) -> bool:
        """Whether it is not connected and will not be again."""
        return self._connection is None and (self._is_closing or not self._reconnects)

    def send(self, *contents: Content) -> None:
        """Send messages together; raises ClientError when that cannot be done now."""
        connection = self._connection
        if connection is None:
            raise ClientError(f"{self._endpoint} is not connected: {self._end_reason}")
        connection.send(*contents)

    def wish(self, key: Hashable, contents: Sequence[Content]) -> None:
        """Say something now, if it is connected, and on each new connection; it replaces the last wish of this key."""
        with self._wishes_lock:
            self._wishes[key] = contents
            connection = self._connection
            if connection is not None:
                connection.send(*contents)

    def hurry(self) -> None:
        """The server is there: do not wait any longer before connecting again."""
        if self._connection is None:
            self._waking.put(None)

    def close(self) -> None:
        """Disconnect for ever, and wait until the thread has ended, for not much longer than the timeout."""
        self._is_closing = True
        self._waking.put(None)
        connection = self._connection
        if connection is not None:
            connection.close()
        if self._thread is not threading.current_thread():
            self._thread.join(self._timeout_s + 1)

    def _connect(self) -> Connection:
        connection = Connection(self._endpoint, self._timeout_s, self._on_contents, self._lost, self._sink)
        try:
            with self._wishes_lock:
                connection.send(*itertools.chain.from_iterable(self._wishes.values()))
                self._connection = connection
            self._on_open()
        except BaseException:
            self._connection = None
            connection.close()
            raise
        if self._is_closing:
            connection.close()
        return connection

    def _run(self, first: Connection) -> None:
        connection: Connection | None = first
        while connection is not None:
            began_s = time.monotonic()
            try:
                connection.run()
            except KeyboardInterrupt:
                interrupts.hand_on()
            if time.monotonic() - began_s >= _STEADY_S:
                self._delay_s = _FIRST_DELAY_S
            connection = self._connect_again() if self._reconnects else None

    def _connect_again(self) -> Connection | None:
        while not self._is_closing_within(self._delay_s):
            self._delay_s = min(2 * self._delay_s, _LONGEST_DELAY_S)
            with contextlib.suppress(ClientError):
                return self._connect()
        return None

    def _is_closing_within(self, delay_s: float) -> bool:
        with contextlib.suppress(queue.Empty):
            self._waking.get(timeout=delay_s)
            while True:
                self._waking.get_nowait()
        return self._is_closing

    def _lost(self, reason: str) -> None:
        self._end_reason = reason
        self._connection = None
        self._on_lost(reason)
