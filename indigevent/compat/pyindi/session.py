"""What is behind a PyIndi client: the connection, the cache, and the callbacks, which come from the reading thread."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

from indigevent.client import model
from indigevent.client.connection import Connection
from indigevent.client.endpoint import Endpoint
from indigevent.client.interrupts import Monitor
from indigevent.client.model import Event, EventKind, Mirror
from indigevent.compat.pyindi.device import BaseDevice
from indigevent.compat.pyindi.exposures import Exposures
from indigevent.compat.pyindi.patience import Patience
from indigevent.compat.pyindi.properties import Property, view
from indigevent.compat.pyindi.sending import Upload
from indigevent.compat.pyindi.vectors import VECTORS, arrived_blob
from indigevent.compat.pyindi.words import as_text
from indigevent.errors import ClientError
from indigevent.logs import log
from indigevent.protocol.constants import DEFAULT_PORT, BlobMode, PropertyState
from indigevent.protocol.vectors import (
    Content,
    DefVector,
    EnableBLOB,
    GetProperties,
    NewVector,
)

# For callbacks to return, when the interpreter ends and when the script disconnects.
_CLOSING_S = 1.0
_DISCONNECTING_S = 10.0
_LOST = -1

_open_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


class Session:
    """One client's connection and cache.

    Arguments:
        callbacks: the client, whose methods are called.
    """

    def __init__(self, callbacks: object) -> None:
        self.host = "localhost"
        self.port = DEFAULT_PORT
        self.timeout_s = 10.0
        self.is_verbose = False
        self.mirror = Mirror()
        self._former: dict[str, tuple[model.Device, dict[str, model.Property]]] = {}
        self._watched: list[tuple[str, str]] = []
        self.blob_modes: dict[tuple[str, str], BlobMode] = {}
        self.upload = Upload()
        self._client = callbacks
        self._connection: Connection | None = None
        self._connecting = threading.Lock()
        self._monitor = Monitor()
        self._patience = Patience()
        self._exposures = Exposures()
        self._calling: set[int] = set()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    # The connection

    def open(self) -> bool:
        """Connect and ask for properties; False, with the cause in the log, when that fails or is done already."""
        with self._connecting:
            if self._connection is not None:
                log.warning("%s:%s is connected already", self.host, self.port)
                return False
            try:
                connection = self._connect()
            except ClientError as error:
                log.warning("%s", error)
                return False
        try:
            self._call("serverConnected")
        except BaseException:  # as Ctrl-C: nobody reads from this connection
            self._forget()
            connection.close()
            raise
        if connection is not self._connection:
            return False  # the callback has disconnected
        connection.start()
        modes = [EnableBLOB(mode, *key) for key, mode in list(self.blob_modes.items())]
        self._send(connection, *[GetProperties(*key) for key in self._watched or [("", "")]], *modes)
        return connection is self._connection

    def close(self, code: int) -> bool:
        """Disconnect, and tell it in this thread; False when there was no connection."""
        connection = self._forget()
        if connection is None:
            return False
        if self._callbacks_return(_DISCONNECTING_S):
            connection.close()
        else:
            # As one that waits for a lock which the caller of disconnectServer holds.
            log.warning("disconnectServer() goes on: a callback has not returned for %g s", _DISCONNECTING_S)
            threading.Thread(target=connection.close, name="indi closing", daemon=True).start()
        self._call("serverDisconnected", code)
        return True

    def send(self, *contents: Content) -> bool:
        """Send messages; what cannot be sent is told in the log, and the answer is False."""
        return self._send(self._connection, *contents)

    def _send(self, connection: Connection | None, *contents: Content) -> bool:
        try:
            if connection is None:
                raise ClientError(f"{self.host}:{self.port} is not connected: call connectServer() first")
            connection.send(*contents)
        except ClientError as error:
            log.warning("%s was not sent: %s", " and ".join(_title(content) for content in contents), error)
            return False
        return True

    def watch(self, device: str, name: str) -> None:
        """Ask for this device or property, now and instead of all whenever the client connects."""
        self._watched.append((as_text(device, "the name of a device"), as_text(name, "the name of a property")))
        if self.is_connected:
            self.send(GetProperties(device, name))

    def command(self, known: model.Property, message: NewVector) -> None:
        """Ask a driver for what is in a property, which is Busy from now on, unless that cannot be sent."""
        with self._monitor.lock:
            state, updates = known.state, known.updates
            known.state = PropertyState.BUSY
            if known.name == "CONNECTION":
                self._patience.begin_anew(known.device)
            if self._wants_blobs(known.device):
                self._exposures.asked_for(known)
        is_sent = False
        try:
            is_sent = self.send(message)
        finally:  # also after Ctrl-C
            if not is_sent:
                with self._monitor.lock:
                    self._exposures.withdraw(known)
                    if known.updates == updates:
                        known.state = state

    def wait_for_images(self) -> None:
        """Wait for the images that the script asked for."""

        def wait() -> None:
            if self._connection is not None and self._exposures.left_s() > 0:
                # A program that does not end has to say why, and most scripts show no more than warnings.
                log.warning("waiting for the images of %s; Ctrl-C ends it", self._exposures)
            while self._connection is not None and (left_s := self._exposures.left_s()) > 0:
                self._monitor.wait(min(left_s, threading.TIMEOUT_MAX))

        self._monitor.run(wait)

    def leave(self) -> None:
        """Disconnect at the interpreter's end, without telling anybody."""
        connection = self._forget()
        # A callback that does not return must not keep the interpreter.
        if self._callbacks_return(_CLOSING_S) and connection is not None:
            connection.close()

    # Looking up

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Held while the mirror changes."""
        return self._monitor.lock

    def base_device(self, name: str) -> BaseDevice:
        """A device, without waiting."""
        return BaseDevice(self.mirror.devices.get(name), self)

    def find_device(self, name: str) -> BaseDevice:
        """A device; one that is not known yet is waited for. Raises TypeError for what is no name."""
        as_text(name, "the name of a device")
        return BaseDevice(self._look_up(lambda: self.mirror.devices.get(name), name), self, name)

    def find(self, device: str, name: str) -> model.Property | None:
        """A property; one that is not known yet is waited for."""
        return self._look_up(lambda: self.mirror.find(device, name), device, name)

    def why_missing(self, device: str, name: str = "") -> str:
        """A clause that says what is missing, and what may help."""
        known = self.mirror.devices.get(device)
        if known is None:
            there = ", ".join(sorted(self.mirror.devices)) or "no device"
            return f"no device {device} (the server has {there})" if self.is_connected else f"no device {device}"
        connection = known.properties.get("CONNECTION")
        switch = connection.elements.get("CONNECT") if connection else None
        is_off = switch is not None and switch.value.value == "Off"
        hint = f' (the device is not connected; connectDevice("{device}") may help)' if is_off else ""
        return f"no property {device}.{name}{hint}"

    def _look_up(self, find: Callable[[], Any], device: str, name: str = "") -> Any:
        found = find()
        if found is not None or threading.get_ident() in self._calling or self._connection is None:
            return found
        with self._monitor.lock:
            is_first = self._patience.first_miss(device, name)
        if not is_first:
            return find()
        found = self._monitor.run(lambda: self._await(find, device, name))
        if found is None:
            log.warning("there is %s", self.why_missing(device, name))
        return found

    def _await(self, find: Callable[[], Any], device: str, name: str) -> Any:
        limit_s = self._patience.limit_s()
        while (found := find()) is None and self._connection is not None:
            left_s = self._patience.left_s(device, limit_s, self._is_connecting(device))
            if left_s <= 0:
                break
            self._monitor.wait(left_s)
        if found is None:
            self._patience.missed(device, name)
        return found

    def _is_connecting(self, device: str) -> bool:
        connection = self.mirror.find(device, "CONNECTION")
        return connection is not None and connection.state is PropertyState.BUSY

    # What comes

    def _connect(self) -> Connection:
        endpoint = Endpoint(self.host, self.port)
        connection: Connection = Connection(
            endpoint,
            self.timeout_s,
            lambda contents: self._take(connection, contents),
            lambda reason: self._ended(connection, reason),
        )
        with self._monitor.lock:
            self._begin_anew()
            self._connection = connection
        _open_sessions.add(self)
        return connection

    def _begin_anew(self) -> None:
        """Know nothing, as the real module when it connects again; what scripts hold is kept for its return."""
        self._patience.begin_anew()
        for name, device in self.mirror.devices.items():
            _, properties = self._former.get(name, (device, {}))
            self._former[name] = device, {**properties, **device.properties}
            device.properties = {}
        self.mirror = Mirror()

    def _bring_back(self, content: DefVector) -> None:
        """Go on with what was known in an earlier connection, so that whoever holds it sees the new values."""
        if content.device in self._former:
            device, properties = self._former[content.device]
            self.mirror.devices[content.device] = device
            known = properties.pop(content.name, None)
            if known is not None:
                device.properties[content.name] = known

    def _forget(self) -> Connection | None:
        """The connection, which is no longer ours; look-ups end."""
        with self._monitor.lock:
            connection, self._connection = self._connection, None
            self._monitor.notify_all()
        return connection

    def _callbacks_return(self, longest_s: float) -> bool:
        """Wait until no thread but this one is in a callback; False when that takes longer."""
        this = threading.get_ident()
        return self._monitor.run(lambda: self._monitor.wait_for(lambda: self._calling <= {this}, longest_s))

    def _ended(self, connection: Connection, reason: str) -> None:
        with self._monitor.lock:
            if connection is not self._connection:
                return
            self._connection = None
            self._monitor.notify_all()
        log.warning("%s:%s: %s", self.host, self.port, reason)
        self._call("serverDisconnected", _LOST)

    def _take(self, connection: Connection, contents: Sequence[Content]) -> None:
        reader = threading.get_ident()
        with self._monitor.lock:
            if connection is not self._connection:
                return
            self._calling.add(reader)
        try:
            for content in contents:
                if connection is not self._connection:
                    break  # a callback has disconnected
                if self.is_verbose:
                    log.info("%s:%s: %s", self.host, self.port, _title(content))
                self._take_one(connection, content)
        finally:
            with self._monitor.lock:
                self._calling.discard(reader)
                self._monitor.notify_all()

    def _take_one(self, connection: Connection, content: Content) -> None:
        name = getattr(content, "device", "")
        with self._monitor.lock:
            before = self.mirror.devices.get(name)
            is_defined = before is not None and getattr(content, "name", "") in before.properties
            if isinstance(content, DefVector):
                self._bring_back(content)
            events = self.mirror.apply(content)
            exposures = self._exposures.after(events)
            if isinstance(content, DefVector) or getattr(content, "name", "") == "CONNECTION":
                self._patience.note(name)
        device = BaseDevice(before or self.mirror.devices.get(name), self)
        if before is None and device:
            self._call("newDevice", device)
        for event in events:
            is_told = connection is self._connection  # otherwise a callback has disconnected
            if is_told and (event.kind is not EventKind.DEFINED or not is_defined):
                self._tell(event, device)
        if exposures:
            with self._monitor.lock:
                self._exposures.handled(exposures)

    def _tell(self, event: Event, device: BaseDevice) -> None:
        known = event.property
        if event.kind is EventKind.DEFINED:
            self._call("newProperty", view(Property, known, self))
        elif event.kind is EventKind.UPDATED and known is not None:
            self._call("updateProperty", view(Property, known, self))
            self._tell_old_way(known)
        elif event.kind is EventKind.BLOB and known is not None and event.blob is not None:
            if self._has("newBLOB"):
                self._call("newBLOB", arrived_blob(known, event.blob.name, self))
        elif event.kind is EventKind.DELETED:
            self._tell_removal(known, device)
        elif event.kind is EventKind.MESSAGE:
            self._tell_message(event, device)
        elif event.kind is EventKind.PING:
            self._call("newPingReply", event.name)

    def _tell_removal(self, known: model.Property | None, device: BaseDevice) -> None:
        if known is None:
            self._call("removeDevice", device)
        else:
            self._call("removeProperty", view(Property, known, self))

    def _tell_old_way(self, known: model.Property) -> None:
        callback, vector = VECTORS.get(known.kind, ("", None))
        if vector is not None and self._has(callback):
            self._call(callback, view(vector, known, self))

    def _tell_message(self, event: Event, device: BaseDevice) -> None:
        if device:
            known = device._known
            self._call("newMessage", device, known.dropped_messages + len(known.messages) - 1)
        else:
            text = f"{event.timestamp}: {event.message}" if event.timestamp else event.message
            self._call("newUniversalMessage", text)

    def _has(self, name: str) -> bool:
        return callable(getattr(self._client, name, None))

    def _call(self, name: str, *arguments: object) -> None:
        """Call one of the script's methods; what it raises is logged, and the reader goes on."""
        thread = threading.get_ident()
        is_outermost = thread not in self._calling
        self._calling.add(thread)
        try:
            getattr(self._client, name)(*arguments)
        except (Exception, SystemExit) as error:
            if isinstance(error, SystemExit) and threading.current_thread() is threading.main_thread():
                raise
            log.exception("%s raised an error in %s", type(self._client).__name__, name)
        finally:
            if is_outermost:
                self._calling.discard(thread)
                if self._connection is None:
                    with self._monitor.lock:
                        self._monitor.notify_all()

    def _wants_blobs(self, device: str) -> bool:
        modes = list(self.blob_modes.items())
        return any(mode is not BlobMode.NEVER for (of, _), mode in modes if of in ("", device))


def _title(content: Content) -> str:
    names = [getattr(content, name, "") for name in ("device", "name")]
    return " ".join([content.tag, ".".join(name for name in names if name)]).strip()


def _finish() -> None:
    sessions = list(_open_sessions)
    with suppress(KeyboardInterrupt):
        # A script that failed has not sent all that it wanted to; the user sees its error now.
        for session in sessions if getattr(sys, "last_type", None) is None else []:
            session.wait_for_images()
    for session in sessions:
        session.leave()


atexit.register(_finish)
