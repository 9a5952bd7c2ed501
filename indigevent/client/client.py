"""The blocking client: a mirror of what the server tells, kept by a reading thread, and a way to ask for changes.

In an ordinary program the reader is a thread, in a gevent-patched one a greenlet: the code is the same.
"""

from __future__ import annotations

import itertools
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from indigevent.client.connection import Connection
from indigevent.client.endpoint import Endpoint
from indigevent.client.events import Callback, Callbacks, Filter, Subscription
from indigevent.client.handles import LiveDevice
from indigevent.client.model import Blob, Event, EventKind, Mirror, Property
from indigevent.errors import ClientError
from indigevent.logs import log
from indigevent.protocol.constants import DEFAULT_PORT, BlobMode, PropertyState
from indigevent.protocol.vectors import Content, EnableBLOB, GetProperties, NewVector, PingRequest, SetBLOBVector

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0


class Client:
    """A connection to an INDI server, used as a context manager, by as many threads as you like.

    Arguments:
        host, port: where the server listens.
        local: the path of its local socket instead: BLOBs then come without a copy.
        tls: for a server with TLS: how to trust it.
        timeout: for how long, in seconds, anything is waited for unless the call says something else.
        reconnect: connect again when the server went away, with a growing delay, and ask for the same as before.
        blobs: for all devices; without it BLOBs come from the devices that the program looks up, over a connection of
            their own, so that images do not hold up anything else.

    Raises ClientError, as all its methods do: when there is no server, nothing came in time, the server went away.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        local: str = "",
        tls: ssl.SSLContext | None = None,
        timeout: float = 10.0,
        reconnect: bool = True,
        blobs: BlobMode | None = None,
    ) -> None:
        self.endpoint = Endpoint(host, port, local, tls)
        self.timeout = timeout
        self.mirror = Mirror()
        self._reconnects = reconnect
        self._blobs = blobs
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._blob_connection: Connection | None = None
        self._blob_modes: dict[tuple[str, str], BlobMode] = {}
        self._unread: dict[tuple[str, str], dict[str, Blob]] = {}
        self._subscriptions: tuple[Subscription, ...] = ()
        self._callbacks = Callbacks(self._subscribe)
        self._uids = (f"client/{number}" for number in itertools.count(1))
        self._pongs: set[str] = set()
        self._losses = 0
        self._end_reason = "it was not connected"
        self._closing = threading.Event()
        self._reconnector: threading.Thread | None = None

    def __enter__(self) -> Client:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, name: str) -> LiveDevice:
        return self.device(name)

    def __contains__(self, name: str) -> bool:
        return name in self.mirror.devices

    def __iter__(self) -> Iterator[LiveDevice]:
        return iter([LiveDevice(self, name) for name in list(self.mirror.devices)])

    @property
    def is_connected(self) -> bool:
        """Whether the server is there at present."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect, and ask for all devices."""
        if self._connection is None:
            self._closing.clear()
            self._open()

    def close(self) -> None:
        """Disconnect; callbacks for what has happened until now are still called."""
        self._closing.set()
        for connection in (self._blob_connection, self._connection):
            if connection is not None:
                connection.close()
        if self._reconnector is not None and self._reconnector is not threading.current_thread():
            self._reconnector.join()
        self._callbacks.close()
        for subscription in self._subscriptions:
            subscription.close()

    def device(self, name: str, timeout: float | None = None) -> LiveDevice:
        """The device, as soon as its driver has defined anything."""
        self.wait_until(lambda: name in self.mirror.devices, timeout, f"a device {name}", or_gone=False)
        self.want_blobs(name)
        return LiveDevice(self, name)

    def events(self, *kinds: EventKind, device: str = "", name: str = "") -> Subscription:
        """What happens from now on: of these kinds (none: all), of one device, of one property."""
        return self._subscribe(Filter(frozenset(kinds), device, name))

    def on(self, *kinds: EventKind, device: str = "", name: str = "") -> Callable[[Callback], Callback]:
        """A decorator: the function is called with each such event, in a thread that all callbacks share."""

        def register(callback: Callback) -> Callback:
            self._callbacks.add(Filter(frozenset(kinds), device, name), callback)
            return callback

        return register

    def ping(self, timeout: float | None = None) -> None:
        """Wait until the server has taken in everything sent before."""
        uid = next(self._uids)
        self.send(PingRequest(uid))
        self.wait_until(lambda: uid in self._pongs, timeout, "an answer to a ping")
        self._pongs.discard(uid)

    def set_blob_mode(self, mode: BlobMode, device: str = "", name: str = "") -> None:
        """Say which BLOBs come over this connection: of everything, a device, or a property."""
        self._blob_modes[device, name] = mode
        self.send(EnableBLOB(mode, device, name))

    def send(self, *contents: Content) -> None:
        """Send any INDI elements."""
        connection = self._connection
        if connection is None:
            raise ClientError(f"{self.endpoint} is not connected: {self._end_reason}")
        connection.send(*contents)

    def wait_until(
        self,
        test: Callable[[], bool],
        timeout: float | None,
        what: str,
        *,
        patience: float | None = None,
        life: Callable[[], object] = lambda: None,
        again_s: float | None = None,
        or_gone: bool = True,
    ) -> None:
        """Wait until `test()` is true; it is called whenever something came from the server.

        Arguments:
            timeout: the whole time in seconds; None for `patience`, anew whenever `life()` has changed.
            what: for the error's text.
            again_s: test also when nothing came for so long.
            or_gone: raise when the server goes away, too.
        """
        allowed_s = timeout if timeout is not None else self.timeout if patience is None else patience
        with self._changed:
            losses, seen, until_s = self._losses, life(), time.monotonic() + allowed_s
            while not test():
                if or_gone and (self._losses != losses or self._connection is None):
                    raise ClientError(f"{self.endpoint} went away ({self._end_reason}) while waiting for {what}")
                if timeout is None and life() != seen:
                    seen, until_s = life(), time.monotonic() + allowed_s
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise ClientError(f"waited {allowed_s:g} s in vain for {what}")
                self._changed.wait(left_s if again_s is None else min(left_s, again_s))

    # For the handles

    def command(self, known: Property, message: NewVector) -> None:
        """Send a command: the property is Busy from now on, and BLOBs of the device that nobody took are old."""
        with self._changed:
            known.state = PropertyState.BUSY
            for key in [key for key in self._unread if key[0] == known.device]:
                del self._unread[key]
        self.send(message)

    def take_blob(self, device: str, name: str, element: str) -> Blob | None:
        """The last BLOB of a property (or of one of its elements) that was not taken yet."""
        waiting = self._unread.get((device, name), {})
        return waiting.pop(element or next(iter(waiting), ""), None)

    def want_blobs(self, device: str) -> None:
        """The program uses this device: have its BLOBs come."""
        if self._blobs is not None or (device, "") in self._blob_modes:
            return
        self._blob_modes[device, ""] = BlobMode.ALSO
        if self.endpoint.local:
            self.send(EnableBLOB(BlobMode.ALSO, device))
            return
        if self._blob_connection is None:
            self._blob_connection = Connection(self.endpoint, self.timeout, self._take_blobs, self._blobs_ended)
            self._blob_connection.start()
        self._blob_connection.send(EnableBLOB(BlobMode.ONLY, device))

    # The connections

    def _open(self) -> None:
        connection = Connection(self.endpoint, self.timeout, self._take, self._ended)
        with self._changed:
            gone = self.mirror.clear()
            self._connection = connection
            self._tell([*gone, Event(EventKind.CONNECTED)])
        connection.start()
        first: list[Content] = [GetProperties()]
        if self._blobs is not None:
            first.append(EnableBLOB(self._blobs))
        connection.send(*first)

    def _take(self, contents: Sequence[Content]) -> None:
        with self._changed:
            for content in contents:
                self._tell(self.mirror.apply(content))
            self._changed.notify_all()

    def _take_blobs(self, contents: Sequence[Content]) -> None:
        """The BLOB connection brings definitions as well, but they came over the other one."""
        self._take([content for content in contents if isinstance(content, SetBLOBVector)])

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind is EventKind.BLOB and event.blob is not None:
                self._unread.setdefault((event.device, event.name), {})[event.blob.name] = event.blob
            elif event.kind is EventKind.PING:
                self._pongs.add(event.name)
            for subscription in self._subscriptions:
                subscription.offer(event)

    def _ended(self, reason: str) -> None:
        with self._changed:
            self._connection = None
            self._losses += 1
            self._end_reason = reason
            self._tell([Event(EventKind.DISCONNECTED, message=reason)])
            self._changed.notify_all()
        if self._reconnects and not self._closing.is_set():
            log.warning("%s: %s; connecting again", self.endpoint, reason)
            self._reconnector = threading.Thread(target=self._reconnect, name="indi reconnector", daemon=True)
            self._reconnector.start()

    def _blobs_ended(self, reason: str) -> None:
        self._blob_connection = None

    def _reconnect(self) -> None:
        delay_s = _FIRST_DELAY_S
        while not self._closing.wait(delay_s):
            try:
                self._open()
            except ClientError:
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
            else:
                return

    def _subscribe(self, wanted: Filter) -> Subscription:
        subscription = Subscription(wanted, self._unsubscribe)
        with self._changed:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._changed:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)
