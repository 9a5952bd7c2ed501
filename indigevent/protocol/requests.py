"""The few messages that a server writes itself, and the mark that keeps its requests from going in circles.

Each of our servers marks with `via`, the ids of the servers passed, what no device's owner keeps from going round: the
`getProperties` that it sends to another server, and messages without device for servers above it that mark theirs. A
server that finds its own id there has met its own message in a loop.

What it sends first on a connection may also ask for compression, by an attribute that every other server passes over.
It says a key, and the answer is a marker with that key: so nothing that a driver sends can be taken for one.
"""

from __future__ import annotations

import re

from indigevent.protocol import repair
from indigevent.protocol.constants import PROTOCOL_VERSION
from indigevent.protocol.message import Message

_VIA = "via"
_COMPRESSION = "compression"
_ASKED = re.compile(r"zlib ([0-9a-f]{32})")
# A start tag up to the attribute; attribute values may contain anything but their own quote.
_UP_TO = rb"""^(<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*?)\s+%s\s*=\s*(?:"[^"]*"|'[^']*')"""
_MARK = re.compile(_UP_TO % b"via")
_WISH = re.compile(_UP_TO % b"compression")


def get_properties(device: str, via: str, compression_key: str = "") -> bytes:
    """The first message to a remote server, in the reference's form: for one device, or "*" for all.

    With a key, 32 hexadecimal digits that are new for each connection, it asks for compression.
    """
    attributes = {"device": device or "*", "version": PROTOCOL_VERSION, _VIA: via}
    if compression_key:
        attributes[_COMPRESSION] = f"zlib {compression_key}"
    return empty_element("getProperties", attributes)


def compression_key(message: Message) -> str:
    """The key with which a message asks for compression; "" when it does not, or asks for a kind not known here."""
    if message.tag != "getProperties":
        return ""
    asked = _ASKED.fullmatch(message.attributes.get(_COMPRESSION, ""))
    return asked[1] if asked else ""


def compression_marker(key: str) -> bytes:
    """What everything after is compressed, on the connection where that was asked for with this key."""
    return empty_element("compressedStream", {"method": "zlib", "key": key})


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
    data = request.data.replace(b"<pingRequest", b"<pingReply", 1)
    return data.replace(b"</pingRequest", b"</pingReply") + b"\n"


def passed_servers(message: Message) -> list[str]:
    """The ids of the servers that a marked message has passed."""
    return message.attributes.get(_VIA, "").split()


def with_server(message: Message, server_id: str) -> bytes:
    """The message as it goes on to another server, which is to know that it has been here."""
    via = " ".join([*passed_servers(message), server_id])
    start = b"<" + message.tag.encode()
    return without_servers(message).replace(start, start + b' via="' + repair.escape(via) + b'"', 1)


def without_servers(message: Message) -> bytes:
    """The message as it goes to clients and drivers: without a mark, and without what one connection asked for."""
    data = _MARK.sub(rb"\1", message.data, count=1)
    if message.tag == "getProperties":
        data = _WISH.sub(rb"\1", data, count=1)
    return data + b"\n"


def empty_element(tag: str, attributes: dict[str, str]) -> bytes:
    """An element without content, and a line end."""
    return repair.start_tag(tag, attributes) + b"/>\n"
