"""A device as its author writes it: properties in the class body, methods that obey clients, hooks, periodic work."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from indigevent.driver import standard
from indigevent.driver.agenda import Agenda, Timer
from indigevent.driver.commands import AnyProperty, Wanted
from indigevent.driver.concurrency import Concurrency
from indigevent.driver.config_file import ConfigFile
from indigevent.driver.properties import HANDLES, NumberVector, Property, SwitchVector
from indigevent.driver.snooping import Snoop, SnoopedDevice, SnoopedProperty
from indigevent.driver.work import Work, marked
from indigevent.errors import DriverError
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState
from indigevent.protocol.vectors import Content, DelProperty, NewVector, UserMessage

Handler = Callable[[Wanted], object]
_DEFAULT_POLL_S = 1.0


class Runtime(Protocol):
    """What a device needs of the driver that serves it."""

    agenda: Agenda
    concurrency: Concurrency

    def publish(self, change: Callable[[], Content | None]) -> None:
        """Carry out a change and send it."""

    def publish_all(self, contents: Callable[[], Sequence[Content]]) -> None:
        """Send several things together."""

    def publish_blobs(self, change: Callable[[], Content | None]) -> None:
        """The same for BLOBs, as fast as the server takes them."""

    def add_snoop(self, snoop: Snoop, with_blobs: bool) -> None:
        """Ask for another device's properties."""

    def obey(self, device: Device, command: NewVector) -> None:
        """Do what a command asks for."""


class Device:
    """One INDI device.

    A subclass has properties in its class body, and methods under `@that_property.on_new`, `@every(seconds)` and
    `@background`. All of them but the last run in one thread, the driver's. An `__init__` of its own calls
    `super().__init__()` first.

    Class attributes:
        name: the device's INDI name; the class's name if it is not given.
        version: the driver's, for DRIVER_INFO.
        interface: what kind of device it is, for clients that choose by that.
        is_cooperative: its blocking calls are gevent's, so inside `Server` it may run in greenlets, not in a thread.
        has_connection: it has CONNECTION, and its properties are there while it is connected, save those that are
            `always`. Without, `connect` runs at the start and `disconnect` at the end.
    """

    name: str = ""
    version: str = "1.0"
    interface: int = standard.Interface.GENERAL
    is_cooperative: bool = False
    has_connection: bool = True

    def __init__(self, name: str = "") -> None:
        self.name = name or type(self).name or type(self).__name__
        self.log = logging.getLogger(f"indigevent.driver.{self.name}")
        self.log.setLevel(logging.INFO)
        self.handlers: dict[str, Handler] = {}
        self.properties: dict[str, AnyProperty] = {}
        self._runtime: Runtime | None = None
        self._work: Work | None = None
        self._snoops: list[tuple[Snoop, bool]] = []
        self._last_report = ""
        self._connection = standard.connection()
        if self.has_connection:
            self._add(self._connection, self._obey_connection)
        name_of_class = type(self).name or type(self).__name__
        self._add(standard.driver_info(name_of_class, _program(type(self)), self.version, self.interface))
        self._copy_declared()

    # What an author overrides

    def connect(self) -> None:
        """Reach the hardware; when this raises, the device stays disconnected and the client is told why."""

    def disconnect(self) -> None:
        """Leave the hardware, also when the driver ends."""

    def answer(self, name: str) -> None:
        """A client or the server asks for definitions, of one property or of all (""); by default it gets them."""
        self.publish_all(
            lambda: [p.definition() for p in self.properties.values() if p.is_defined and name in ("", p.name)]
        )

    # What an author uses

    @property
    def is_connected(self) -> bool:
        """Whether clients have connected it; always so when it has no CONNECTION."""
        return not self.has_connection or self._connection["CONNECT"]

    def define(self, *properties: AnyProperty) -> None:
        """Have properties, new or instead of those of the same name, and tell the clients."""
        for prop in properties:
            self._add(prop)
            self._define_if_due(prop)

    def delete(self, *properties: AnyProperty, message: str = "") -> None:
        """Take properties away and tell the clients."""
        for prop in properties:
            self.properties.pop(prop.name, None)
            self._undefine(prop, message)

    def message(self, text: str) -> None:
        """Tell the clients a sentence."""
        self.publish(lambda: UserMessage(codec.printable(text), self.name))

    def snoop(
        self,
        device: str,
        name: str,
        on_change: Callable[[SnoopedProperty], object] | None = None,
        with_blobs: bool = False,
    ) -> SnoopedProperty:
        """Follow another device's property, which need not be there yet: a live mirror of it.

        `on_change` runs in the driver's thread after each change, the loss of the property included. BLOBs come only
        `with_blobs`.
        """
        snoop = Snoop(device, name, on_change)
        self._add_snoop(snoop, with_blobs)
        return snoop.mirror.find(name)

    def snoop_device(
        self, device: str, on_change: Callable[[SnoopedProperty], object] | None = None, with_blobs: bool = False
    ) -> SnoopedDevice:
        """Follow all of another device's properties."""
        snoop = Snoop(device, "", on_change)
        self._add_snoop(snoop, with_blobs)
        return snoop.mirror

    def after(self, seconds: float, task: Callable[[], object]) -> Timer:
        """Have something done in the driver's thread in so many seconds; `cancel()` of what it returns calls it off."""
        return self._served().agenda.after(seconds, task)

    def call(self, task: Callable[[], object]) -> None:
        """Have something done in the driver's thread soon; for other threads."""
        self._served().agenda.call(task)

    def spawn(self, function: Callable[..., object], *arguments: Any) -> None:
        """Run a function in a thread of its own, now, while the device is connected."""
        self._working().spawn(function, *arguments)

    def wait(self, seconds: float) -> bool:
        """Let time pass in a thread of its own; False as soon as the device is disconnected or the driver ends."""
        return self._working().wait(seconds)

    def report(self, what: str, error: Exception) -> None:
        """Log an exception with its traceback, and tell the clients; the same one only once."""
        if (said := f"{what}: {type(error).__name__}: {error}") != self._last_report:
            self._last_report = said
            self.log.error("%s failed", what, exc_info=error)
            self.message(f"{what} failed: {error or type(error).__name__}")

    # What the driver that serves it uses

    def publish(self, change: Callable[[], Content | None]) -> None:
        """Carry out a change of a property and send it, when the device is served."""
        if self._runtime is None:
            change()
        else:
            self._runtime.publish(change)

    def publish_all(self, contents: Callable[[], Sequence[Content]]) -> None:
        """Send several things together, when the device is served."""
        if self._runtime is not None:
            self._runtime.publish_all(contents)

    def publish_blobs(self, change: Callable[[], Content | None]) -> None:
        """The same for BLOBs."""
        if self._runtime is None:
            change()
        else:
            self._runtime.publish_blobs(change)

    def start(self, runtime: Runtime) -> None:
        """Be served from now on; in the driver's thread."""
        self._runtime = runtime
        for snoop, with_blobs in self._snoops:
            runtime.add_snoop(snoop, with_blobs)
        if not self.has_connection:
            self.connect()
        for prop in self.properties.values():
            prop.is_defined = self._is_due(prop)
        self._load_saved(lambda prop: prop.always or not self.has_connection)
        if not self.has_connection:
            self._begin_work()

    def end(self) -> None:
        """The driver ends: leave the hardware."""
        if self._work is not None:
            self._work.stop()
        if self.is_connected:
            self.disconnect()

    def rename(self, name: str) -> None:
        """Have another name, before it is served."""
        self.name = name
        self.log = logging.getLogger(f"indigevent.driver.{name}")
        self.log.setLevel(logging.INFO)
        for prop in self.properties.values():
            prop.serve_for(name, self)

    # CONNECTION

    def _obey_connection(self, wanted: Wanted) -> None:
        if wanted["CONNECT"] and not self.is_connected:
            self._connect()
        elif wanted["DISCONNECT"] and self.is_connected:
            self._disconnect()

    def _connect(self) -> None:
        self.connect()
        self._connection.set(CONNECT=True)
        for prop in list(self.properties.values()):
            self._define_if_due(prop)
        self._load_saved(lambda prop: not prop.always)
        self._begin_work()

    def _disconnect(self) -> None:
        if self._work is not None:
            self._work.stop()
        self._connection.set(DISCONNECT=True, state=PropertyState.IDLE)
        for prop in list(self.properties.values()):
            if not self._is_due(prop):
                self._undefine(prop)
        self.disconnect()

    def _begin_work(self) -> None:
        runtime = self._served()
        self._work = Work(self, runtime.agenda, runtime.concurrency, self._poll_s, self.report)
        self._work.start()

    def _poll_s(self) -> float:
        period = self.properties.get("POLLING_PERIOD")
        return period["PERIOD_MS"] / 1000 if isinstance(period, NumberVector) else _DEFAULT_POLL_S

    # CONFIG_PROCESS and DEBUG

    def _obey_config(self, wanted: Wanted) -> None:
        config = ConfigFile(self.name, os.environ)
        if wanted["CONFIG_LOAD"]:
            self._apply(config.load(), lambda prop: True)
        elif wanted["CONFIG_DEFAULT"]:
            self._apply(config.load_default(), lambda prop: True)
        elif wanted["CONFIG_SAVE"]:
            config.save(prop for prop in self.properties.values() if prop.saved)
        elif wanted["CONFIG_PURGE"]:
            config.purge()

    def _load_saved(self, concerns: Callable[[AnyProperty], bool]) -> None:
        config = ConfigFile(self.name, os.environ)
        if any(prop.saved for prop in self.properties.values()) and config.exists():
            try:
                self._apply(config.load(), concerns)
            except DriverError as error:
                self.log.warning("%s", error)
                self.message(str(error))

    def _apply(self, commands: list[NewVector], concerns: Callable[[AnyProperty], bool]) -> None:
        """Obey what was saved as if a client had sent it."""
        for command in commands:
            prop = self.properties.get(command.name)
            if prop is not None and prop.saved and prop.is_defined and concerns(prop):
                self._served().obey(self, command)

    def _obey_debug(self, wanted: Wanted) -> None:
        self.log.setLevel(logging.DEBUG if wanted["ENABLE"] else logging.INFO)

    # Properties

    def _copy_declared(self) -> None:
        declared: dict[str, AnyProperty] = {}
        for one in reversed(type(self).__mro__):
            declared |= {key: value for key, value in vars(one).items() if isinstance(value, Property)}
        for attribute, prop in declared.items():
            own = prop.copy_for(self.name, self)
            setattr(self, attribute, own)
            self._add(own)
        if any(prop.saved for prop in declared.values()):
            self._add(standard.config_process(), self._obey_config)
        if isinstance(self.properties.get("DEBUG"), SwitchVector):
            self.handlers["DEBUG"] = self._obey_debug
        self.handlers |= {name: method for method, name in marked(self, HANDLES)}

    def _add(self, prop: AnyProperty, handler: Handler | None = None) -> None:
        prop.serve_for(self.name, self)
        self.properties[prop.name] = prop
        if handler is not None:
            self.handlers[prop.name] = handler

    def _is_due(self, prop: AnyProperty) -> bool:
        return prop.always or self.is_connected

    def _define_if_due(self, prop: AnyProperty) -> None:
        if self._runtime is None or prop.is_defined or not self._is_due(prop):
            return

        def change() -> Content:
            prop.is_defined = True
            return prop.definition()

        self.publish(change)

    def _undefine(self, prop: AnyProperty, message: str = "") -> None:
        def change() -> Content | None:
            was_defined, prop.is_defined = prop.is_defined, False
            return DelProperty(self.name, prop.name, message=message) if was_defined else None

        self.publish(change)

    def _add_snoop(self, snoop: Snoop, with_blobs: bool) -> None:
        self._snoops.append((snoop, with_blobs))
        if self._runtime is not None:
            self._runtime.add_snoop(snoop, with_blobs)

    def _served(self) -> Runtime:
        if self._runtime is None:
            raise DriverError(f"{self.name} is not served yet; do this in connect(), or later")
        return self._runtime

    def _working(self) -> Work:
        if self._work is None:
            raise DriverError(f"{self.name} is not connected")
        return self._work


def _program(device_class: type) -> str:
    """DRIVER_EXEC: how the driver can be started."""
    if device_class.__module__ == "__main__":
        return os.path.basename(sys.argv[0])
    return f"{device_class.__module__}:{device_class.__qualname__}"
