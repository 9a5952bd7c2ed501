"""From a framed message to what is in it: BLOBs without a detour through XML, attached ones without a copy."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import replace

from indigevent import fdpass
from indigevent.client.blob_files import FileWriter
from indigevent.client.decoding import Decoder
from indigevent.errors import RemoteProtocolError
from indigevent.protocol import codec, quick
from indigevent.protocol.message import BlobElement, BlobMessage, Message
from indigevent.protocol.vectors import Content, NewBLOBVector, OneBLOB, SetBLOBVector


def read(message: Message) -> Content:
    """What a message says; raises RemoteProtocolError for what cannot be read."""
    if not isinstance(message, BlobMessage):
        return quick.read(message.parts[0]) or codec.parse(message.data)
    # The start tag alone, ended here unless it is the whole message, is the message without its BLOBs.
    end = b"" if message.start.endswith(b"/>") else f"</{message.tag}>".encode()
    content = codec.parse(message.start + end)
    assert isinstance(content, (SetBLOBVector, NewBLOBVector))
    return replace(content, elements=tuple(_blobs(message)))


def _blobs(message: BlobMessage) -> Iterable[OneBLOB]:
    for element in message.elements:
        attributes = element.attributes
        name = attributes.get("name", "")
        yield OneBLOB(name, element.size, attributes.get("format", ""), _data(element))  # type: ignore[arg-type]


def _data(element: BlobElement) -> bytes | memoryview:
    if isinstance(element.writer, FileWriter):
        return element.writer.finish()
    if isinstance(element.attached, fdpass.BlobHandle):
        return _mapped(element.attached, element.size)
    decoder = Decoder()
    try:
        data = b"".join([decoder.feed(piece) for piece in element.payload])
        decoder.finish()
    except ValueError as error:
        name = element.attributes.get("name", "").encode()
        raise RemoteProtocolError("blob", 0, name, f"its base64 cannot be read: {error}") from None
    return data


def _mapped(handle: fdpass.BlobHandle, size: int) -> memoryview:
    """Without a copy, which trusts the driver as the reference does: if it shortens the memory, reading is SIGBUS.

    libindi's drivers cannot promise otherwise: their memory takes no seals.
    """
    if not size:
        return memoryview(b"")
    if not handle.holds(size):
        raise RemoteProtocolError("blob", 0, b"", f"the attached BLOB has less than {size} bytes")
    try:
        return memoryview(mmap.mmap(handle.fd, size, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:  # no descriptor or room for it; it has just been shortened
        raise RemoteProtocolError("blob", 0, b"", f"the attached BLOB cannot be mapped: {error}") from None
