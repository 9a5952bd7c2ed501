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
from indigevent.errors import DriverError, Refused
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

    def add_snoop(self, snoop: Snoop) -> None:
        """Ask for another device's properties, or ask again."""

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

    def __init_subclass__(cls) -> None:
        """Refuse names that would silently stand for what the framework itself calls; raises DriverError."""
        super().__init_subclass__()
        for name in _FRAMEWORK_NAMES:
            if getattr(cls, name, None) is not getattr(Device, name, None):
                raise DriverError(f"{cls.__name__} has to call its {name} something else: a Device needs that name")
        for base in cls.__mro__[1:]:
            for name, method in vars(base).items():
                if not hasattr(method, HANDLES) or isinstance(method, Property):
                    continue
                lost = set(getattr(method, HANDLES, ())) - set(getattr(getattr(cls, name), HANDLES, ()))
                if lost and hasattr(getattr(cls, name), HANDLES):
                    raise DriverError(
                        f"{cls.__name__}.{name} hides the one that obeys for {', '.join(lost)}; rename it"
                    )

    def __init__(self, name: str = "") -> None:
        self.name = name or type(self).name or type(self).__name__
        self.log = logging.getLogger(f"indigevent.driver.{self.name}")
        self.log.setLevel(logging.INFO)
        self.handlers: dict[str, Handler] = {}
        self.properties: dict[str, AnyProperty] = {}
        self.__runtime: Runtime | None = None
        self.__work: Work | None = None
        self.__snoops: list[Snoop] = []
        self.__reports: dict[str, str] = {}
        self.__is_reached = False
        self.__connection = standard.connection()
        if self.has_connection:
            self.__add(self.__connection, self.__obey_connection)
        name_of_class = type(self).name or type(self).__name__
        self.__add(standard.driver_info(name_of_class, _program(type(self)), self.version, self.interface))
        self.__copy_declared()

    # What an author overrides

    def connect(self) -> None:
        """Reach the hardware; when this raises, the device stays disconnected and the client is told why.

        Of an OSError the log has the text, and its traceback only while DEBUG is on.
        """

    def disconnect(self) -> None:
        """Leave the hardware, also when the driver ends."""

    def answer(self, name: str) -> None:
        """A client or the server asks for definitions, of one property or of all (""); by default it gets them."""
        self.publish_all(
            lambda: [p.definition() for p in list(self.properties.values()) if p.is_defined and name in ("", p.name)]
        )

    # What an author uses

    @property
    def is_connected(self) -> bool:
        """Whether clients have connected it; always so when it has no CONNECTION."""
        return not self.has_connection or self.__connection["CONNECT"]

    def define(self, *properties: AnyProperty, on_new: Handler | None = None) -> None:
        """Have properties, new or instead of those of the same name, and tell the clients; `on_new` obeys for them."""
        for prop in properties:
            self.__add(prop, on_new)
            self.__define_if_due(prop)

    def delete(self, *properties: AnyProperty, message: str = "") -> None:
        """Take properties away and tell the clients."""
        for prop in properties:
            self.properties.pop(prop.name, None)
            self.__undefine(prop, message)

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
        `with_blobs`. Calling it again with the same arguments asks again, and returns the same mirror.
        """
        return self.__follow(Snoop(device, name, on_change, with_blobs)).find(name)

    def snoop_device(
        self, device: str, on_change: Callable[[SnoopedProperty], object] | None = None, with_blobs: bool = False
    ) -> SnoopedDevice:
        """Follow all of another device's properties."""
        return self.__follow(Snoop(device, "", on_change, with_blobs))

    def after(self, seconds: float, task: Callable[[], object]) -> Timer:
        """Have something done in the driver's thread in so many seconds; `cancel()` of what it returns calls it off."""
        return self.__served().agenda.after(seconds, task)

    def call(self, task: Callable[[], object]) -> None:
        """Have something done in the driver's thread soon; for other threads."""
        self.__served().agenda.call(task)

    def spawn(self, function: Callable[..., object], *arguments: Any) -> None:
        """Run a function in a thread of its own, now, while the device is connected."""
        self.__working().spawn(function, *arguments)

    def wait(self, seconds: float) -> bool:
        """Let time pass in a thread of its own; False as soon as the device is disconnected or the driver ends.

        A thread that has outlived its connection gets False too, also when there is a new connection.
        """
        return self.__working().wait(seconds)

    def save_config(self) -> None:
        """Write the properties that are `saved`, as CONFIG_SAVE does; raises DriverError when that cannot be done."""
        ConfigFile(self.name, os.environ).save(prop for prop in self.properties.values() if prop.saved)

    def report(self, what: str, error: Exception) -> None:
        """Log an exception with its traceback, and tell the clients; the same one again only after `recovered`."""
        if (said := f"{type(error).__name__}: {error}") != self.__reports.get(what):
            self.__reports[what] = said
            self.log.error("%s failed", what, exc_info=error)
            self.message(f"{what} failed: {str(error) or type(error).__name__}")

    def recovered(self, what: str) -> None:
        """What was reported works again."""
        self.__reports.pop(what, None)

    # What the driver that serves it uses

    def publish(self, change: Callable[[], Content | None]) -> None:
        """Carry out a change of a property and send it, when the device is served."""
        if self.__runtime is None:
            change()
        else:
            self.__runtime.publish(change)

    def publish_all(self, contents: Callable[[], Sequence[Content]]) -> None:
        """Send several things together, when the device is served."""
        if self.__runtime is not None:
            self.__runtime.publish_all(contents)

    def publish_blobs(self, change: Callable[[], Content | None]) -> None:
        """The same for BLOBs."""
        if self.__runtime is None:
            change()
        else:
            self.__runtime.publish_blobs(change)

    def start(self, runtime: Runtime) -> None:
        """Be served from now on; in the driver's thread."""
        self.__runtime = runtime
        for snoop in self.__snoops:
            runtime.add_snoop(snoop)
        if not self.has_connection:
            self.__reach()
        for prop in self.properties.values():
            prop.is_defined = self.__is_due(prop)
        self.__load_saved(lambda prop: prop.always or not self.has_connection)
        if not self.has_connection:
            self.__working().start()

    def end(self) -> list[Snoop]:
        """The driver ends, or serves it no more: leave the hardware; returns the snoops that are to end too."""
        if self.__work is not None:
            self.__work.stop()
        try:
            self.__leave()
        finally:
            self.__connection["DISCONNECT"], self.__connection["CONNECT"] = True, False
            for prop in self.properties.values():
                prop.is_defined = False
        return self.__snoops

    def rename(self, name: str) -> None:
        """Have another name, before it is served."""
        self.name = name = codec.printable(name)
        self.log = logging.getLogger(f"indigevent.driver.{name}")
        self.log.setLevel(logging.INFO)
        for prop in self.properties.values():
            prop.serve_for(name, self)

    # CONNECTION

    def __obey_connection(self, wanted: Wanted) -> None:
        if wanted["CONNECT"] and not self.is_connected:
            self.__connect()
        elif wanted["DISCONNECT"] and self.is_connected:
            self.__disconnect()

    def __connect(self) -> None:
        try:
            self.__reach()
        except OSError as error:  # hardware that is not there is no mistake in the code
            why = f"CONNECTION failed: {str(error) or type(error).__name__}"
            self.log.error("%s", why, exc_info=error if self.log.isEnabledFor(logging.DEBUG) else None)
            raise Refused(why) from None
        try:
            self.__connection.set(CONNECT=True)
            for prop in list(self.properties.values()):
                self.__define_if_due(prop)
        except Exception:
            self.__disconnect()
            raise
        self.__load_saved(lambda prop: not prop.always)
        self.__working().start()

    def __disconnect(self) -> None:
        if self.__work is not None:
            self.__work.stop()
        self.__connection.set(DISCONNECT=True, state=PropertyState.IDLE)
        for prop in list(self.properties.values()):
            if not self.__is_due(prop):
                self.__undefine(prop)
        self.__leave()

    def __reach(self) -> None:
        """Connect; threads that `connect` starts are part of the connection's work already."""
        runtime = self.__served()
        self.__reports.clear()
        self.__work = Work(self, runtime.agenda, runtime.concurrency, self.__poll_s)
        try:
            self.connect()
        except BaseException:
            self.__work.stop()
            raise
        self.__is_reached = True

    def __leave(self) -> None:
        """Once for each `connect` that did not raise."""
        if self.__is_reached:
            self.__is_reached = False
            self.disconnect()

    def __poll_s(self) -> float:
        period = self.properties.get("POLLING_PERIOD")
        return period["PERIOD_MS"] / 1000 if isinstance(period, NumberVector) else _DEFAULT_POLL_S

    # CONFIG_PROCESS and DEBUG

    def __obey_config(self, wanted: Wanted) -> None:
        config = ConfigFile(self.name, os.environ)
        if wanted["CONFIG_LOAD"]:
            self.__apply(config.load(), lambda prop: True)
        elif wanted["CONFIG_DEFAULT"]:
            self.__apply(config.load_default(), lambda prop: True)
        elif wanted["CONFIG_SAVE"]:
            self.save_config()
        elif wanted["CONFIG_PURGE"]:
            config.purge()

    def __load_saved(self, concerns: Callable[[AnyProperty], bool]) -> None:
        config = ConfigFile(self.name, os.environ)
        if any(prop.saved for prop in self.properties.values()) and config.exists():
            try:
                self.__apply(config.load(), concerns)
            except DriverError as error:
                self.log.warning("%s", error)
                self.message(str(error))

    def __apply(self, commands: list[NewVector], concerns: Callable[[AnyProperty], bool]) -> None:
        """Obey what was saved as if a client had sent it."""
        for command in commands:
            prop = self.properties.get(command.name)
            if command.device == self.name and prop is not None and prop.saved and prop.is_defined and concerns(prop):
                self.__served().obey(self, command)

    def __obey_debug(self, wanted: Wanted) -> None:
        self.log.setLevel(logging.DEBUG if wanted["ENABLE"] else logging.INFO)

    # Properties

    def __copy_declared(self) -> None:
        declared: dict[str, AnyProperty] = {}
        for one in reversed(type(self).__mro__):
            declared |= {key: value for key, value in vars(one).items() if isinstance(value, Property)}
        for attribute, prop in declared.items():
            if prop.name in self.properties:
                raise DriverError(f"{type(self).__name__} has two properties called {prop.name}")
            own = prop.copy_for(self.name, self)
            setattr(self, attribute, own)
            self.__add(own)
        if any(prop.saved for prop in declared.values()):
            self.__add(standard.config_process(), self.__obey_config)
        if isinstance(self.properties.get("DEBUG"), SwitchVector):
            self.handlers["DEBUG"] = self.__obey_debug
        self.handlers |= {name: method for method, names in marked(self, HANDLES) for name in names}

    def __add(self, prop: AnyProperty, handler: Handler | None = None) -> None:
        prop.serve_for(self.name, self)
        self.properties[prop.name] = prop
        handler = handler or prop.handler
        if handler is not None:
            self.handlers[prop.name] = handler

    def __is_due(self, prop: AnyProperty) -> bool:
        return prop.always or self.is_connected

    def __define_if_due(self, prop: AnyProperty) -> None:
        if self.__runtime is None or prop.is_defined or not self.__is_due(prop):
            return

        def change() -> Content:
            prop.is_defined = True
            return prop.definition()

        self.publish(change)

    def __undefine(self, prop: AnyProperty, message: str = "") -> None:
        def change() -> Content | None:
            was_defined, prop.is_defined = prop.is_defined, False
            return DelProperty(self.name, prop.name, message=text) if was_defined else None

        text = codec.printable(message)
        self.publish(change)

    def __follow(self, snoop: Snoop) -> SnoopedDevice:
        known = next((one for one in self.__snoops if one == snoop), None)
        if known is None:
            self.__snoops.append(snoop)
        if self.__runtime is not None:
            self.__runtime.add_snoop(known or snoop)
        return (known or snoop).mirror

    def __served(self) -> Runtime:
        if self.__runtime is None:
            raise DriverError(f"{self.name} is not served yet; do this in connect(), or later")
        return self.__runtime

    def __working(self) -> Work:
        if self.__work is None:
            raise DriverError(f"{self.name} is not connected")
        return self.__work


_AUTHORS_NAMES = {"name", "version", "interface", "is_cooperative", "has_connection", "connect", "disconnect", "answer"}
_FRAMEWORK_NAMES = {
    *(name for name in vars(Device) if not name.startswith("_") and name not in _AUTHORS_NAMES),
    *("log", "handlers", "properties"),
}


def _program(device_class: type) -> str:
    """DRIVER_EXEC: how the driver can be started."""
    if device_class.__module__ == "__main__":
        return os.path.basename(sys.argv[0])
    return f"{device_class.__module__}:{device_class.__qualname__}"
