"""The envelope: what the router needs to know of a message, and the bytes that it passes on unopened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from indigevent.protocol import repair

_NAME = re.compile(rb"<\s*[^\s/>]+")
_ATTRIBUTE = re.compile(rb"""\s*([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class Message:
    """One top-level element of an INDI stream.

    `tag`, `device` and `name` are the root element's (the latter two "" when absent, entities decoded);
    `parts` are the bytes to pass on, in order, and `size` is their length in bytes.
    """

    __slots__ = ("tag", "device", "name", "parts", "size")

    elements: tuple[BlobElement, ...] = ()

    def __init__(self, tag: str, device: str, name: str, data: bytes) -> None:
        self.tag = tag
        self.device = device
        self.name = name
        self.parts: tuple[bytes, ...] = (data,)
        self.size = len(data)

    @property
    def data(self) -> bytes:
        """The whole message in one piece; a copy when there are several parts."""
        return b"".join(self.parts)

    @property
    def attributes(self) -> dict[str, str]:
        """The root element's attributes, entities decoded."""
        return start_tag_attributes(self.parts[0])

    @property
    def text(self) -> str:
        """The stripped character data of an element without children, as in `enableBLOB`."""
        data = self.data
        _, position = _walk_start_tag(data)
        content, end, _ = data[position:].partition(b">")[2].rpartition(b"</")
        return repair.unescape(content).strip() if end else ""

    def __repr__(self) -> str:
        return f"<Message {self.tag} device={self.device!r} name={self.name!r} {self.size} bytes>"


class BlobWriter(Protocol):
    """Something that takes a payload as it comes, so that it need not be kept in memory."""

    def write(self, piece: bytes) -> object:
        """Take the next piece of the base64 text, cut anywhere and possibly no base64 at all; must not raise."""


class BlobElement:
    """A `oneBLOB` of a message on its way.

    `attributes` are as received; `payload` is the inline base64 text in the pieces that it came in; `attached`
    is the handle that came beside the stream instead (`attached="true"`), else None. `writer` has been given the
    payload in place of `payload`, and it is missing in the message's parts too.
    """

    __slots__ = ("attributes", "payload", "attached", "writer")

    def __init__(
        self,
        attributes: Mapping[str, str],
        payload: tuple[bytes, ...] = (),
        attached: object | None = None,
        writer: BlobWriter | None = None,
    ) -> None:
        self.attributes = dict(attributes)
        self.payload = payload
        self.attached = attached
        self.writer = writer

    @property
    def size(self) -> int:
        """The declared `size` in bytes, 0 when there is none."""
        return int(self.attributes.get("size") or 0)


class BlobMessage(Message):
    """A `setBLOBVector` or `newBLOBVector`: `start` is its start tag, `elements` are its BLOBs."""

    __slots__ = ("start", "elements")

    def __init__(
        self,
        tag: str,
        device: str,
        name: str,
        parts: tuple[bytes, ...],
        start: bytes,
        elements: tuple[BlobElement, ...],
    ) -> None:
        self.tag = tag
        self.device = device
        self.name = name
        self.parts = parts
        self.size = sum(map(len, parts))
        self.start = start
        self.elements = elements

    @property
    def is_attached(self) -> bool:
        """Whether any BLOB's bytes travel beside the stream."""
        return any(element.attached is not None for element in self.elements)

    @property
    def is_stream(self) -> bool:
        """Whether this is a frame of a stream, which a slow reader may miss (reference: `format` says so)."""
        return any("stream" in element.attributes.get("format", "") for element in self.elements)


def start_tag_attributes(data: bytes) -> dict[str, str]:
    """The attributes of the start tag that well-formed `data` begins with, entities decoded."""
    return _walk_start_tag(data)[0]


def _walk_start_tag(data: bytes) -> tuple[dict[str, str], int]:
    """The attributes, and where the last one ends."""
    attributes = {}
    head = _NAME.match(data)
    position = head.end() if head else len(data)
    while match := _ATTRIBUTE.match(data, position):
        name, double_quoted, single_quoted = match.groups()
        value = single_quoted if double_quoted is None else double_quoted
        attributes[name.decode()] = repair.unescape(value)
        position = match.end()
    return attributes, position
