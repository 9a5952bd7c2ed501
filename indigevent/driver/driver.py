"""A driver: one or more devices, served over one channel by one thread; a second thread only reads."""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from indigevent import fdpass
from indigevent.driver.agenda import Agenda
from indigevent.driver.blobs import attach, received
from indigevent.driver.channel import Channel
from indigevent.driver.commands import AnyProperty, Wanted, refuse_unless_writable, wanted_values
from indigevent.driver.concurrency import Concurrency, Flag, Lock
from indigevent.driver.device import Device
from indigevent.driver.properties import TOLD, SwitchVector
from indigevent.driver.snooping import Snoop, SnoopedProperty
from indigevent.errors import DriverError, LocalProtocolError, Refused, RemoteProtocolError
from indigevent.protocol import codec
from indigevent.protocol.constants import BlobMode, VectorKind
from indigevent.protocol.message import BlobMessage, Message
from indigevent.protocol.vectors import (
    Content,
    DefVector,
    DelProperty,
    EnableBLOB,
    GetProperties,
    NewVector,
    PingReply,
    PingRequest,
    SetBLOBVector,
    SetVector,
    UserMessage,
)

_log = logging.getLogger("indigevent.driver")
_MAX_WAITING = 1000
# A server that does not answer a ping in this time does not know pings: those before INDI 1.9.8.
_PING_PATIENCE_S = 10.0
_LONG_PATIENCE_S = 60.0
_LAST_READ_S = 1.0


class Driver:
    """Devices that are served together.

    Raises DriverError when two of them have the same name.
    """

    agenda: Agenda
    concurrency: Concurrency

    def __init__(self, *devices: Device) -> None:
        self.devices: dict[str, Device] = {}
        self._channel: Channel | None = None
        self._lock: Lock
        self._snoops: list[Snoop] = []
        self._ping: tuple[str, Flag] | None = None
        self._pings = itertools.count(1)
        self._patience_s = _PING_PATIENCE_S
        self._is_overrun = False
        self.is_ending = False
        for device in devices:
            self._add(device)

    @property
    def name(self) -> str:
        """What logs call it."""
        return ", ".join(self.devices)

    @property
    def is_cooperative(self) -> bool:
        """Whether it may run in greenlets."""
        return all(device.is_cooperative for device in self.devices.values())

    def add(self, device: Device) -> None:
        """Serve one more device from now on; in the driver's thread."""
        self._add(device)
        if self._channel is not None:
            try:
                device.start(self)
            except BaseException:
                del self.devices[device.name]
                device.end()
                raise
            device.answer("")

    def remove(self, device: Device, message: str = "") -> None:
        """Serve a device no more and tell the clients that it is gone; in the driver's thread."""
        del self.devices[device.name]
        try:
            ended = device.end()
            self._snoops = [snoop for snoop in self._snoops if not any(snoop is one for one in ended)]
        finally:
            self.publish(lambda: DelProperty(device.name, message=codec.printable(message)))

    def message(self, text: str) -> None:
        """Tell the clients a sentence that concerns no device in particular."""
        self.publish(lambda: UserMessage(codec.printable(text)))

    def rename(self, name: str) -> None:
        """Give the only device another name, before it is served."""
        (device,) = self.devices.values()
        device.rename(name)
        self.devices = {name: device}

    def serve(
        self, channel: Channel, concurrency: Concurrency, on_server_gone: Callable[[], object] = lambda: None
    ) -> None:
        """Serve until the server goes or `stop` is called; this is the driver's thread.

        `on_server_gone` is called in another one when the server has gone, which a handler may be unaware of.

        Raises what a device without CONNECTION raises in its `connect`.
        """
        self.concurrency = concurrency
        self.agenda = Agenda(concurrency, self._failed, _MAX_WAITING)
        self._server_gone = Flag(concurrency)
        self._lock = concurrency.new_lock()
        self._channel = channel
        self._snoops, self._ping, self._patience_s = [], None, _PING_PATIENCE_S
        self.is_ending = is_read = False
        try:
            for device in list(self.devices.values()):
                device.start(self)
            concurrency.start(f"reader of {self.name}", lambda: self._read(channel, on_server_gone))
            is_read = True
            self.agenda.run()
        finally:
            self.is_ending = True  # before the next call, where a signal could end us without our hooks
            self.end()
            if channel.hang_up() and (not is_read or self._server_gone.wait(_LAST_READ_S)):
                channel.close()

    def stop(self) -> None:
        """Have `serve` return; from any thread."""
        self.agenda.stop()

    # What devices use

    def publish(self, change: Callable[[], Content | None]) -> None:
        """Carry out a change and send it; one at a time, so that clients see changes in their order."""
        self.publish_all(lambda: [content] if (content := change()) is not None else [])

    def publish_all(self, contents: Callable[[], Sequence[Content]]) -> None:
        """Send several things together."""
        if not self.concurrency.may_wait():
            if self.agenda.is_stopped:
                contents()
            else:
                self.agenda.call(lambda: self.publish_all(contents))
            return
        with self._lock:
            sent = contents()
            if sent:
                self._write(sent)

    def publish_blobs(self, change: Callable[[], Content | None]) -> None:
        """The same for BLOBs, when the server has passed on those before; it is asked to tell when it has these."""
        if not self.concurrency.may_wait():
            self.agenda.call(lambda: self.publish_blobs(change))
            return
        self._wait_for_ping()
        ping = PingRequest(f"{self.name}-{next(self._pings)}")

        def change_and_ping() -> list[Content]:
            content = change()
            if content is None:
                return []
            self._ping = ping.uid, Flag(self.concurrency)
            return [content, ping]

        try:
            self.publish_all(change_and_ping)
        except BaseException:
            self._ping = None  # it was not sent
            raise

    def add_snoop(self, snoop: Snoop) -> None:
        """Ask for another device's properties.

        For one of our own we answer ourselves; what it tells then comes back from the server as another driver's does.
        """
        if not any(snoop is known for known in self._snoops):
            self._snoops.append(snoop)
        device, name = snoop.mirror.device, snoop.name
        self.publish(lambda: GetProperties(device, name))
        if snoop.with_blobs:
            self.publish(lambda: EnableBLOB(BlobMode.ALSO, device, name))
        if device in self.devices:
            self.agenda.call(lambda: self.devices[device].answer(name))

    def obey(self, device: Device, command: NewVector) -> None:
        """Do what a client asks for, or tell why not."""
        self._obey(device, command.name, lambda prop: wanted_values(prop, command))

    # What comes in, in the reader's thread

    def _read(self, channel: Channel, on_server_gone: Callable[[], object]) -> None:
        for messages, faults in channel.batches():
            for message in messages:
                self._receive_guarded(message)
            for fault in faults:
                _log.warning("the server sent something that is not INDI: %s", fault)
        self._server_gone.set()
        self.agenda.stop()
        if self._ping is not None:
            self._ping[1].set()
        on_server_gone()

    def _receive_guarded(self, message: Message) -> None:
        try:
            self._receive(message)
        except Exception as error:  # an author's `answer` may fail; without its reader the driver would be deaf
            self._failed(error)

    def _receive(self, message: Message) -> None:
        """Definitions are asked for and pings answered at any time; the rest waits for the driver's thread."""
        if message.tag == "getProperties":
            self._answer(message)
        elif message.tag == "pingReply":
            self._ping_answered(message.attributes.get("uid", ""))
        elif message.tag == "pingRequest":
            uid = message.attributes.get("uid", "")
            self.agenda.call(lambda: self.publish(lambda: PingReply(uid)))
        elif message.tag.startswith("new") and message.device in self.devices:
            self._put(lambda: self._take_command(message))
        elif any(snoop.covers(message.device, message.name) for snoop in self._snoops):
            self._put(lambda: self._take_news(message))

    def _put(self, task: Callable[[], object]) -> None:
        """The reader never waits for the driver's thread: else it would miss a ping's reply, and the server's end."""
        if not self.agenda.put(task):
            if not self._is_overrun:
                _log.warning("%s: more comes than it can do; some of it is dropped", self.name)
                self.agenda.call(lambda: self.message(f"{self.name} is too busy: some of what comes is dropped"))
            self._is_overrun = True
        elif self._is_overrun and self.agenda.waiting < _MAX_WAITING / 2:
            self._is_overrun = False
            self.agenda.call(self._ask_again)

    def _ask_again(self) -> None:
        """News of others may have been dropped."""
        for snoop in self._snoops:
            self.add_snoop(snoop)

    def _answer(self, message: Message) -> None:
        for device in list(self.devices.values()):
            if message.device in ("", "*", device.name):
                device.answer(message.name)

    def _ping_answered(self, uid: str) -> None:
        """Whoever answers at all may take its time from now on: a slow client is behind it, or a slow network."""
        self._patience_s = _LONG_PATIENCE_S
        if self._ping is not None and self._ping[0] == uid:
            self._ping[1].set()

    def _wait_for_ping(self) -> None:
        if self._ping is None or not self._patience_s or self._server_gone.is_set:
            return
        if not self._ping[1].wait(self._patience_s) and self._patience_s == _PING_PATIENCE_S:
            self._patience_s = 0.0

    # What is done, in the driver's thread

    def _take_command(self, message: Message) -> None:
        device = self.devices.get(message.device)
        if device is None:
            return
        if isinstance(message, BlobMessage):
            self._obey(device, message.name, lambda prop: _wanted_blobs(prop, message))
            return
        try:
            command = codec.parse(message.data)
        except RemoteProtocolError as error:
            why = error.detail
            self._obey(device, message.name, lambda prop: _refuse(why))
        else:
            assert isinstance(command, NewVector)
            self.obey(device, command)

    def _obey(self, device: Device, name: str, read: Callable[[AnyProperty], Wanted]) -> None:
        prop = device.properties.get(name)
        if prop is None or not prop.is_defined:
            device.message(f"{device.name} has no property {name} at present")
            return
        told: set[str] = set()
        try:
            wanted = read(prop)
            TOLD.set(told)
            device.handlers.get(name, _accept)(wanted)
            if name not in told:
                self._have(prop, wanted)
            if isinstance(prop, SwitchVector) and prop.momentary and prop.on:
                prop.set(dict.fromkeys(prop.elements, False), state=prop.state)
        except (Refused, DriverError, LocalProtocolError) as error:
            self._alert(device, prop, str(error))
        except Exception as error:  # the author's code: the client is told, the driver lives on
            device.log.error("%s failed", name, exc_info=error)
            self._alert(device, prop, f"{name} failed: {str(error) or type(error).__name__}")
        finally:
            TOLD.set(None)

    def _alert(self, device: Device, prop: AnyProperty, why: str) -> None:
        prop.alert(why)
        if prop.kind is VectorKind.BLOB:  # clients that have not enabled BLOBs would not hear of it
            device.message(why)

    def _have(self, prop: AnyProperty, wanted: Wanted) -> None:
        """A handler that has told nothing has obeyed."""
        if isinstance(prop, SwitchVector) and prop.momentary:
            prop.set(dict.fromkeys(prop.elements, False))
        elif prop.kind is VectorKind.BLOB:
            prop.set()
        else:
            prop.set({name: wanted[name] for name in wanted if name in prop.elements})

    def _take_news(self, message: Message) -> None:
        """Another device's property was defined, changed or deleted."""
        try:
            content = codec.parse(message.data)
            values = received(message) if isinstance(message, BlobMessage) else None
        except (RemoteProtocolError, Refused) as error:
            _log.warning("%s.%s cannot be followed: %s", message.device, message.name, error)
            return
        self._tell_snoops(content, values)

    def _tell_snoops(self, content: Content, values: dict[str, Any] | None) -> None:
        changed: list[tuple[Snoop, SnoopedProperty]] = []
        for snoop in self._snoops:
            if isinstance(content, (DefVector, SetVector)) and snoop.covers(content.device, content.name):
                changed.append((snoop, snoop.take(content, values)))
            elif isinstance(content, DelProperty) and snoop.covers(content.device, content.name):
                changed += [(snoop, lost) for lost in snoop.lose(content)]
        for snoop, mirror in changed:
            if snoop.on_change is not None:
                try:
                    snoop.on_change(mirror)
                except Exception as error:  # other snoops want the news, too
                    self._failed(error)

    # What goes out

    def _write(self, contents: Sequence[Content]) -> None:
        if self._channel is None:
            return
        for handles, run in list(self._encoded(contents, self._channel.can_attach)):
            try:
                self._channel.send(run, handles)
            except OSError:
                self.agenda.stop()
                return

    def _encoded(
        self, contents: Sequence[Content], can_attach: bool
    ) -> Iterator[tuple[list[fdpass.BlobHandle], bytes]]:
        """What to write, piece by piece: handles go with the first byte of their own message."""
        run: list[bytes] = []
        for content in contents:
            stamped, handles = _stamped(content), list[fdpass.BlobHandle]()
            if isinstance(stamped, SetBLOBVector) and can_attach:
                with contextlib.suppress(OSError):  # no descriptor or no shared memory left: inline, then
                    stamped, handles = attach(stamped)
            data = codec.to_bytes(stamped) + b"\n"
            if handles:
                yield [], b"".join(run)
                yield handles, data
                run = []
            else:
                run.append(data)
        yield [], b"".join(run)

    def _add(self, device: Device) -> None:
        if device.name in self.devices:
            raise DriverError(f"two devices are called {device.name}; give one of them another name")
        self.devices[device.name] = device

    def end(self) -> None:
        """Have all devices leave their hardware, each once; the last thing that a driver does."""
        self.is_ending = True
        for device in self.devices.values():
            try:
                device.end()
            except Exception as error:  # the others leave their hardware all the same
                device.log.error("disconnect failed", exc_info=error)

    def _failed(self, error: Exception) -> None:
        """The author's code has failed where no property is to blame: in `call`, `after`, `on_change` or `answer`."""
        _log.error("A task of %s failed", self.name, exc_info=error)


def _accept(wanted: Wanted) -> None:
    """A property without handler takes what clients ask for."""


def _refuse(why: str) -> Wanted:
    raise Refused(why)


def _wanted_blobs(prop: AnyProperty, message: BlobMessage) -> Wanted:
    blobs = received(message)
    if prop.kind is not VectorKind.BLOB:
        raise Refused(f"{prop.name} is a {prop.kind.value} property, not BLOB")
    if prop.checked:
        refuse_unless_writable(prop, tuple(blobs))
    return Wanted(dict(blobs), tuple(blobs), message.attributes.get("timestamp", ""))


def _stamped(content: Content) -> Content:
    if not hasattr(content, "timestamp"):
        return content
    return replace(content, timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()))  # type: ignore[call-arg]
