"""BLOBs as a driver's author gives and gets them: bytes, files, compressed or not, beside the stream or in it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pybase64

from indigevent import fdpass
from indigevent.driver.properties import Element, Property
from indigevent.errors import LocalProtocolError, Refused
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState, VectorKind
from indigevent.protocol.message import BlobElement, BlobMessage
from indigevent.protocol.vectors import DefBLOB, DefBLOBVector, OneBLOB, SetBLOBVector

_COMPRESSED = ".z"
_WHITE_SPACE = b" \t\r\n"


class BLOB(Element[None]):
    """An element of a BLOBVector; its bytes are sent and not kept."""


@dataclass(frozen=True)
class Blob:
    """Bytes to send, and what they are.

    Arguments:
        source: the bytes, or a file: its path, or an open binary file that is read to its end.
        format: like a file name's suffix, `.fits`; that of the path when it is not given.
        compress: send it zlib-compressed, `.fits.z`, where that makes it shorter (the reference cuts off what is longer
            than the `size`, which is that of the data).
    """

    source: bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
    format: str = ""
    compress: bool = False

    def as_element(self, name: str) -> OneBLOB:
        """The whole BLOB, in memory; raises OSError when its file cannot be read."""
        data = self._read()
        if not isinstance(data, bytes):
            raise LocalProtocolError(f"BLOB {name} needs bytes, or a file opened in binary mode, not {data!r:.40}")
        kind = codec.printable(self.format or self._suffix())
        if self.compress and len(short := zlib.compress(data)) < len(data):
            return OneBLOB(name, len(data), kind + _COMPRESSED, short)
        return OneBLOB(name, len(data), kind, data)

    def _read(self) -> bytes:
        if isinstance(self.source, (str, os.PathLike)):
            return Path(self.source).read_bytes()
        if hasattr(self.source, "read"):
            return self.source.read()
        return bytes(memoryview(self.source))

    def _suffix(self) -> str:
        name = self.source if isinstance(self.source, (str, os.PathLike)) else getattr(self.source, "name", "")
        return Path(name).suffix if isinstance(name, (str, os.PathLike)) else ""


@dataclass(frozen=True)
class ReceivedBlob:
    """A BLOB that came: its bytes, decompressed, and its format, without `.z`."""

    data: bytes
    format: str


class BLOBVector(Property[BLOB, None]):
    """A BLOB property. `set` tells its state, `send_blobs` sends BLOBs."""

    kind = VectorKind.BLOB

    def send_blobs(
        self,
        blobs: Mapping[str, Blob | bytes | str | os.PathLike[str]] | None = None,
        /,
        *,
        state: PropertyState | str = PropertyState.OK,
        message: str = "",
        **elements: Blob | bytes | str | os.PathLike[str],
    ) -> None:
        """Send BLOBs by element name: a `Blob`, or just bytes or a path.

        It returns when the server has taken them, and waits for it to have passed on the one before, so that a camera
        that is faster than its clients is slowed down (libindi's drivers do that too). Any thread may call it.

        Raises LocalProtocolError for an element that is not there, and OSError when a file cannot be read.
        """
        for name in (wanted := {**(blobs or {}), **elements}):
            self._element(name)
        new_state = PropertyState(state)
        contents = tuple(_as_blob(blob).as_element(name) for name, blob in wanted.items())

        def change() -> SetBLOBVector | None:
            self.state = new_state
            told = self._telling((), message)
            return replace(told, elements=contents) if isinstance(told, SetBLOBVector) else None

        if self._publisher is None:
            change()
        else:
            self._publisher.publish_blobs(change)

    def definition(self, timestamp: str = "", message: str = "") -> DefBLOBVector:
        """The property as clients get it defined."""
        elements = tuple(DefBLOB(e.name, e.label or e.name) for e in self.elements.values())
        return DefBLOBVector(**self._about(timestamp, message), elements=elements)

    def _setting(self, about: dict[str, Any], names: tuple[str, ...]) -> SetBLOBVector:
        return SetBLOBVector(**about)

    def _checked_value(self, name: str, value: None) -> None:
        self._element(name)
        raise LocalProtocolError(f"{self.name} is a BLOB property: send_blobs sends {name}")


def attach(content: SetBLOBVector) -> tuple[SetBLOBVector, list[fdpass.BlobHandle]]:
    """The message with its BLOBs in shared memory beside it; those that are compressed or empty stay in it.

    Who maps an attached BLOB maps its `size`, which for a compressed one is not the length of what is sent.
    """
    elements: list[OneBLOB] = []
    handles: list[fdpass.BlobHandle] = []
    for element in content.elements:
        can_attach = element.data and len(element.data) == element.size
        if can_attach and len(handles) < fdpass.MAX_FDS_PER_MESSAGE:
            handle = fdpass.new_memory()
            fdpass.write_all(handle, element.data)
            handles.append(handle)
            elements.append(replace(element, data=b"", attached=True))
        else:
            elements.append(element)
    return replace(content, elements=tuple(elements)), handles


def received(message: BlobMessage) -> dict[str, ReceivedBlob]:
    """The BLOBs of a message by element name; raises Refused for one that cannot be read."""
    return {element.attributes.get("name", ""): _received(element) for element in message.elements}


def _received(element: BlobElement) -> ReceivedBlob:
    name, kind = element.attributes.get("name", ""), element.attributes.get("format", "")
    try:
        data = _bytes_of(element)
        if kind.endswith(_COMPRESSED):
            return ReceivedBlob(_decompressed(data, element.size), kind.removesuffix(_COMPRESSED))
    except (ValueError, OSError, zlib.error) as error:
        raise Refused(f"BLOB {name} cannot be read: {error}") from None
    return ReceivedBlob(data, kind)


def _bytes_of(element: BlobElement) -> bytes:
    handle = element.attached
    if isinstance(handle, fdpass.BlobHandle):
        if not handle.holds(element.size):
            raise ValueError(f"it is attached, but not as shared memory of {element.size} bytes")
        return fdpass.read_at(handle, 0, element.size)
    return pybase64.b64decode(b"".join(element.payload).translate(None, _WHITE_SPACE), validate=True)


def _decompressed(data: bytes, size: int) -> bytes:
    """At most the `size` that was declared, so that a small BLOB cannot fill the memory."""
    plain = zlib.decompressobj().decompress(data, size + 1)
    if len(plain) != size:
        raise ValueError(f"it does not have the {size} bytes that it claims to have when it is decompressed")
    return plain


def _as_blob(blob: Blob | bytes | str | os.PathLike[str]) -> Blob:
    return blob if isinstance(blob, Blob) else Blob(blob)
