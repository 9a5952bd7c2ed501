"""A driver's process: commands come in on stdin, what it tells goes out on stdout, one thread does it all."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from indigevent.driver.properties import Command, Property, as_set, values_of, wanted_values, with_values
from indigevent.errors import RemoteProtocolError
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message
from indigevent.protocol.vectors import (
    Content,
    DelProperty,
    GetProperties,
    PingReply,
    PingRequest,
    UserMessage,
)

_STDIN = 0
_STDOUT = 1
_READ_BYTES = 65536


class Driver:
    """One device. A subclass has properties, obeys commands, and says when it wants to be woken.

    The device is called `default_name`, or what the environment's INDIDEV says (a server's `-n` sets it).
    """

    default_name: ClassVar[str]

    def __init__(self) -> None:
        self.device = os.environ.get("INDIDEV") or self.default_name
        self.wake_at: float | None = None
        self._properties: dict[str, Property] = {}
        self._framer = Framer()

    def obey(self, name: str, wanted: Mapping[str, Any]) -> None:
        """Do what a client asks: `wanted` has a value for every element of property `name`, checked already.

        A RemoteProtocolError raised here refuses: the client gets Alert and its `detail`.
        """
        raise NotImplementedError

    def wake(self) -> None:
        """`wake_at`, a time of `time.monotonic()`, has come; it is None again."""

    def run(self) -> None:
        """Serve until stdin ends or the server stops reading."""
        try:
            while self._serve_once():
                pass
        except (BrokenPipeError, ConnectionResetError):
            return

    def add(self, *definitions: Property) -> None:
        """Have properties, new or instead of those of the same name, and tell only those who ask."""
        for definition in definitions:
            self._properties[definition.name] = definition

    def define(self, *definitions: Property) -> None:
        """Have properties and tell the clients."""
        self.add(*definitions)
        for definition in definitions:
            self.send(definition)

    def delete(self, *names: str) -> None:
        """Take properties away and tell the clients."""
        for name in names:
            del self._properties[name]
            self.send(DelProperty(self.device, name))

    def property(self, name: str) -> Property:
        """Return the present definition of a property, values included."""
        return self._properties[name]

    def values(self, name: str) -> dict[str, Any]:
        """Return the present values of a property by element name."""
        return values_of(self._properties[name])

    def update(
        self, name: str, state: PropertyState, values: Mapping[str, Any] | None = None, message: str = ""
    ) -> None:
        """Give a property a state and new values and tell the clients; elements not named keep theirs."""
        changed = replace(with_values(self._properties[name], values or {}), state=state)
        self._properties[name] = changed
        self.send(as_set(changed, message))

    def send(self, content: Content) -> None:
        """Write one message, with the present time where it can have one."""
        if hasattr(content, "timestamp"):
            now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            content = replace(content, timestamp=now)  # type: ignore[call-arg]
        data = codec.to_bytes(content) + b"\n"
        while data:
            data = data[os.write(_STDOUT, data) :]

    def _serve_once(self) -> bool:
        """Wait for a command or the time to wake, and serve it; whether there may be more."""
        timeout = None if self.wake_at is None else max(0.0, self.wake_at - time.monotonic())
        readable, _, _ = select.select([_STDIN], [], [], timeout)
        if self.wake_at is not None and time.monotonic() >= self.wake_at:
            self.wake_at = None
            self.wake()
        return self._read() if readable else True

    def _read(self) -> bool:
        data = os.read(_STDIN, _READ_BYTES)
        for message in self._framer.feed(data):
            self._receive(message)
        for fault in self._framer.take_faults():
            print(fault, file=sys.stderr, flush=True)
        return bool(data)

    def _receive(self, message: Message) -> None:
        try:
            self._dispatch(codec.parse(message.data))
        except RemoteProtocolError as error:
            if message.tag.startswith("new") and message.device == self.device:
                self._refuse(message.name, error.detail)
            else:
                print(error, file=sys.stderr, flush=True)

    def _dispatch(self, content: Content) -> None:
        if isinstance(content, PingRequest):
            self.send(PingReply(content.uid))
        elif isinstance(content, GetProperties) and content.device in ("", self.device):
            for name, definition in list(self._properties.items()):
                if content.name in ("", name):
                    self.send(definition)
        elif isinstance(content, Command) and content.device == self.device:
            self._command(content)

    def _command(self, command: Command) -> None:
        definition = self._properties.get(command.name)
        if definition is None:
            self._refuse(command.name, f"{self.device} has no property {command.name} at present")
        else:
            self.obey(command.name, wanted_values(definition, command))

    def _refuse(self, name: str, why: str) -> None:
        """Tell why a command is not obeyed: with its property, or as a message when there is none."""
        if name in self._properties:
            self.update(name, PropertyState.ALERT, message=why)
        else:
            self.send(UserMessage(why, self.device))
