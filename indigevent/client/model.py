"""What a client knows: devices, their properties and messages, kept up to date by what the server sends; without I/O.

Whoever reads a `Property` sees the present values: the same object is changed as messages come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, VectorKind
from indigevent.protocol.vectors import (
    Content,
    DefBLOBVector,
    DefLightVector,
    DefNumber,
    DefNumberVector,
    DefSwitchVector,
    DefTextVector,
    DefVector,
    DelProperty,
    OneBLOB,
    OneNumber,
    PingReply,
    SetVector,
    UserMessage,
)

_MAX_MESSAGES = 1000


class EventKind(str, Enum):
    """What may happen."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    DEFINED = "defined"
    UPDATED = "updated"
    DELETED = "deleted"
    MESSAGE = "message"
    BLOB = "blob"
    PING = "ping"


@dataclass(frozen=True)
class Blob:
    """One BLOB that came.

    `data` is bytes, or a memoryview of shared memory that came over a local socket, or of a file that a BLOB too large
    for memory was put into. `format` is like `.fits`; `size` is in bytes before compression, so it differs from the
    length of `data` when `format` ends in `.z`.
    """

    device: str
    property: str
    name: str
    format: str
    size: int
    data: bytes | memoryview = field(repr=False)
    timestamp: str = ""


@dataclass
class Element:
    """One element: `value` is a str, a float, a SwitchState, a PropertyState (of a light) or a Blob (None before one
    came); the last four are a number's."""

    name: str
    label: str
    value: Any = None
    format: str = ""
    min: float = 0.0
    max: float = 0.0
    step: float = 0.0


@dataclass
class Property:
    """One property vector as it is now.

    `timeout` is the worst case in seconds until a new value has been applied, as the driver says; `message` the last
    one that came with it; `updates` how often the driver has told something of it since it was defined, and
    `busy_updates` how often it was Busy then.
    """

    device: str
    name: str
    kind: VectorKind
    label: str
    group: str
    state: PropertyState
    perm: Permission
    rule: SwitchRule | None
    timeout: float
    timestamp: str
    message: str
    elements: dict[str, Element]
    updates: int = 0
    busy_updates: int = 0


@dataclass(frozen=True)
class Event:
    """Something that happened; `property` is None when it is about a device or the connection."""

    kind: EventKind
    device: str = ""
    name: str = ""
    property: Property | None = None
    message: str = ""
    timestamp: str = ""
    blob: Blob | None = None


class Device:
    """One device's properties, in the order in which they were defined, and its last messages.

    `dropped_messages` is how many there were before these.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.properties: dict[str, Property] = {}
        self.messages: deque[str] = deque(maxlen=_MAX_MESSAGES)
        self.dropped_messages = 0

    def note(self, line: str) -> None:
        """Keep a message, in the place of the oldest when there are many."""
        self.dropped_messages += len(self.messages) == _MAX_MESSAGES
        self.messages.append(line)


class Mirror:
    """All that the server has told, device by device."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.messages: deque[str] = deque(maxlen=_MAX_MESSAGES)
        self.unknown = 0

    def apply(self, content: Content) -> list[Event]:
        """Take in one element; what happened by it.

        What is told of a property that was never defined is passed over and counted in `unknown`.
        """
        if isinstance(content, SetVector):
            return self._update(content)
        if isinstance(content, DefVector):
            return self._define(content)
        if isinstance(content, DelProperty):
            return self._delete(content)
        if isinstance(content, UserMessage):
            return self._note(content.device, content.message, content.timestamp)
        if isinstance(content, PingReply):
            return [Event(EventKind.PING, name=content.uid)]
        return []

    def clear(self) -> list[Event]:
        """Forget everything, as when a server has gone; each property is deleted."""
        events = [event for device in list(self.devices) for event in self._delete(DelProperty(device))]
        self.devices.clear()
        return events

    def find(self, device: str, name: str) -> Property | None:
        """A property, or None where there is none."""
        known = self.devices.get(device)
        return known.properties.get(name) if known else None

    def _define(self, content: DefVector) -> list[Event]:
        device = self.devices.get(content.device)
        if device is None:
            device = self.devices[content.device] = Device(content.device)
        defined = _property(content)
        known = device.properties.get(content.name)
        if known is not None and known.kind is defined.kind:
            # Defined once more, as for another client: whoever holds the property goes on with it.
            _refresh(known, defined)
            defined = known
        else:
            device.properties[content.name] = defined
        event = Event(EventKind.DEFINED, content.device, content.name, defined, content.message, content.timestamp)
        return [event, *self._spoken(content.device, content.message, content.timestamp)]

    def _update(self, content: SetVector) -> list[Event]:
        known = self.find(content.device, content.name)
        if known is None or known.kind is not content.kind:
            self.unknown += 1
            return []
        if content.state is not None:
            known.state = content.state
        if content.timeout is not None:
            known.timeout = content.timeout
        known.timestamp = content.timestamp or known.timestamp
        known.message = content.message or known.message
        blobs = self._take_values(known, content)
        known.updates += 1
        known.busy_updates += known.state is PropertyState.BUSY
        event = Event(EventKind.UPDATED, known.device, known.name, known, content.message, content.timestamp)
        if not blobs and not content.message:
            return [event]
        arrivals = [Event(EventKind.BLOB, known.device, known.name, known, blob=blob) for blob in blobs]
        return [event, *arrivals, *self._spoken(known.device, content.message, content.timestamp)]

    def _take_values(self, known: Property, content: SetVector) -> list[Blob]:
        blobs = []
        for one in getattr(content, "elements", ()):
            element = known.elements.get(one.name)
            if element is None:
                self.unknown += 1
            elif isinstance(one, OneBLOB):
                if one.data or one.size:  # without, only the state is told
                    element.value = _blob(known, content, one)
                    blobs.append(element.value)
            else:
                element.value = one.value
                if isinstance(one, OneNumber) and one.min is not None:
                    _take_range(element, one)
        return blobs

    def _delete(self, content: DelProperty) -> list[Event]:
        device = self.devices.get(content.device)
        if device is None:
            return []
        names = [content.name] if content.name else list(device.properties)
        gone = [device.properties.pop(name) for name in names if name in device.properties]
        events = [Event(EventKind.DELETED, one.device, one.name, one, content.message) for one in gone]
        if not content.name:
            del self.devices[content.device]
            events.append(Event(EventKind.DELETED, content.device, message=content.message))
        return events + self._spoken(content.device, content.message, content.timestamp)

    def _spoken(self, device: str, message: str, timestamp: str) -> list[Event]:
        return self._note(device, message, timestamp) if message else []

    def _note(self, device: str, message: str, timestamp: str) -> list[Event]:
        known = self.devices.get(device)
        line = f"{timestamp}: {message}" if timestamp else message
        if known is None:
            self.messages.append(line)
        else:
            known.note(line)
        return [Event(EventKind.MESSAGE, device, message=message, timestamp=timestamp)]


def _property(content: DefVector) -> Property:
    is_light = isinstance(content, DefLightVector)
    return Property(
        content.device,
        content.name,
        content.kind,
        content.label or content.name,
        content.group,
        content.state,
        Permission.READ_ONLY if is_light else content.perm,  # type: ignore[attr-defined]
        content.rule if isinstance(content, DefSwitchVector) else None,
        0.0 if is_light else content.timeout,  # type: ignore[attr-defined]
        content.timestamp,
        content.message,
        {element.name: element for element in _elements(content)},
    )


def _elements(content: DefVector) -> Iterable[Element]:
    assert isinstance(content, (DefTextVector, DefNumberVector, DefSwitchVector, DefLightVector, DefBLOBVector))
    for one in content.elements:
        element = Element(one.name, one.label or one.name, getattr(one, "value", None))
        if isinstance(one, DefNumber):
            element.format, element.min, element.max, element.step = one.format, one.min, one.max, one.step
        yield element


def _refresh(known: Property, defined: Property) -> None:
    elements = known.elements
    for name, element in defined.elements.items():
        if name in elements:
            if known.kind is not VectorKind.BLOB:
                vars(elements[name]).update(vars(element))
        else:
            elements[name] = element
    for name in [name for name in elements if name not in defined.elements]:
        del elements[name]
    updates = known.updates + 1
    busy_updates = known.busy_updates + (defined.state is PropertyState.BUSY)
    vars(known).update({**vars(defined), "elements": elements, "updates": updates, "busy_updates": busy_updates})


def _take_range(element: Element, one: OneNumber) -> None:
    element.min = element.min if one.min is None else one.min
    element.max = element.max if one.max is None else one.max
    element.step = element.step if one.step is None else one.step


def _blob(known: Property, content: SetVector, one: OneBLOB) -> Blob:
    return Blob(known.device, known.name, one.name, one.format, one.size, one.data, content.timestamp)
