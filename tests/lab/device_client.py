"""A client's view of one device: its definitions, commands to it, and what is told of its properties."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .client import ScriptedClient
from .lab import Lab
from .messages import Message
from .server import Server
from .vocabulary import EVERYTHING


def values(message: Message) -> dict[str, str]:
    """Return the texts of a message's elements by their names."""
    return {child.attributes["name"]: child.text.strip() for child in message.children}


def command(kind: str, device: str, name: str, elements: dict[str, Any]) -> str:
    """A newTextVector, newNumberVector or newSwitchVector; True and False are On and Off."""
    switch = {True: "On", False: "Off"} if kind == "Switch" else {}
    content = "".join(
        f"<one{kind} name={quoteattr(each)}>{escape(str(switch.get(value, value)))}</one{kind}>"
        for each, value in elements.items()
    )
    return f"<new{kind}Vector device='{device}' name='{name}'>{content}</new{kind}Vector>"


class DeviceClient:
    """One device, seen by a client of its own."""

    def __init__(self, client: ScriptedClient, device: str) -> None:
        self.client = client
        self.device = device

    def connect(self) -> None:
        """Turn CONNECT On, and wait until the device says that it is."""
        self.switch("CONNECTION", CONNECT=True)
        self.told("CONNECTION", state="Ok")

    def disconnect(self) -> None:
        """Turn DISCONNECT On, and wait until the device says that it is."""
        self.switch("CONNECTION", DISCONNECT=True)
        self.told("CONNECTION", state="Idle")

    def definition(self, name: str) -> Message:
        """Wait until a property is defined; return its first definition."""
        found: list[Message] = []

        def defined() -> bool:
            found[:] = [each for each in self.client.inbox if self._defines(each, name)]
            return bool(found)

        self.client.pump.wait(defined, lambda: f"{self.device}.{name} is defined; there is {self.client.lines()}")
        return found[0]

    def text(self, name: str, **elements: str) -> None:
        """Ask for texts."""
        self.client.send(command("Text", self.device, name, elements))

    def number(self, name: str, **elements: object) -> None:
        """Ask for numbers, in any notation."""
        self.client.send(command("Number", self.device, name, elements))

    def switch(self, name: str, **elements: bool) -> None:
        """Ask for switches."""
        self.client.send(command("Switch", self.device, name, elements))

    def told(self, name: str, **attributes: str) -> dict[str, str]:
        """Wait for the next set vector of a property; return its elements' texts."""
        return values(self.set_vector(name, **attributes))

    def set_vector(self, name: str, **attributes: str) -> Message:
        """Wait for the next set vector of a property."""
        tag = self.definition(name).tag.replace("def", "set", 1)
        return self.client.expect(tag, device=self.device, name=name, **attributes)

    def refusal(self, name: str) -> str:
        """Wait until a property is Alert; return the sentence that came with it."""
        return self.set_vector(name, state="Alert").attributes["message"]

    def _defines(self, message: Message, name: str) -> bool:
        where = message.attributes
        return message.tag.startswith("def") and (where["device"], where["name"]) == (self.device, name)


def visit(lab: Lab, server: Server, device: str, local: bool = False) -> DeviceClient:
    """Connect a client over TCP or the local socket, which asks for everything; return when it knows the device."""
    name = f"client{len(lab.clients)}"
    client = lab.local_client(server, name, EVERYTHING) if local else lab.client(server, name, EVERYTHING)
    visitor = DeviceClient(client, device)
    visitor.definition("DRIVER_INFO")
    return visitor
