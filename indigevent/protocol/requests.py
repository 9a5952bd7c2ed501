"""The few messages that a server writes itself, and the mark that keeps its requests from going in circles.

Each of our servers marks the `getProperties` that it sends to another server with `via`, the ids of the servers that
it passed. A server that finds its own id there has met its own request in a loop.
"""

from __future__ import annotations

from indigevent.protocol import repair
from indigevent.protocol.constants import PROTOCOL_VERSION
from indigevent.protocol.message import Message

_VIA = "via"


def get_properties(device: str, via: str) -> bytes:
    """The first message to a remote server, in the reference's form: for one device, or "*" for all."""
    return empty_element("getProperties", {"device": device or "*", "version": PROTOCOL_VERSION, _VIA: via})


def driver_greeting() -> bytes:
    """The first message to a local driver."""
    return empty_element("getProperties", {"version": PROTOCOL_VERSION})


def delete_device(device: str) -> bytes:
    """A device is gone with all its properties."""
    return empty_element("delProperty", {"device": device})


def enable_blob(device: str, name: str, mode: str) -> bytes:
    """A BLOB policy for a scope, "" being any."""
    attributes = {key: value for key, value in (("device", device), ("name", name)) if value}
    return repair.start_tag("enableBLOB", attributes) + b">" + mode.encode() + b"</enableBLOB>\n"


def ping_reply(request: Message) -> bytes:
    """The answer to a `pingRequest`, with the same attributes."""
    return empty_element("pingReply", request.attributes)


def passed_servers(request: Message) -> list[str]:
    """The ids of the servers that a `getProperties` has passed."""
    return request.attributes.get(_VIA, "").split()


def with_server(request: Message, server_id: str) -> bytes:
    """A `getProperties` as it goes on to another server."""
    via = " ".join([*passed_servers(request), server_id])
    return empty_element("getProperties", {**request.attributes, _VIA: via})


def without_servers(request: Message) -> bytes:
    """A `getProperties` as it goes to a driver; its own bytes when it was not marked."""
    attributes = request.attributes
    if attributes.pop(_VIA, None) is None:
        return request.data + b"\n"
    return empty_element("getProperties", attributes)


def empty_element(tag: str, attributes: dict[str, str]) -> bytes:
    """An element without content, and a line end."""
    return repair.start_tag(tag, attributes) + b"/>\n"
