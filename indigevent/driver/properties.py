"""A driver's property as its present definition, and what a client's command makes of it; without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from indigevent.errors import RemoteProtocolError
from indigevent.protocol.constants import Permission, SwitchRule, SwitchState
from indigevent.protocol.numbers import write_number
from indigevent.protocol.vectors import (
    DefNumber,
    DefNumberVector,
    DefSwitchVector,
    DefTextVector,
    NewNumberVector,
    NewSwitchVector,
    NewTextVector,
    OneNumber,
    OneSwitch,
    OneText,
    SetNumberVector,
    SetSwitchVector,
    SetTextVector,
)

Property = DefTextVector | DefNumberVector | DefSwitchVector
Command = NewTextVector | NewNumberVector | NewSwitchVector
Values = Mapping[str, Any]


def values_of(definition: Property) -> dict[str, Any]:
    """Return the values of a property by element name."""
    return {element.name: element.value for element in definition.elements}


def with_values(definition: Property, values: Values) -> Property:
    """Return the property with other values for the elements that are named in `values`."""
    elements = [replace(each, value=values.get(each.name, each.value)) for each in definition.elements]
    return replace(definition, elements=tuple(elements))  # type: ignore[arg-type]


def as_set(
    definition: Property, message: str = "", with_ranges: bool = False
) -> SetTextVector | SetNumberVector | SetSwitchVector:
    """Return the set vector that tells a property's state and all its values.

    `with_ranges` tells the numbers' ranges too, as libindi drivers do when a range has changed.
    """
    about: dict[str, Any] = {
        "device": definition.device,
        "name": definition.name,
        "state": definition.state,
        "message": message,
    }
    if isinstance(definition, DefTextVector):
        return SetTextVector(**about, elements=tuple(OneText(each.name, each.value) for each in definition.elements))
    if isinstance(definition, DefSwitchVector):
        return SetSwitchVector(
            **about, elements=tuple(OneSwitch(each.name, each.value) for each in definition.elements)
        )
    return SetNumberVector(**about, elements=tuple(_one_number(each, with_ranges) for each in definition.elements))


def wanted_values(definition: Property, command: Command) -> dict[str, Any]:
    """Return all the values that a property will have when `command` is obeyed.

    Raises RemoteProtocolError, whose `detail` is a sentence for the user, when the command is of another kind
    than the property, the property is read-only, an element is unknown, a number is out of range, or the
    switches break the rule.
    """
    if command.kind is not definition.kind:
        raise _refusal("kind", definition, f"is a {definition.kind.value} property, not {command.kind.value}")
    if definition.perm is Permission.READ_ONLY:
        raise _refusal("permission", definition, "is read-only")
    asked = {element.name: element.value for element in command.elements}
    present = values_of(definition)
    for name in asked:
        if name not in present:
            raise _refusal("element", definition, f"has no element {name}, only {', '.join(present)}")
    if isinstance(definition, DefNumberVector) and isinstance(command, NewNumberVector):
        _check_ranges(definition, command)
    if isinstance(definition, DefSwitchVector):
        return _wanted_switches(definition, present, asked)
    return present | asked


def _one_number(element: DefNumber, with_range: bool) -> OneNumber:
    if with_range:
        return OneNumber(element.name, element.value, element.min, element.max, element.step)
    return OneNumber(element.name, element.value)


def _check_ranges(definition: DefNumberVector, command: NewNumberVector) -> None:
    defined = {element.name: element for element in definition.elements}
    for name, value in ((each.name, each.value) for each in command.elements):
        limits = defined[name].min, defined[name].max
        if limits[0] != limits[1] and not limits[0] <= value <= limits[1]:
            allowed = " to ".join(write_number(each) for each in limits)
            raise _refusal("range", definition, f"has {name} from {allowed}, not {write_number(value)}")


def _wanted_switches(definition: DefSwitchVector, present: Values, asked: Values) -> dict[str, SwitchState]:
    """Where only one may be On, turning one On turns the others Off (INDI 1.7); clients send just the one."""
    exclusive = definition.rule is not SwitchRule.ANY_OF_MANY
    if exclusive and SwitchState.ON in asked.values():
        present = dict.fromkeys(present, SwitchState.OFF)
    wanted = {**present, **asked}
    count = list(wanted.values()).count(SwitchState.ON)
    if exclusive and count > 1:
        raise _refusal("rule", definition, f"is {definition.rule.value}, and {count} switches would be On")
    if definition.rule is SwitchRule.ONE_OF_MANY and count == 0:
        raise _refusal("rule", definition, "is OneOfMany, and no switch would be On")
    return wanted


def _refusal(kind: str, definition: Property, why: str) -> RemoteProtocolError:
    return RemoteProtocolError(kind, 0, definition.name.encode(), f"{definition.name} {why}")
