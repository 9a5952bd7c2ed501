"""From a framed message to what is in it: BLOBs without a detour through XML, attached ones without a copy."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import replace

import pybase64

from indigevent import fdpass
from indigevent.errors import RemoteProtocolError
from indigevent.protocol import codec
from indigevent.protocol.message import BlobElement, BlobMessage, Message
from indigevent.protocol.vectors import Content, OneBLOB, SetBLOBVector

_LAYOUT = b" \t\r\n"


def read(message: Message) -> Content:
    """What a message says; raises RemoteProtocolError for what cannot be read."""
    if not isinstance(message, BlobMessage):
        return codec.parse(message.data)
    # The start tag alone, ended here, is the message without its BLOBs.
    content = codec.parse(message.start + f"</{message.tag}>".encode())
    assert isinstance(content, SetBLOBVector)
    return replace(content, elements=tuple(_blobs(message)))


def _blobs(message: BlobMessage) -> Iterable[OneBLOB]:
    for element in message.elements:
        attributes = element.attributes
        name = attributes.get("name", "")
        yield OneBLOB(name, element.size, attributes.get("format", ""), _data(element))  # type: ignore[arg-type]


def _data(element: BlobElement) -> bytes | memoryview:
    if isinstance(element.attached, fdpass.BlobHandle):
        return _mapped(element.attached, element.size)
    text = b"".join(element.payload).translate(None, _LAYOUT)
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:
        name = element.attributes.get("name", "").encode()
        raise RemoteProtocolError("blob", 0, name, f"its base64 cannot be read: {error}") from None


def _mapped(handle: fdpass.BlobHandle, size: int) -> memoryview:
    if not size:
        return memoryview(b"")
    if not handle.holds(size):
        raise RemoteProtocolError("blob", 0, b"", f"the attached BLOB has less than {size} bytes")
    return memoryview(mmap.mmap(handle.fd, size, access=mmap.ACCESS_READ))
