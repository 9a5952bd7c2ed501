"""From Python values to the message that asks a driver for them, checked here before anything is sent; without I/O.

The message always names every element: libindi's drivers act on complete vectors only (a telescope wants both
coordinates), and elements that are not given keep their present values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from indigevent.client.model import Element, Property
from indigevent.errors import ClientError, RemoteProtocolError
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState, VectorKind
from indigevent.protocol.numbers import parse_number
from indigevent.protocol.vectors import (
    NewBLOBVector,
    NewNumberVector,
    NewSwitchVector,
    NewTextVector,
    NewVector,
    OneBLOB,
    OneNumber,
    OneSwitch,
    OneText,
)

_ON_WORDS: dict[object, SwitchState] = {
    True: SwitchState.ON,
    False: SwitchState.OFF,
    "On": SwitchState.ON,
    "Off": SwitchState.OFF,
}


def command(known: Property, values: Mapping[str, Any]) -> NewVector:
    """The message that asks for new values, by element names.

    Numbers are numbers, or text as in `12:30:15`; texts are text; switches are bools, SwitchStates, "On" or "Off"; a
    BLOB is bytes with its format, `(data, ".fits")`. Switching one on under OneOfMany or AtMostOne switches the others
    off.

    Raises ClientError, naming property and element, for what the property does not allow: it is read-only, there is no
    such element, a number is out of its range, more or fewer switches are on than its rule says.
    """
    where = f"{known.device}.{known.name}"
    if known.perm is Permission.READ_ONLY:
        raise ClientError(f"{where} cannot be set: it is read-only")
    if not values:
        raise ClientError(f"{where} cannot be set: no element was given; it has {_names(known)}")
    for name in values:
        if name not in known.elements:
            raise ClientError(f"{where} has no element {name}; it has {_names(known)}")
    return _MAKERS[known.kind](known, values, where)


def single(known: Property, value: Any) -> dict[str, Any]:
    """What `set(value)` without a name means: the only element, or the switch to switch on."""
    if known.kind is VectorKind.SWITCH and isinstance(value, str) and value in known.elements:
        return {value: True}
    if len(known.elements) != 1:
        raise ClientError(
            f"{known.device}.{known.name} has several elements ({_names(known)}); say which, "
            f"as in set({next(iter(known.elements), 'NAME')}={value!r})"
        )
    return {next(iter(known.elements)): value}


def is_as_asked(known: Property, asked: Mapping[str, Any]) -> bool:
    """Whether the property has the values now that a message asked for."""
    return all(name in known.elements and known.elements[name].value == value for name, value in asked.items())


def is_momentary(known: Property, asked: Mapping[str, Any]) -> bool:
    """Whether a switch that was switched on has gone back by itself after it did its work, as one that aborts."""
    is_button = known.rule is SwitchRule.AT_MOST_ONE and SwitchState.ON in asked.values()
    all_off = all(element.value is SwitchState.OFF for element in known.elements.values())
    return is_button and all_off and known.state is PropertyState.OK


def asked_values(message: NewVector) -> dict[str, Any]:
    """The values in a message, by element."""
    return {one.name: one.value for one in getattr(message, "elements", ()) if not isinstance(one, OneBLOB)}


def _numbers(known: Property, values: Mapping[str, Any], where: str) -> NewVector:
    ones = []
    for name, element in known.elements.items():
        value = _number(element, values[name], where) if name in values else float(element.value)
        if math.isfinite(value):
            ones.append(OneNumber(name, value))
    return NewNumberVector(device=known.device, name=known.name, elements=tuple(ones))


def _number(element: Element, value: Any, where: str) -> float:
    try:
        number = parse_number(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError, RemoteProtocolError):
        raise ClientError(f"{where}.{element.name} is a number; {value!r} is not") from None
    if not math.isfinite(number):
        raise ClientError(f"{where}.{element.name} cannot be set to {number}: INDI numbers are finite")
    if element.min < element.max and not element.min <= number <= element.max:
        raise ClientError(
            f"{where}.{element.name} cannot be set to {number:g}: it must be from {element.min:g} to {element.max:g}"
        )
    return number


def _texts(known: Property, values: Mapping[str, Any], where: str) -> NewVector:
    for name, value in values.items():
        if not isinstance(value, str):
            raise ClientError(f"{where}.{name} is a text; {value!r} is not a str")
    ones = [OneText(name, values.get(name, element.value)) for name, element in known.elements.items()]
    return NewTextVector(device=known.device, name=known.name, elements=tuple(ones))


def _switches(known: Property, values: Mapping[str, Any], where: str) -> NewVector:
    asked = {name: _switch(name, value, where) for name, value in values.items()}
    some_on = SwitchState.ON in asked.values()
    is_exclusive = known.rule in (SwitchRule.ONE_OF_MANY, SwitchRule.AT_MOST_ONE)
    states = {
        name: asked.get(name, SwitchState.OFF if some_on and is_exclusive else element.value)
        for name, element in known.elements.items()
    }
    on = [name for name, state in states.items() if state is SwitchState.ON]
    if is_exclusive and len(on) > 1:
        raise ClientError(f"{where} cannot be set: only one of its switches may be on, not {' and '.join(on)}")
    if known.rule is SwitchRule.ONE_OF_MANY and not on:
        raise ClientError(f"{where} cannot be set: one of its switches must be on ({_names(known)})")
    ones = [OneSwitch(name, state) for name, state in states.items()]
    return NewSwitchVector(device=known.device, name=known.name, elements=tuple(ones))


def _switch(name: str, value: Any, where: str) -> SwitchState:
    is_word = isinstance(value, (bool, str))
    state = value if isinstance(value, SwitchState) else _ON_WORDS.get(value) if is_word else None
    if state is None:
        raise ClientError(f'{where}.{name} is a switch; it is True or False ("On" or "Off"), not {value!r}')
    return state


def _blobs(known: Property, values: Mapping[str, Any], where: str) -> NewVector:
    ones = []
    for name, value in values.items():
        data, blob_format = value if isinstance(value, tuple) and len(value) == 2 else (value, "")
        if not (isinstance(data, (bytes, bytearray, memoryview)) and isinstance(blob_format, str)):
            raise ClientError(f"{where}.{name} is a BLOB; give bytes and a format, as in (data, '.fits')")
        content = bytes(data)
        ones.append(OneBLOB(name, len(content), blob_format, content))
    return NewBLOBVector(device=known.device, name=known.name, elements=tuple(ones))


def _lights(known: Property, values: Mapping[str, Any], where: str) -> NewVector:
    raise ClientError(f"{where} cannot be set: lights only show")


def _names(known: Property) -> str:
    return ", ".join(known.elements)


_MAKERS = {
    VectorKind.NUMBER: _numbers,
    VectorKind.TEXT: _texts,
    VectorKind.SWITCH: _switches,
    VectorKind.BLOB: _blobs,
    VectorKind.LIGHT: _lights,
}
