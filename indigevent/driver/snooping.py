"""A live mirror of other devices' properties, kept from what the server passes on; without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from indigevent.protocol.constants import PropertyState, SwitchState
from indigevent.protocol.vectors import DefBLOBVector, DefVector, DelProperty, SetVector


class SnoopedProperty(Mapping[str, Any]):
    """Another device's property: a mapping of element names to the latest values, switches being True or False.

    `is_defined` is False while its device is not there; then it keeps what was known last. A BLOB's value is a
    ReceivedBlob.
    """

    def __init__(self, device: str, name: str) -> None:
        self.device = device
        self.name = name
        self.is_defined = False
        self.state = PropertyState.IDLE
        self.message = ""
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def take(self, content: DefVector | SetVector, values: Mapping[str, Any] | None = None) -> None:
        """Learn from a definition or a new value; `values` stand for those of `content`, if given."""
        if isinstance(content, DefVector):
            self._values = {}
        self.is_defined = True
        self.state = content.state or self.state
        self.message = content.message
        if values is None and not isinstance(content, DefBLOBVector):
            values = {element.name: _value(element.value) for element in getattr(content, "elements", ())}
        self._values = {**self._values, **(values or {})}

    def lose(self) -> None:
        """Its definition was taken away."""
        self.is_defined = False


class SnoopedDevice(Mapping[str, SnoopedProperty]):
    """Another device: a mapping of names to its properties, as far as they are known."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._properties: dict[str, SnoopedProperty] = {}

    def __getitem__(self, name: str) -> SnoopedProperty:
        return self._properties[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)

    def find(self, name: str) -> SnoopedProperty:
        """The property of that name, which may not have been seen yet."""
        return self._properties.setdefault(name, SnoopedProperty(self.device, name))


class Snoop:
    """What one call of `Device.snoop` asked for: a mirror, and what to call when it changes."""

    def __init__(self, device: str, name: str, on_change: Any, with_blobs: bool = False) -> None:
        self.name = name
        self.on_change = on_change
        self.with_blobs = with_blobs
        self.mirror = SnoopedDevice(device)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snoop) and self._asks_for() == other._asks_for()

    def __hash__(self) -> int:
        return hash((self.mirror.device, self.name))

    def _asks_for(self) -> tuple[Any, ...]:
        return self.mirror.device, self.name, self.on_change, self.with_blobs

    def covers(self, device: str, name: str) -> bool:
        """Whether something about `device` and `name` (of a whole device when "") belongs here."""
        return device == self.mirror.device and (not self.name or name in ("", self.name))

    def take(self, content: DefVector | SetVector, values: Mapping[str, Any] | None) -> SnoopedProperty:
        """Learn; the property that changed."""
        changed = self.mirror.find(content.name)
        changed.take(content, values)
        return changed

    def lose(self, content: DelProperty) -> list[SnoopedProperty]:
        """Learn that a property, or the whole device, is gone; those that are lost."""
        lost = [one for one in self.mirror.values() if content.name in ("", one.name)]
        for one in lost:
            one.lose()
        return lost


def _value(value: Any) -> Any:
    return value is SwitchState.ON if isinstance(value, SwitchState) else value
