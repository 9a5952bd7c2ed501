"""What indigevent-getprop is asked for: `device.property.element`, where any part may be `*`. No I/O here.

As in the reference a part that begins with `*` is one, whatever follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from indigevent.protocol.constants import VectorKind
from indigevent.tools.flags import UsageError
from indigevent.tools.told import Told

_ANY = "*"
# What an element may be instead: an attribute of the property.
_ATTRIBUTES = {
    "_LABEL": "label",
    "_GROUP": "group",
    "_STATE": "state",
    "_PERM": "perm",
    "_TO": "timeout",
    "_TS": "timestamp",
}


@dataclass
class Query:
    """One query; `is_answered` tells that something matched."""

    device: str
    name: str
    element: str
    is_answered: bool = False

    def __str__(self) -> str:
        return f"{self.device}.{self.name}.{self.element}"

    @property
    def is_exact(self) -> bool:
        """Whether no part is `*`."""
        return not any(part.startswith(_ANY) for part in (self.device, self.name, self.element))

    def concerns(self, told: Told) -> bool:
        """Whether it is about this property."""
        return _fits(self.device, told.device) and _fits(self.name, told.name)

    def wants(self, element: str) -> bool:
        """Whether it asks for the value of this element."""
        return _fits(self.element, element)

    def answers(self, told: Told) -> Iterator[tuple[str, str]]:
        """Names and values that it asks for.

        As in the reference, an update without an attribute gives "" for it. A BLOB's attributes come with its BLOB; but
        who asks for exactly one of them gets it at once, and not (as from the reference) only when there is a BLOB.
        """
        attribute = _ATTRIBUTES.get(self.element)
        is_empty = told.kind is VectorKind.BLOB and told.is_definition
        if attribute is None and not is_empty:
            yield from ((name, value) for name, value in told.elements.items() if self.wants(name))
        elif attribute is not None and (self.is_exact or not is_empty):
            yield self.element, told.attributes.get(attribute, "")


def _fits(part: str, name: str) -> bool:
    return part.startswith(_ANY) or part == name


def parse_query(text: str) -> Query:
    """Read `device.property.element`; what follows one more dot is passed over, as in the reference.

    Raises UsageError for anything else.
    """
    parts = text.split(".")
    if len(parts) < 3 or not all(parts[:3]):
        raise UsageError(f"Unknown format for property spec: {text}")
    device, name, element = parts[:3]
    return Query(device, name, element)


def only_device(devices: list[str]) -> str:
    """The device when it is always the same and no `*...`, else ""."""
    first = devices[0]
    return first if not first.startswith(_ANY) and all(device == first for device in devices) else ""
