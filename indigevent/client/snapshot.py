"""All that a client knows as plain data that JSON can carry; without I/O."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

from indigevent.client.model import Blob, Device, Element, Mirror, Property
from indigevent.protocol.constants import VectorKind

_RANGE = ("format", "min", "max", "step")


def snapshot(mirror: Mirror) -> dict[str, Any]:
    """Devices by name, each with its `properties` by name and its `messages`.

    A number that is not finite is None, as JSON has none of these; a BLOB is its format, size and number of bytes.
    """
    return {name: _device(device) for name, device in mirror.devices.items()}


def _device(device: Device) -> dict[str, Any]:
    properties = {name: _property(known) for name, known in device.properties.items()}
    return {"properties": properties, "messages": list(device.messages)}


def _property(known: Property) -> dict[str, Any]:
    fields = ("label", "group", "kind", "state", "perm", "rule", "timeout", "timestamp", "message")
    plain = {name: _plain(getattr(known, name)) for name in fields}
    return {**plain, "elements": {name: _element(one, known.kind) for name, one in known.elements.items()}}


def _element(element: Element, kind: VectorKind) -> dict[str, Any]:
    ranges = {name: _plain(getattr(element, name)) for name in _RANGE} if kind is VectorKind.NUMBER else {}
    return {"label": element.label, "value": _plain(element.value), **ranges}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Blob):
        return {"format": value.format, "size": value.size, "bytes": len(value.data), "timestamp": value.timestamp}
    return value
