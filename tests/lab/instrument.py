"""A client's view of one device whose values are Python's: numbers and booleans."""

from __future__ import annotations

from typing import Any

from .device_client import DeviceClient, command
from .lab import Lab
from .messages import Message
from .server import Server
from .vocabulary import get

Values = dict[str, Any]


class Instrument(DeviceClient):
    """One device, seen by a client of its own that has asked for all of its properties."""

    def __init__(self, lab: Lab, server: Server, device: str) -> None:
        super().__init__(lab.client(server, f"user{len(lab.clients)} of {device}", get(device)), device)
        self.definition("DRIVER_INFO")

    def set(self, name: str, **elements: float | str | bool) -> None:
        """Ask for values, of the kind that the property has."""
        self.client.send(command(self.definition(name).tag[3:-6], self.device, name, elements))

    def expect(self, name: str, state: str, **values: object) -> Values:
        """Wait for the next message that tells the property with this state and these values; return all it tells."""
        while True:
            told = _typed(self.set_vector(name, state=state))
            if all(told.get(key) == value for key, value in values.items()):
                return told

    def message(self) -> str:
        """Wait for the next sentence of the device that belongs to no property."""
        return self.client.expect("message", device=self.device).attributes["message"]

    def latest(self, name: str) -> Values:
        """Return the values as they were told last."""
        with self.client.pump.changed:
            about = [each for each in self.client.inbox if each.attributes.get("name") == name]
        return {key: value for each in about for key, value in _typed(each).items()}


def _typed(message: Message) -> Values:
    return {child.attributes["name"]: _value(child) for child in message.children}


def _value(child: Message) -> float | str | bool:
    text = child.text.strip()
    if child.tag.endswith("Switch"):
        return text == "On"
    return float(text) if child.tag.endswith("Number") else text
