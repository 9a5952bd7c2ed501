"""The blocking client: a mirror of what the server tells, kept by a reading thread, and a way to ask for changes.

In an ordinary program the reader is a thread, in a gevent-patched one a greenlet: the code is the same.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from indigevent.client.blob_files import BlobFiles
from indigevent.client.blob_modes import BlobModes
from indigevent.client.endpoint import Endpoint
from indigevent.client.events import Callback, Callbacks, Filter, Subscription, Wanted
from indigevent.client.handles import LiveDevice
from indigevent.client.interrupts import Monitor
from indigevent.client.link import Link
from indigevent.client.model import Blob, Event, EventKind, Mirror, Property
from indigevent.client.one_at_a_time import OneAtATime
from indigevent.client.recording import Recorder
from indigevent.client.snapshot import snapshot
from indigevent.errors import ClientError
from indigevent.logs import log
from indigevent.protocol.constants import DEFAULT_PORT, BlobMode, PropertyState, VectorKind
from indigevent.protocol.vectors import (
    Content,
    GetProperties,
    NewVector,
    PingReply,
    PingRequest,
    SetBLOBVector,
)

# A server that knows no pings (before INDI 1.9.9) is given so long to take in what BLOBs are wanted.
_PING_PATIENCE_S = 1.0
# A BLOB may overtake its property's definition, which comes over the other connection, by so much.
_DEFINITION_PATIENCE_S = 1.0
_MAX_STRANGERS = 1000
# What every system takes for a timeout.
_LONGEST_TIMEOUT_S = 1_000_000

_BLOBS = "blobs"


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
        max_blob_bytes: a larger BLOB goes into a file while it comes, of which its `data` is a view; see BlobFile.
        blob_dir: where; without it into the system's directory for temporary files, which may be in memory.
        record: a file to write the session to until `close`, for `indigevent-replay`; all comes over one connection.

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
        max_blob_bytes: int = 128 << 20,
        blob_dir: str | Path = "",
        record: str | Path = "",
    ) -> None:
        if blob_dir and not os.path.isdir(blob_dir):
            raise ClientError(f"BLOBs cannot go to {blob_dir}: that is no directory; make it, or name another")
        if not (isinstance(timeout, (int, float)) and 0 < timeout <= _LONGEST_TIMEOUT_S):
            raise ClientError(f"a client's timeout is from above 0 to {_LONGEST_TIMEOUT_S} seconds, not {timeout}")
        self.endpoint = Endpoint(host, port, local, tls)
        self._recorder = Recorder(record, self.endpoint) if record else None
        if self._recorder is not None:
            self.endpoint = self._recorder.tap(self.endpoint)
        self.timeout = timeout
        self.mirror = Mirror()
        self._reconnects = reconnect
        self._is_all_in_one = bool(local or record) or blobs is not None
        self._sink = BlobFiles(str(blob_dir) or tempfile.gettempdir(), max_blob_bytes)
        self._monitor = Monitor()
        self._link: Link | None = None
        self._blob_link: Link | None = None
        self._blob_losses = 0
        self._mended_blob_losses = 0
        self._one_at_a_time = OneAtATime(self._monitor)
        self._wishes: dict[Hashable, Sequence[Content]] = {"properties": (GetProperties(),)}
        self._blob_wishes: dict[Hashable, Sequence[Content]] = self._wishes if self._is_all_in_one else {}
        self._blob_modes = BlobModes(is_only=not self._is_all_in_one)
        self._wants_each = blobs is None
        if blobs is not None:
            self._blob_modes.set(blobs)
            self._wishes[_BLOBS] = self._blob_modes.messages()
        self._is_connected = False
        self._losses = 0
        self._end_reason = "it was not asked to"
        self._unread: dict[tuple[str, str], dict[str, Blob]] = {}
        self._subscriptions: tuple[Subscription, ...] = ()
        self._callbacks = Callbacks(self._subscribe)
        self._ping_numbers = itertools.count(1)
        self._unanswered: set[str] = set()
        self._has_noted_unknown = False
        self._strangers: set[tuple[str, str]] = set()

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
        return self._is_connected

    def connect(self) -> None:
        """Connect, and ask for all devices; when it is connecting again, wait for that."""
        is_begin = False
        try:
            with self._one_at_a_time:
                is_begin = self._link is None or self._link.is_over
                if is_begin:
                    self._open()
            self.wait_until(lambda: self._is_connected, None, "the server to come back", or_gone=False)
        except BaseException:
            if is_begin:
                self._disconnect()
            raise

    def close(self) -> None:
        """Disconnect, and end what waits in other threads; callbacks for what has happened until now are still called.

        All threads have ended then, unless a callback does not return within the timeout. `connect` begins anew.
        """
        self._disconnect()
        if self._recorder is not None:
            self._recorder.close()

    def device(self, name: str, timeout: float | None = None) -> LiveDevice:
        """The device, as soon as its driver has defined anything."""

        def what() -> str:
            return f"a device {name}; the server has {', '.join(self.mirror.devices) or 'none'}"

        self.wait_until(lambda: name in self.mirror.devices, timeout, what, or_gone=False)
        self.want_blobs(name)
        return LiveDevice(self, name)

    def events(self, *kinds: EventKind, device: str = "", name: str = "") -> Subscription:
        """What happens from now on: of these kinds (none: all), of one device, of one property."""
        return self._subscribe(Filter(frozenset(kinds), device, name))

    def on(self, *kinds: EventKind, device: str = "", name: str = "") -> Callable[[Callback], Callback]:
        """A decorator: the function is called with each such event, in a thread that all callbacks share.

        It may use the client as any other thread does, and may wait; the other callbacks are called after it.
        """

        def register(callback: Callback) -> Callback:
            self._callbacks.add(Filter(frozenset(kinds), device, name), callback)
            return callback

        return register

    def off(self, callback: Callback) -> None:
        """Do not call a function any more that `on` registered; harmless when it did not."""
        self._callbacks.remove(callback)

    def snapshot(self) -> dict[str, Any]:
        """All that is known now, device by device, as plain data that JSON can carry; of BLOBs format and size."""
        with self._monitor.lock:
            return snapshot(self.mirror)

    def ping(self, timeout: float | None = None) -> None:
        """Wait until the server has taken in everything sent before."""
        self._ping(self.send, timeout)

    def set_blob_mode(self, mode: BlobMode, device: str = "", name: str = "") -> None:
        """Say which BLOBs are wanted: of everything, a device, or a property; now and after each reconnection.

        Over a connection of their own, Only and Also are the same; otherwise (a local socket, or `blobs` was given)
        Only keeps everything else away.
        """
        with self._one_at_a_time:
            link = self._link_now()
            before = copy.copy(self._blob_modes)
            self._blob_modes.set(mode, device, name)
            carrier = link if self._is_all_in_one else self._blob_link
            if carrier is not None:
                carrier.wish(_BLOBS, self._blob_modes.messages())
                return
            self._blob_wishes[_BLOBS] = self._blob_modes.messages()
            try:
                self._open_blob_link()
            except BaseException:
                if self._blob_link is None:  # whoever tries it next opens it
                    self._blob_modes = before
                raise

    def send(self, *contents: Content) -> None:
        """Send any INDI elements."""
        self._link_now().send(*contents)

    def wait_until(
        self,
        test: Callable[[], bool],
        timeout: float | None,
        what: str | Callable[[], str],
        *,
        patience: float | None = None,
        life: Callable[[], object] = lambda: None,
        again_s: float | None = None,
        or_gone: bool = True,
    ) -> None:
        """Wait until `test()` is true; it is called whenever something came from the server, which waits for it.

        Arguments:
            timeout: the whole time in seconds; None for `patience`, anew whenever `life()` has changed.
            what: for the error's text.
            again_s: test also when nothing came for so long.
            or_gone: raise when the server goes away, too; without it only when it is not going to come back.
        """
        allowed_s = timeout if timeout is not None else self.timeout if patience is None else patience

        def wait() -> None:
            losses, seen, until_s = self._losses, life(), time.monotonic() + allowed_s
            while not test():
                if (or_gone and self._losses != losses) or self._is_hopeless(or_gone):
                    raise self._gone(what, self._losses != losses)
                if timeout is None and life() != seen:
                    seen, until_s = life(), time.monotonic() + allowed_s
                left_s = until_s - time.monotonic()
                if not left_s > 0:
                    raise ClientError(f"waited {allowed_s:g} s in vain for {_text(what)}")
                self._monitor.wait(min(left_s, _LONGEST_TIMEOUT_S if again_s is None else again_s))

        self._monitor.run(wait)

    # For the handles

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Held while the mirror changes."""
        return self._monitor.lock

    def command(self, known: Property, message: NewVector) -> None:
        """Send a command: the property is Busy from now on, and BLOBs of the device that nobody took are old."""
        self.want_blobs(known.device)
        self._await_blob_link(known.device)
        with self._monitor.lock:
            state, updates = known.state, known.updates
            known.state = PropertyState.BUSY
            for key in [key for key in self._unread if key[0] == known.device]:
                del self._unread[key]
        try:
            self.send(message)
        except BaseException:
            with self._monitor.lock:
                if known.updates == updates:
                    known.state = state
            raise

    def take_blob(self, device: str, name: str, element: str) -> Blob | None:
        """The last BLOB of a property (or of one of its elements) that was not taken yet."""
        with self._monitor.lock:
            waiting = self._unread.get((device, name), {})
            return waiting.pop(element or next(iter(waiting), ""), None)

    def want_blobs(self, device: str) -> None:
        """The program uses this device: have its BLOBs come, unless it said what it wants."""
        with self._one_at_a_time:
            if self._wants_each and not self._blob_modes.rules(device):
                self.set_blob_mode(BlobMode.ALSO, device)

    # The connections

    def _link_now(self) -> Link:
        link = self._link
        if link is None:
            raise ClientError(self._not_connected())
        return link

    def _open(self) -> None:
        self._callbacks.open()
        if self._blob_link is not None:  # it may have outlived the other one
            self._blob_link.close()
            self._blob_link = None
        self._link = self._new_link(self._wishes, self._opened, self._take, self._lost)
        if self._blob_modes and not self._is_all_in_one:
            self._open_blob_link()

    def _disconnect(self) -> None:
        with self._one_at_a_time:
            links = self._link, self._blob_link
            self._blob_link = self._link = None
        for link in links:
            if link is not None:
                link.close()
        with self._monitor.lock:
            self._unread.clear()
            self._monitor.notify_all()
        self._callbacks.close(self.timeout)
        for subscription in self._subscriptions:
            subscription.close()

    def _open_blob_link(self) -> None:
        link = self._new_link(self._blob_wishes, self._notify, self._take_blobs, self._blobs_lost)
        self._blob_link = link
        self._await_readiness(link)

    def _await_readiness(self, link: Link) -> None:
        """BLOBs of a command that is sent next must find the server ready."""
        losses = self._blob_losses
        with contextlib.suppress(ClientError):
            self._ping(link.send, _PING_PATIENCE_S)
        self._mended_blob_losses = losses

    def _new_link(
        self,
        wishes: dict[Hashable, Sequence[Content]],
        on_open: Callable[[], None],
        on_contents: Callable[[Sequence[Content]], None],
        on_lost: Callable[[str], None],
    ) -> Link:
        return Link(self.endpoint, self.timeout, self._reconnects, wishes, on_open, on_contents, on_lost, self._sink)

    def _await_blob_link(self, device: str) -> None:
        """What a command brings about may be a BLOB, which would go nowhere."""
        link = self._blob_link
        if link is None or not self._is_connected or (link.is_open and self._blob_losses == self._mended_blob_losses):
            return
        with self._monitor.lock:
            known = self.mirror.devices.get(device)
            has_blobs = known is not None and any(one.kind is VectorKind.BLOB for one in known.properties.values())
        if has_blobs:
            self.wait_until(lambda: link.is_open, None, "the connection for BLOBs to come back")
            self._await_readiness(link)

    def _gone(self, what: str | Callable[[], str], is_lost: bool) -> ClientError:
        if self._link is None and not is_lost:
            return ClientError(self._not_connected())
        return ClientError(f"{self.endpoint} is gone ({self._end_reason}) while waiting for {_text(what)}")

    def _not_connected(self) -> str:
        return f"{self.endpoint} is not connected: {self._end_reason}; call connect()"

    def _ping(self, send: Callable[[Content], None], timeout: float | None) -> None:
        uid = f"client/{next(self._ping_numbers)}"
        self._unanswered.add(uid)
        try:
            send(PingRequest(uid))
            self.wait_until(lambda: uid not in self._unanswered, timeout, "an answer to a ping")
        finally:
            self._unanswered.discard(uid)

    def _is_hopeless(self, or_gone: bool) -> bool:
        if self._is_connected:
            return False
        link = self._link
        return or_gone or link is None or link.is_over

    def _opened(self) -> None:
        with self._monitor.lock:
            self._is_connected = True
            self._tell([Event(EventKind.CONNECTED), *self.mirror.clear()])
            self._monitor.notify_all()
        if self._blob_link is not None:
            self._blob_link.hurry()

    def _blobs_lost(self, reason: str) -> None:
        link = self._blob_link
        if self._is_connected and link is not None and not link.is_over:
            log.warning("%s: the connection for BLOBs is lost, %s; connecting again", self.endpoint, reason)
        self._blob_losses += 1
        self._notify()

    def _lost(self, reason: str) -> None:
        link = self._link
        if link is not None and not link.is_over:
            log.warning("%s: %s; connecting again", self.endpoint, reason)
        with self._monitor.lock:
            self._is_connected = False
            self._losses += 1
            self._end_reason = reason
            self._tell([Event(EventKind.DISCONNECTED, message=reason)])
            self._monitor.notify_all()

    def _notify(self) -> None:
        with self._monitor.lock:
            self._monitor.notify_all()

    def _take(self, contents: Sequence[Content]) -> None:
        with self._monitor.lock:
            for content in contents:
                if not isinstance(content, SetBLOBVector) or self._blob_modes.wants(content.device, content.name):
                    self._tell(self.mirror.apply(content))
            self._note_unknown()
            self._monitor.notify_all()

    def _take_blobs(self, contents: Sequence[Content]) -> None:
        """The BLOB connection brings definitions as well, but they came over the other one, or will."""
        for content in contents:
            if isinstance(content, SetBLOBVector):
                self._await_definition(content)
        self._take([content for content in contents if isinstance(content, (SetBLOBVector, PingReply))])

    def _await_definition(self, content: SetBLOBVector) -> None:
        """Wait for it once: a driver that never defines it does not hold up the others' BLOBs each time."""
        scope = content.device, content.name

        def is_known() -> bool:
            return not self._is_connected or self.mirror.find(*scope) is not None

        patience_s = 0.0 if scope in self._strangers else _DEFINITION_PATIENCE_S
        if self._monitor.run(lambda: self._monitor.wait_for(is_known, patience_s)):
            self._strangers.discard(scope)
        elif len(self._strangers) < _MAX_STRANGERS:
            self._strangers.add(scope)

    def _note_unknown(self) -> None:
        if self.mirror.unknown and not self._has_noted_unknown:
            self._has_noted_unknown = True
            log.info("%s told something of what it has not defined (more of that is only counted)", self.endpoint)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind is EventKind.BLOB and event.blob is not None:
                self._unread.setdefault((event.device, event.name), {})[event.blob.name] = event.blob
            elif event.kind is EventKind.PING:
                self._unanswered.discard(event.name)
            for subscription in self._subscriptions:
                subscription.offer(event)

    def _subscribe(self, wanted: Wanted) -> Subscription:
        subscription = Subscription(wanted, self._unsubscribe)
        with self._monitor.lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._monitor.lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)


def _text(what: str | Callable[[], str]) -> str:
    return what if isinstance(what, str) else what()
