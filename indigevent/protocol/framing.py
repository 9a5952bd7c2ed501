"""The framer: bytes of one peer in, messages out, whatever the peer writes.

Messages as INDI libraries write them are taken by `clean` in one step each. Anything else is read here token by token:
tokens that are well-formed are kept as they are, tokens that can be mended are mended, and an element that cannot be
kept is dropped with a fault, after which reading goes on at the next one.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from indigevent.errors import RemoteProtocolError
from indigevent.protocol import clean, payload, repair
from indigevent.protocol.element import Element
from indigevent.protocol.message import BlobElement, BlobMessage, BlobWriter, Message
from indigevent.protocol.source import (
    INDI_START,
    INDI_TAGS,
    CutOff,
    EndOfInput,
    FaultKind,
    Malformed,
    Source,
    Steps,
    until,
)

__all__ = ["FaultKind", "Framer", "Limits", "Sink"]

_NAME_BYTE = re.compile(rb"[A-Za-z_:]")
_INDI_TAG = re.compile(INDI_TAGS)
_ANY_INDI_START = re.compile(INDI_START)
_RESYNC = re.compile(rb"</(?P<end_tag>[A-Za-z_:][A-Za-z0-9_:.-]*)[\s>]|" + INDI_START)
_COMMENT_END = until(rb"-->")
_PI_END = until(rb"\?>")
_CDATA_END = until(rb"\]\]>")
_TAG_END = until(rb">")
_DOCTYPE_STOP = until(rb"[\[>]")
_SUBSET_END = until(rb"\]")
_QUOTED_END = {b'"': until(rb'"'), b"'": until(rb"'")}
_BLOB_VECTORS = ("setBLOBVector", "newBLOBVector")
_MAX_BLOB_BYTES = 1 << 40
Sink = Callable[[Mapping[str, str]], BlobWriter | None]
_SPARE_PAYLOAD_BYTES = 16 << 20
# libindi attaches at most 16 descriptors to a message; handles beyond this belong to no element that could be told.
_MAX_ATTACHMENTS = 64


@dataclass(frozen=True)
class Limits:
    """What one element may cost; BLOB payloads are not limited."""

    max_element_bytes: int = 4 << 20
    max_depth: int = 32
    max_attributes: int = 64
    max_name_bytes: int = 256


class Framer:
    """Cuts one peer's byte stream into messages.

    Feeding never raises for what the peer sent. Dropped elements are `RemoteProtocolError`s for `take_faults`;
    `repaired` counts the messages that were changed to be well-formed. Time is linear in the bytes fed.

    Arguments:
        limits: what one element may cost.
        sink: asked with the attributes of each inline BLOB before its payload: None to have it kept, or what the
            payload is to be written to, as it came, in place of that.
    """

    def __init__(self, limits: Limits = Limits(), sink: Sink = lambda _: None) -> None:
        self.repaired = 0
        self._sink = sink
        self._limits = limits
        self._source = Source(limits.max_name_bytes)
        self._has_short_way = clean.fits(limits.max_depth, limits.max_attributes, limits.max_name_bytes)
        self._cutter = clean.Cutter()
        self._plain: bool | None = None
        self._element: Element | None = None
        self._messages: list[Message] = []
        self._faults: list[RemoteProtocolError] = []
        self._attachments: deque[object] = deque()
        self._steps: Iterator[None] = self._read_stream()

    def feed(self, data: bytes, fds: Iterable[object] = ()) -> list[Message]:
        """The messages that `data` completes; `fds` are the handles that arrived with it (for attached BLOBs)."""
        if fds:
            self._attachments.extend(fds)
            if len(self._attachments) > _MAX_ATTACHMENTS:
                self._refuse_attachments()
        source = self._source
        is_between = self._element is None and source.pos == len(source.buffer)
        source.feed(data)
        self._plain = None
        if not (is_between and self._take_all_clean(data)):
            next(self._steps, None)
        return self._take_messages()

    def close(self) -> list[Message]:
        """The peer has ended its stream: an unfinished element is a fault."""
        self._source.closed = True
        next(self._steps, None)
        messages = self._take_messages()
        self._steps = iter(())  # the generator holds the framer, and what it had gathered
        self._source.feed(b"")
        return messages

    @property
    def is_inside(self) -> bool:
        """Whether the peer has begun something that it has not ended yet."""
        return self._element is not None

    def take_faults(self) -> list[RemoteProtocolError]:
        """The elements dropped since the last call."""
        faults, self._faults = self._faults, []
        return faults

    def _take_messages(self) -> list[Message]:
        messages, self._messages = self._messages, []
        return messages

    def _take_all_clean(self, data: bytes) -> bool:
        """Between messages, where most reads begin: take what is clean at once; False when something is left."""
        begin = data.find(b"<")
        if begin < 0 or not (self._has_short_way and len(data) <= self._limits.max_element_bytes):
            return False
        if not clean.is_plain(data):
            return False
        end = self._cutter.take_messages(data, begin, self._messages)
        is_all = data.find(b"<", end) < 0
        self._source.pos = len(data) if is_all else end
        return is_all

    def _read_stream(self) -> Steps[None]:
        try:
            while True:
                yield from self._skip_to_markup()
                if not self._take_clean():
                    yield from self._read_markup()
        except EndOfInput:
            if self._element is not None:
                self._drop(Malformed(FaultKind.END_OF_INPUT, "the peer closed before its end"))

    def _skip_to_markup(self) -> Steps[None]:
        source = self._source
        source.limit = math.inf
        while True:
            yield from source.need()
            found = source.buffer.find(b"<", source.pos)
            if found >= 0:
                source.pos = found
                return
            source.pos = len(source.buffer)

    def _take_clean(self) -> bool:
        source = self._source
        if self._plain is None:
            rest = source.buffer[source.pos :]
            self._plain = self._has_short_way and len(rest) <= self._limits.max_element_bytes and clean.is_plain(rest)
        if not self._plain:
            return False
        before = source.pos
        source.pos = self._cutter.take_messages(source.buffer, before, self._messages)
        return source.pos > before or self._take_attached()

    def _take_attached(self) -> bool:
        source = self._source
        found = self._cutter.take_attached(source.buffer, source.pos)
        if found is None or len(self._attachments) < len(found.blobs):
            return False
        if not all(_is_length(blob.get("size", "")) for blob in found.blobs):
            return False
        blobs = tuple(self._with_attachment(BlobElement(blob)) for blob in found.blobs)
        data, start = source.buffer[found.begin : found.end], source.buffer[found.begin : found.after_start]
        self._messages.append(BlobMessage(found.tag, found.device, found.name, (data,), start, blobs))
        source.pos = found.end
        return True

    def _read_markup(self) -> Steps[None]:
        """One thing that begins with `<` between elements: an element, or something to pass over."""
        source = self._source
        element = self._element = Element(source.offset)
        source.mark()
        source.removed = 0
        source.limit = source.offset + self._limits.max_element_bytes
        try:
            if not (yield from self._skip_non_element()):
                yield from self._read_root(element)
        except CutOff as cut:
            self._drop(cut)
        except Malformed as fault:
            yield from self._give_up(element, fault)
        self._element = None

    def _skip_non_element(self) -> Steps[bool]:
        """Pass over what stands between elements without meaning: comment, PI, DOCTYPE, stray end tag, junk."""
        source = self._source
        for start, end in ((b"<!--", _COMMENT_END), (b"<?", _PI_END), (b"<![CDATA[", _CDATA_END)):
            if (yield from source.looking_at(start)):
                source.take(len(start))
                yield from source.run(end, keep=False)
                return True
        if (yield from source.looking_at(b"<!")):
            yield from self._skip_doctype()
            return True
        yield from source.need(2)
        following = source.buffer[source.pos + 1 : source.pos + 2]
        if following <= b" " or _NAME_BYTE.match(following):
            return False
        source.take(1)
        return True

    def _skip_doctype(self) -> Steps[None]:
        source = self._source
        yield from source.run(_DOCTYPE_STOP, keep=False)
        if source.take(1) == b"[":
            yield from source.run(_SUBSET_END, keep=False)
            yield from source.run(_TAG_END, keep=False)

    def _give_up(self, element: Element, fault: Malformed) -> Steps[None]:
        """Drop the element and read on after it; when that is at once a new element, this one was cut off by it."""
        source = self._source
        seen_at = source.offset
        may_be_cut = fault.kind is not FaultKind.LIMIT and source.buffer[source.pos : source.pos + 1] == b"<"
        if not may_be_cut:
            self._drop(fault)
        try:
            yield from self._resync(element.tag)
        except EndOfInput:
            seen_at = -1
            raise
        finally:
            if may_be_cut:
                self._drop(CutOff("a new element began inside it") if source.offset == seen_at else fault)

    def _refuse_attachments(self) -> None:
        self._attachments.clear()
        detail = "more file descriptors came than attached BLOBs"
        self._faults.append(RemoteProtocolError(FaultKind.BLOB.value, self._source.offset, b"", detail))

    def _resync(self, tag: str) -> Steps[None]:
        """Pass over the rest of a dropped element, to its end tag or the next INDI element, whichever is first."""
        source = self._source
        source.limit = math.inf
        while True:
            match = yield from source.skip_to(_RESYNC)
            if match["end_tag"] is None:
                return
            source.take(len(match[0]) - 1)
            if match["end_tag"] == tag.encode():
                return

    def _drop(self, fault: Malformed) -> None:
        element, self._element = self._element, None
        assert element is not None
        if element.tag in _BLOB_VECTORS:
            self._attachments.clear()  # which of them were this element's is not known
        what = f"<{element.tag}>" if element.tag else "an element"
        detail = f"{what} was dropped: {fault.detail}"
        self._faults.append(RemoteProtocolError(fault.kind.value, element.offset, self._source.excerpt(), detail))

    def _read_root(self, element: Element) -> Steps[None]:
        source = self._source
        source.take(1)
        if (yield from source.space()):
            element.repaired = True
        if not _NAME_BYTE.match(source.buffer, source.pos):
            return
        tag = yield from source.name()
        element.tag = tag.decode()
        element.is_indi = _INDI_TAG.fullmatch(tag) is not None
        element.out.append(tag)
        attributes = yield from self._read_attributes(element)
        element.device = attributes.get("device", "")
        element.name = attributes.get("name", "")
        if not (yield from self._at_empty_end(element)):
            start = b"".join(element.out)
            yield from self._read_content(element, tag, 1)
        else:
            start = b"".join(element.out)
        self._finish(element, start)

    def _finish(self, element: Element, start: bytes) -> None:
        element.flush()
        if element.repaired or self._source.removed:
            self.repaired += 1
        if element.tag not in _BLOB_VECTORS:
            self._messages.append(Message(element.tag, element.device, element.name, element.parts[0]))
            return
        try:
            blobs = tuple(self._with_attachment(blob) for blob in element.blobs)
        except Malformed as fault:
            self._drop(fault)
            return
        self._messages.append(
            BlobMessage(element.tag, element.device, element.name, tuple(element.parts), start, blobs)
        )

    def _with_attachment(self, blob: BlobElement) -> BlobElement:
        """Check a BLOB's size, which must not harm whoever uses it, and take its handle."""
        size = blob.attributes.get("size")
        if size is not None and not _is_length(size):
            raise Malformed(FaultKind.BLOB, f"its BLOB has size={size[:24]!r}, which is not a length in bytes")
        if blob.attributes.get("attached") == "true":
            if "size" not in blob.attributes:
                raise Malformed(FaultKind.BLOB, "its attached BLOB has no size")
            if not self._attachments:
                raise Malformed(FaultKind.BLOB, "its attached BLOB came without a file descriptor")
            blob.attached = self._attachments.popleft()
        return blob

    def _read_attributes(self, element: Element) -> Steps[dict[str, str]]:
        """The attributes up to the `>` or `/>`, at which reading then stands."""
        source = self._source
        attributes: dict[str, str] = {}
        while True:
            space = yield from source.space()
            element.out.append(space)
            following = source.buffer[source.pos : source.pos + 1]
            if following in (b">", b"/"):
                return attributes
            if not _NAME_BYTE.match(following):
                raise Malformed(FaultKind.ATTRIBUTE, "an attribute or the end of the tag was expected")
            if not space:
                element.out.append(b" ")
                element.repaired = True
            name = (yield from source.name()).decode()
            if name in attributes:
                raise Malformed(FaultKind.ATTRIBUTE, f"attribute {name} is there twice")
            if len(attributes) == self._limits.max_attributes:
                raise Malformed(FaultKind.LIMIT, f"it has more than {self._limits.max_attributes} attributes")
            element.out.append(name.encode())
            attributes[name] = yield from self._read_value(element, name)

    def _read_value(self, element: Element, name: str) -> Steps[str]:
        source = self._source
        element.out.append((yield from source.space()))
        if not (yield from source.looking_at(b"=")):
            raise Malformed(FaultKind.ATTRIBUTE, f"attribute {name} has no value")
        element.out.append(source.take(1))
        element.out.append((yield from source.space()))
        quote = source.buffer[source.pos : source.pos + 1]
        if quote not in _QUOTED_END:
            raise Malformed(FaultKind.ATTRIBUTE, f"attribute {name} is not quoted")
        source.take(1)
        raw = yield from source.run(_QUOTED_END[quote])
        source.take(1)
        value = repair.attribute(raw, quote)
        element.repaired |= value[1:-1] != raw
        element.out.append(value)
        return repair.unescape(value[1:-1])

    def _at_empty_end(self, element: Element) -> Steps[bool]:
        """Take the end of a start tag; whether it was `/>`."""
        source = self._source
        empty = yield from source.looking_at(b"/")
        if empty:
            element.out.append(source.take(1))
            if (yield from source.space()):
                raise Malformed(FaultKind.ATTRIBUTE, "its tag has a stray '/'")
        if not (yield from source.looking_at(b">")):
            raise Malformed(FaultKind.ATTRIBUTE, "its tag has a stray '/'")
        element.out.append(source.take(1))
        return empty

    def _read_content(self, element: Element, tag: bytes, depth: int) -> Steps[None]:
        """Text and children up to and with the end tag of `tag`."""
        source = self._source
        while True:
            yield from self._read_text(element)
            if (yield from source.looking_at(b"</")):
                yield from self._read_end_tag(element, tag)
                return
            if (yield from source.looking_at(b"<!")) or (yield from source.looking_at(b"<?")):
                yield from self._read_special(element)
            else:
                yield from self._read_child(element, depth)

    def _read_text(self, element: Element) -> Steps[None]:
        pieces, _ = yield from self._source.before_markup(lambda _: False)
        raw = b"".join(pieces)
        text = repair.text(raw)
        if element.after_gap:  # what was left out may have stood between the parts of a "]]>"
            text = text.replace(b">", b"&gt;")
            element.after_gap = False
        element.repaired |= text != raw
        element.out.append(text)

    def _read_special(self, element: Element) -> Steps[None]:
        """Markup that is not an element: CDATA gives its text, comments and PIs are left out."""
        source = self._source
        element.repaired = element.after_gap = True
        if (yield from source.looking_at(b"<![CDATA[")):
            source.take(9)
            element.out.append(repair.cdata((yield from source.run(_CDATA_END))))
            source.take(3)
            return
        for start, end, length in ((b"<!--", _COMMENT_END, 3), (b"<?", _PI_END, 2)):
            if (yield from source.looking_at(start)):
                source.take(len(start))
                yield from source.run(end, keep=False)
                source.take(length)
                return
        raise Malformed(FaultKind.MARKUP, "it has a declaration inside")

    def _read_end_tag(self, element: Element, tag: bytes) -> Steps[None]:
        source = self._source
        source.take(2)
        if (yield from source.space()):
            raise Malformed(FaultKind.END_TAG, "it has an end tag without name")
        name = yield from source.name()
        if name != tag:
            raise Malformed(FaultKind.END_TAG, f"<{tag.decode()}> is closed by </{name.decode()}>")
        element.out += (b"</", name, (yield from source.space()))
        if not (yield from source.looking_at(b">")):
            raise Malformed(FaultKind.END_TAG, f"</{name.decode()} has no '>'")
        element.out.append(source.take(1))

    def _read_child(self, element: Element, depth: int) -> Steps[None]:
        source = self._source
        yield from self._check_for_cut(element)
        if depth >= self._limits.max_depth:
            raise Malformed(FaultKind.LIMIT, f"it is nested deeper than {self._limits.max_depth}")
        element.out.append(source.take(1))
        if (yield from source.space()):
            element.repaired = True
        if not _NAME_BYTE.match(source.buffer, source.pos):
            raise Malformed(FaultKind.MARKUP, "it has a '<' that begins no tag")
        tag = yield from source.name()
        element.out.append(tag)
        attributes = yield from self._read_attributes(element)
        empty = yield from self._at_empty_end(element)
        if element.tag in _BLOB_VECTORS and tag == b"oneBLOB":
            yield from self._read_blob(element, attributes, empty)
        elif not empty:
            yield from self._read_content(element, tag, depth + 1)

    def _check_for_cut(self, element: Element) -> Steps[None]:
        """An INDI start tag ends an open INDI element; of an unknown one it is content, once if that has no device."""
        source = self._source
        match = None
        for count in range(2, len(b"<defNumberVector>") + 1):
            yield from source.need(count)
            if source.buffer[source.pos + count - 1] in b" \t\r\n\f\v/>":
                match = _ANY_INDI_START.match(source.buffer, source.pos)
                break
        if match is None:
            return
        if element.is_indi:
            raise CutOff("a new element began inside it")
        element.indi_children += 1
        if element.indi_children > 1 and not element.device:
            raise CutOff("a second new element began inside it")

    def _read_blob(self, element: Element, attributes: dict[str, str], empty: bool) -> Steps[None]:
        if empty:
            element.blobs.append(BlobElement(attributes))
            return
        source = self._source
        element.flush()
        allowed = source.limit - source.offset
        source.limit = source.offset + _max_payload_bytes(attributes)
        writer = self._sink(attributes)
        if writer is None:
            pieces, is_plain = yield from source.before_markup(payload.is_plain)
        else:
            pieces, is_plain = yield from source.before_markup(lambda _: True, writer.write)
        source.limit = source.offset + allowed
        if not is_plain:
            raw = b"".join(pieces)
            pieces = [repair.text(raw)]
            element.repaired |= pieces[0] != raw
        element.parts += pieces
        element.blobs.append(BlobElement(attributes, tuple(pieces), writer=writer))
        yield from self._read_content(element, b"oneBLOB", 2)


def _max_payload_bytes(attributes: dict[str, str]) -> int:
    """Base64 takes 4/3 of the size and its line ends a little; a payload without end must not fill the memory."""
    size = attributes.get("size", "")
    return _SPARE_PAYLOAD_BYTES + (2 * int(size) if _is_length(size) else 0)


def _is_length(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 15 and int(value) <= _MAX_BLOB_BYTES
