"""A driver's properties as their author sees them: vectors of elements with Python values; without I/O.

The same classes serve as declarations in a class body, where each device gets copies of its own, and as properties
built by code. A property tells clients of changes through its `publisher`, which it has while its device is served.
"""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MethodType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from indigevent.errors import LocalProtocolError
from indigevent.protocol import codec
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState, VectorKind
from indigevent.protocol.numbers import format_number
from indigevent.protocol.vectors import (
    DefLight,
    DefLightVector,
    DefNumber,
    DefNumberVector,
    DefSwitch,
    DefSwitchVector,
    DefText,
    DefTextVector,
    DefVector,
    OneLight,
    OneNumber,
    OneSwitch,
    OneText,
    SetLightVector,
    SetNumberVector,
    SetSwitchVector,
    SetTextVector,
    SetVector,
)

_DEFAULT_GROUP = "Main Control"
Handler = TypeVar("Handler", bound=Callable[..., Any])
V = TypeVar("V")
HANDLES = "_indi_handles"
# The names of the properties that the present handler has told something of.
TOLD: ContextVar[set[str] | None] = ContextVar("told", default=None)


class Publisher(Protocol):
    """Where a property's changes go: `change` is carried out and what it returns is sent, one change at a time."""

    def publish(self, change: Callable[[], SetVector | None]) -> None:
        """Carry out a change and send it, if the property is defined at present."""

    def publish_blobs(self, change: Callable[[], SetVector | None]) -> None:
        """The same for BLOBs, as fast as the server takes them."""


class Element(Generic[V]):
    """One element of a property: its INDI name, its label for people, and its value."""

    def __init__(self, name: str, label: str = "", value: Any = None) -> None:
        self.name = name
        self.label = label
        self.value: V = value


class Text(Element[str]):
    """A text."""

    def __init__(self, name: str, label: str = "", value: str = "") -> None:
        super().__init__(name, label, value)


class Number(Element[float]):
    """A number.

    Arguments:
        format: how clients show it: printf's `%5.2f` and the like, or INDI's sexagesimal `%10.6m`.
        min, max, step: what clients may ask for; there is no range when `min` equals `max` (INDI 1.7).
    """

    def __init__(
        self,
        name: str,
        label: str = "",
        value: float = 0.0,
        *,
        format: str = "%g",
        min: float = 0.0,
        max: float = 0.0,
        step: float = 0.0,
    ) -> None:
        super().__init__(name, label, value)
        format_number(0.0, format)
        self.format = format
        self.min, self.max, self.step = float(min), float(max), float(step)


class Switch(Element[bool]):
    """A switch; True is On."""

    def __init__(self, name: str, label: str = "", value: bool = False) -> None:
        super().__init__(name, label, value)


class Light(Element[PropertyState]):
    """A light: Idle, Ok, Busy or Alert."""

    def __init__(self, name: str, label: str = "", value: PropertyState = PropertyState.IDLE) -> None:
        super().__init__(name, label, value)


E = TypeVar("E", bound=Element[Any])


class Property(abc.ABC, Generic[E, V]):
    """What all kinds of property vectors have in common.

    Arguments:
        name: INDI name, such as ABS_FOCUS_POSITION.
        elements: in the order that clients show.
        label, group: for people; the label is the name and the group "Main Control" when they are not given.
        perm: what clients may do.
        timeout: worst case in seconds until a new value has been applied, for clients to know.
        state: at first.
        always: define it also while the device is not connected.
        saved: part of the device's configuration file.
        checked: check what clients ask for, before the handler sees it.
    """

    kind: ClassVar[VectorKind]

    def __init__(
        self,
        name: str,
        *elements: E,
        label: str = "",
        group: str = _DEFAULT_GROUP,
        perm: Permission | str = Permission.READ_WRITE,
        timeout: float = 0.0,
        state: PropertyState = PropertyState.IDLE,
        always: bool = False,
        saved: bool = False,
        checked: bool = True,
    ) -> None:
        self.name = name
        self.label = codec.printable(label)
        self.group = codec.printable(group)
        self.perm = Permission(perm)
        self.timeout = float(timeout)
        self.state = PropertyState(state)
        self.always = always
        self.saved = saved
        self.checked = checked
        self.elements: dict[str, E] = {element.name: element for element in elements}
        for one in (name, *self.elements):
            if not one or codec.printable(one) != one:
                raise LocalProtocolError(f"{one!r} cannot be the name of a property or an element")
        if len(self.elements) != len(elements):
            raise LocalProtocolError(f"{name} has two elements of one name: {', '.join(e.name for e in elements)}")
        for element in elements:
            element.label = codec.printable(element.label)
            if self.kind is not VectorKind.BLOB:
                element.value = self._checked_value(element.name, element.value)
        self.device = ""
        self.handler: Callable[..., Any] | None = None
        self.is_defined = False
        self._publisher: Publisher | None = None

    def on_new(self, handler: Handler) -> Handler:
        """Decorate the method that is to obey clients: `def method(self, wanted: Wanted)`.

        It runs in the driver's thread. When it returns without having told anything of the property, it has obeyed:
        the property gets the values wanted and is Ok. A method may obey for several properties. For a property that is
        built in code, call this with a bound method before `define`.
        """
        if isinstance(handler, MethodType):
            self.handler = handler
        else:
            setattr(handler, HANDLES, (*getattr(handler, HANDLES, ()), self.name))
        return handler

    def __getitem__(self, name: str) -> V:
        value: V = self._element(name).value
        return value

    def __setitem__(self, name: str, value: V) -> None:
        """Give an element a value without telling anybody yet; `set` does both."""
        self._element(name).value = self._checked_value(name, value)

    @property
    def values(self) -> dict[str, V]:
        """The values by element name, a copy."""
        return {name: element.value for name, element in self.elements.items()}

    def set(
        self,
        values: Mapping[str, V] | None = None,
        /,
        *,
        state: PropertyState | str = PropertyState.OK,
        message: str = "",
        **elements: V,
    ) -> None:
        """Give elements new values and the property a state, and tell the clients: the state and these elements.

        Without any element all values are told with the state, for a set vector needs one at least (INDI 1.7). Any
        thread may call it.

        Raises LocalProtocolError for an element that is not there and a value that it cannot have.
        """
        wanted = {**(values or {}), **elements}
        new_state = PropertyState(state)

        def change() -> SetVector | None:
            changed = self._assign(wanted)
            self.state = new_state
            return self._telling(changed or tuple(self.elements), message)

        self._publish(change)

    def send(self, *, message: str = "") -> None:
        """Tell the clients the state and all values."""
        self._publish(lambda: self._telling(tuple(self.elements), message))

    def alert(self, message: str = "") -> None:
        """Make the state Alert, with a sentence for the user; values stay."""
        self.set(state=PropertyState.ALERT, message=message)

    def copy_for(self, device: str, publisher: Publisher) -> Property[E, V]:
        """A copy of its own for one device, which tells changes to `publisher`."""
        own = copy.copy(self)
        own.elements = {name: copy.copy(element) for name, element in self.elements.items()}
        own.serve_for(device, publisher)
        return own

    def serve_for(self, device: str, publisher: Publisher) -> None:
        """Belong to a device from now on."""
        self.device = device
        self._publisher = publisher

    @abc.abstractmethod
    def definition(self, timestamp: str = "", message: str = "") -> DefVector:
        """The property as clients get it defined."""

    @abc.abstractmethod
    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetVector:
        """The set vector that tells these elements."""

    @abc.abstractmethod
    def _checked_value(self, name: str, value: V) -> V:
        """The value as it is kept; raises LocalProtocolError for an element that is not there and a wrong value."""

    def _assign(self, wanted: Mapping[str, V]) -> tuple[str, ...]:
        """Give the elements their values, all or none; the names of those that are to be told."""
        checked = {name: self._checked_value(name, value) for name, value in wanted.items()}
        for name, value in checked.items():
            self.elements[name].value = value
        return tuple(checked)

    def _publish(self, change: Callable[[], SetVector | None]) -> None:
        if self._publisher is None:
            change()
        else:
            self._publisher.publish(change)

    def _telling(self, names: tuple[str, ...], message: str) -> SetVector | None:
        told = TOLD.get()
        if told is not None:
            told.add(self.name)
        if not self.is_defined:
            return None
        about = {
            "device": self.device,
            "name": self.name,
            "state": self.state,
            "message": codec.printable(str(message)),
        }
        return self._setting(about, names)

    def _element(self, name: str) -> E:
        try:
            return self.elements[name]
        except KeyError:
            raise self._fault(f"has no element {name}, only {', '.join(self.elements)}") from None

    def _fault(self, why: str) -> LocalProtocolError:
        return LocalProtocolError(f"{self.name} {why}")

    def _about(self, timestamp: str, message: str) -> dict[str, Any]:
        """The attributes that all definitions have."""
        about: dict[str, Any] = {
            "device": self.device,
            "name": self.name,
            "label": self.label or self.name,
            "group": self.group,
            "state": self.state,
            "timestamp": timestamp,
            "message": codec.printable(message),
        }
        if self.kind is not VectorKind.LIGHT:
            about |= {"perm": self.perm, "timeout": self.timeout}
        return about


class TextVector(Property[Text, str]):
    """A text property."""

    kind = VectorKind.TEXT

    def definition(self, timestamp: str = "", message: str = "") -> DefTextVector:
        """The property as clients get it defined."""
        elements = tuple(DefText(e.name, e.value, e.label or e.name) for e in self.elements.values())
        return DefTextVector(**self._about(timestamp, message), elements=elements)

    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetTextVector:
        return SetTextVector(**about, elements=tuple(OneText(name, self[name]) for name in names))

    def _checked_value(self, name: str, value: str) -> str:
        self._element(name)
        text = str(value)
        if codec.printable(text) != text:
            raise self._fault(f"cannot have {text!r} for {name}: XML cannot carry all of its characters")
        return text


class NumberVector(Property[Number, float]):
    """A number property."""

    kind = VectorKind.NUMBER

    def formatted(self, name: str) -> str:
        """A value as its format shows it to people."""
        return format_number(self[name], self._element(name).format)

    def set_range(self, name: str, min: float, max: float, step: float) -> None:
        """Change what clients may ask for, and tell them, in the way that libindi's drivers and clients know."""
        element = self._element(name)
        limits = [self._checked_value(name, limit) for limit in (min, max, step)]

        def change() -> SetVector | None:
            element.min, element.max, element.step = limits
            told = self._telling((), "")
            if told is None:
                return None
            about = {"device": self.device, "name": self.name, "state": self.state}
            return SetNumberVector(**about, elements=(OneNumber(name, element.value, *limits),))  # type: ignore[arg-type]

        self._publish(change)

    def definition(self, timestamp: str = "", message: str = "") -> DefNumberVector:
        """The property as clients get it defined."""
        elements = tuple(
            DefNumber(e.name, e.value, e.format, e.min, e.max, e.step, e.label or e.name)
            for e in self.elements.values()
        )
        return DefNumberVector(**self._about(timestamp, message), elements=elements)

    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetNumberVector:
        return SetNumberVector(**about, elements=tuple(OneNumber(name, self[name]) for name in names))

    def _checked_value(self, name: str, value: float) -> float:
        self._element(name)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self._fault(f"needs a number for {name}, not {value!r}") from None
        if not math.isfinite(number):
            raise self._fault(f"cannot have {value} for {name}: an INDI number is finite")
        return number


class SwitchVector(Property[Switch, bool]):
    """A switch property.

    Arguments besides those of all properties:
        rule: how many switches may be On together.
        momentary: these are push buttons: Off again when the handler has returned.
    """

    kind = VectorKind.SWITCH

    def __init__(
        self,
        name: str,
        *elements: Switch,
        rule: SwitchRule | str = SwitchRule.ONE_OF_MANY,
        momentary: bool = False,
        **options: Any,
    ) -> None:
        self.rule = SwitchRule(rule)
        super().__init__(name, *elements, **options)
        self.momentary = momentary
        if momentary and self.rule is SwitchRule.ONE_OF_MANY:
            raise self._fault("cannot be momentary and OneOfMany: one of its switches is always On")

    @property
    def on(self) -> str:
        """The name of the first switch that is On, "" when none is."""
        return next((name for name, element in self.elements.items() if element.value), "")

    def choose(self, name: str, *, state: PropertyState | str = PropertyState.OK, message: str = "") -> None:
        """Turn one switch On and, where the rule says so, the others Off; tells the clients."""
        self.set({name: True}, state=state, message=message)

    def definition(self, timestamp: str = "", message: str = "") -> DefSwitchVector:
        """The property as clients get it defined."""
        elements = tuple(DefSwitch(e.name, _switch(e.value), e.label or e.name) for e in self.elements.values())
        return DefSwitchVector(**self._about(timestamp, message), rule=self.rule, elements=elements)

    def resolved(self, wanted: Mapping[str, bool]) -> dict[str, bool]:
        """All values after `wanted` was turned: where only one may be On, turning one On turns the others Off.

        Raises LocalProtocolError when the rule cannot be kept.
        """
        present = self.values
        exclusive = self.rule is not SwitchRule.ANY_OF_MANY
        if exclusive and True in wanted.values():
            present = dict.fromkeys(present, False)
        resolved = {**present, **wanted}
        count = list(resolved.values()).count(True)
        if exclusive and count > 1:
            raise self._fault(f"is {self.rule.value}, and {count} switches would be On")
        if self.rule is SwitchRule.ONE_OF_MANY and count == 0 and any(self.values.values()):
            raise self._fault("is OneOfMany, and no switch would be On")
        return resolved

    def _assign(self, wanted: Mapping[str, bool]) -> tuple[str, ...]:
        """Also the switches that the rule turns Off are told."""
        checked = {name: self._checked_value(name, value) for name, value in wanted.items()}
        before = self.values
        for name, value in self.resolved(checked).items():
            self.elements[name].value = value
        return tuple(name for name in self.elements if name in checked or self[name] != before[name])

    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetSwitchVector:
        return SetSwitchVector(**about, elements=tuple(OneSwitch(name, _switch(self[name])) for name in names))

    def _checked_value(self, name: str, value: bool) -> bool:
        self._element(name)
        if isinstance(value, SwitchState):
            return value is SwitchState.ON
        value = getattr(value, "item", lambda: value)()  # numpy's booleans
        if not isinstance(value, (bool, int)):
            raise self._fault(f"needs True or False for {name}, not {value!r}")
        return bool(value)


class LightVector(Property[Light, PropertyState]):
    """A light property, which clients can only read."""

    kind = VectorKind.LIGHT

    def __init__(self, name: str, *elements: Light, **options: Any) -> None:
        super().__init__(name, *elements, **{**options, "perm": Permission.READ_ONLY})

    def definition(self, timestamp: str = "", message: str = "") -> DefLightVector:
        """The property as clients get it defined."""
        elements = tuple(DefLight(e.name, e.value, e.label or e.name) for e in self.elements.values())
        return DefLightVector(**self._about(timestamp, message), elements=elements)

    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetLightVector:
        return SetLightVector(**about, elements=tuple(OneLight(name, self[name]) for name in names))

    def _checked_value(self, name: str, value: PropertyState) -> PropertyState:
        self._element(name)
        try:
            return PropertyState(value)
        except ValueError:
            raise self._fault(f"needs Idle, Ok, Busy or Alert for {name}, not {value!r}") from None


def _switch(value: bool) -> SwitchState:
    return SwitchState.ON if value else SwitchState.OFF
