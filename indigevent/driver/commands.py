"""What a client asks a property for, checked against the property; without I/O."""

from __future__ import annotations

import contextlib
import math
from typing import Any

from indigevent.driver.properties import NumberVector, Property, SwitchVector
from indigevent.errors import LocalProtocolError, Refused
from indigevent.protocol.constants import Permission, SwitchState
from indigevent.protocol.numbers import write_number
from indigevent.protocol.vectors import NewVector, OneBLOB, OneLight, OneNumber, OneSwitch, OneText

AnyProperty = Property[Any, Any]


class Wanted(dict[str, Any]):
    """The values that a client wants a property to have, by element name.

    It has a value for every element: what the client did not name keeps its present value, and where only one switch
    may be On, the others are False. `named` holds those that the client sent; `timestamp` is its own, "" when it gave
    none.
    """

    def __init__(self, values: dict[str, Any], named: tuple[str, ...], timestamp: str = "") -> None:
        super().__init__(values)
        self.named = named
        self.timestamp = timestamp

    @property
    def on(self) -> str:
        """The name of the first switch that is to be On, "" when none is."""
        return next((name for name, value in self.items() if value is True), "")


def wanted_values(prop: AnyProperty, command: NewVector) -> Wanted:
    """Return what a client's command asks for.

    Raises Refused, with a sentence for the user, when the command is of another kind than the property or has a number
    that is not finite, and, unless the property is not `checked`: when it is read-only, an element is unknown, a number
    is out of range, or the switches break the rule.
    """
    if command.kind is not prop.kind:
        raise Refused(f"{prop.name} is a {prop.kind.value} property, not {command.kind.value}")
    asked = {element.name: _value(element) for element in getattr(command, "elements", ())}
    _refuse_unless_finite(prop, asked)
    if prop.checked:
        _check(prop, asked)
    return Wanted(_with(prop, asked), tuple(asked), command.timestamp)


def refuse_unless_writable(prop: AnyProperty, names: tuple[str, ...]) -> None:
    """Raise Refused when clients may not write to the property, or it has not all of these elements."""
    if prop.perm is Permission.READ_ONLY:
        raise Refused(f"{prop.name} is read-only")
    for name in names:
        if name not in prop.elements:
            raise Refused(f"{prop.name} has no element {name}, only {', '.join(prop.elements)}")


def _refuse_unless_finite(prop: AnyProperty, asked: dict[str, Any]) -> None:
    for name, value in asked.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise Refused(f"{prop.name} needs a finite number for {name}, not {value}")


def _with(prop: AnyProperty, asked: dict[str, Any]) -> dict[str, Any]:
    """All values that the property would have; where the switches' rule is not checked, it is kept if it can be."""
    if isinstance(prop, SwitchVector):
        with contextlib.suppress(LocalProtocolError):
            return prop.resolved(asked)
    return {**prop.values, **asked}


def _check(prop: AnyProperty, asked: dict[str, Any]) -> None:
    refuse_unless_writable(prop, tuple(asked))
    if isinstance(prop, NumberVector):
        _check_ranges(prop, asked)
    if isinstance(prop, SwitchVector):
        try:
            prop.resolved(asked)
        except LocalProtocolError as error:
            raise Refused(str(error)) from None


def _check_ranges(prop: NumberVector, asked: dict[str, float]) -> None:
    for name, value in asked.items():
        element = prop.elements[name]
        if element.min != element.max and not element.min <= value <= element.max:
            allowed = f"{write_number(element.min)} to {write_number(element.max)}"
            raise Refused(f"{prop.name} has {name} from {allowed}, not {write_number(value)}")


def _value(element: OneText | OneNumber | OneSwitch | OneLight | OneBLOB) -> Any:
    return element.value is SwitchState.ON if isinstance(element, OneSwitch) else getattr(element, "value", None)
