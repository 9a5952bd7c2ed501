"""Asking drivers for what is in the cache: the message names every element, as PyIndi's does.

Nothing is checked against ranges and rules: a script that works with the real module says what it means, and the driver
judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from indigevent.client import model
from indigevent.compat.pyindi.device import BaseDevice
from indigevent.compat.pyindi.properties import Property, PropertySwitch, PropertyTyped, known_to
from indigevent.compat.pyindi.words import as_text
from indigevent.logs import log
from indigevent.protocol.constants import SwitchRule, VectorKind
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

P = TypeVar("P", bound=PropertyTyped[Any])


class Sender(Protocol):
    """Who looks up and sends."""

    def find_device(self, name: str) -> BaseDevice:
        """A device; the log says when there is none."""

    def command(self, known: model.Property, message: NewVector) -> None:
        """Send a message for a property."""


def send(sender: Sender, shown: Property, view_type: type[Property]) -> None:
    """Ask the driver for what is in a property.

    Raises TypeError for what is no property or one of another type, ValueError for one that does not exist.
    """
    if not isinstance(shown, Property):
        raise TypeError(f"{shown!r} cannot be sent: give a property")
    if not shown:
        raise ValueError(f"nothing can be sent: there is {shown.about()}")
    if not view_type(shown):
        raise TypeError(_mismatch(shown, view_type))
    known = known_to(shown)
    sender.command(known, _message(known))


def send_or_change(sender: Sender, attribute: str, view_type: type[PropertyTyped[Any]], args: tuple[Any, ...]) -> None:
    """The forms of PyIndi's sendNew methods: (property), or (device, property, element, value)."""
    if len(args) == 1:
        send(sender, args[0], view_type)
    elif len(args) == 4:
        device, name, element, value = args
        shown = _find(sender, view_type, device, name)
        widget = shown.findWidgetByName(element) if shown else None
        if widget is not None:
            setattr(widget, attribute, value)
            send(sender, shown, view_type)
    else:
        raise TypeError(f"a property, or the names of device, property and element are needed, not {args!r}")


def switch_on(sender: Sender, device: str, name: str, element: str) -> None:
    """Switch one on, and the others off where the rule says so."""
    shown = _find(sender, PropertySwitch, device, name)
    widget = shown.findWidgetByName(element) if shown else None
    if widget is not None:
        if known_to(shown).rule is not SwitchRule.ANY_OF_MANY:
            shown.reset()
        widget.s = 1
        send(sender, shown, PropertySwitch)


def _find(sender: Sender, view_type: type[P], device: str, name: str) -> P:
    """A property that something is asked of; the log says when nothing can be."""
    found = sender.find_device(device).getProperty(name)
    shown = view_type(found)
    if not found:
        log.warning("nothing was sent: there is %s", found.about())
    elif not shown:
        log.warning("nothing was sent: %s", _mismatch(found, view_type))
    return shown


def _mismatch(shown: Property, view_type: type[Property]) -> str:
    return f"{shown.about()} is {shown.getTypeAsString()}; it cannot be sent as a {view_type.__name__}"


class Upload:
    """A message of BLOBs that is put together in three calls."""

    def __init__(self) -> None:
        self._vector = NewBLOBVector(device="", name="")
        self._blobs: list[OneBLOB] = []

    def start(self, device: str, name: str, timestamp: str) -> None:
        """Begin."""
        as_text(device, "the name of a device")
        as_text(name, "the name of a property")
        self._vector = NewBLOBVector(device=device, name=name, timestamp=as_text(timestamp, "a timestamp"))
        self._blobs = []

    def add(self, name: str, size: int, blob_format: str, data: bytes) -> None:
        """Add the first `size` bytes of `data`; raises TypeError for what is no bytes."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"{data!r} is not a BLOB for {name}; give bytes")
        self._blobs.append(OneBLOB(name, size, blob_format, bytes(data)[:size]))

    def finish(self) -> NewBLOBVector:
        """The message; raises ValueError when none was begun."""
        if not self._vector.device:
            raise ValueError("there are no BLOBs to send: call startBlob(device, property, timestamp) first")
        finished = replace(self._vector, elements=tuple(self._blobs))
        self.start("", "", "")
        return finished


def _message(known: model.Property) -> NewVector:
    elements = list(known.elements.values())  # the reading thread may define others meanwhile
    if known.kind is VectorKind.BLOB:
        return NewBLOBVector(device=known.device, name=known.name, elements=tuple(_blobs(elements)))
    if known.kind not in _CLASSES:
        raise TypeError(f"{known.device}.{known.name} cannot be sent: lights only show")
    vector, one = _CLASSES[known.kind]
    return vector(device=known.device, name=known.name, elements=tuple(one(each.name, each.value) for each in elements))


def _blobs(elements: list[model.Element]) -> Iterator[OneBLOB]:
    for blob in [element.value for element in elements if element.value is not None]:
        yield OneBLOB(blob.name, blob.size, blob.format, bytes(blob.data))


_CLASSES: dict[VectorKind, tuple[Callable[..., NewVector], Callable[..., Any]]] = {
    VectorKind.TEXT: (NewTextVector, OneText),
    VectorKind.NUMBER: (NewNumberVector, OneNumber),
    VectorKind.SWITCH: (NewSwitchVector, OneSwitch),
}
