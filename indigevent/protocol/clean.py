"""The short way: messages as INDI libraries write them, recognised by a regular expression for each kind of message.

What matches is well-formed, has no reference, no duplicate attribute and no markup but elements, so its bytes can be
passed on as they are and its device and name taken as they stand. Everything else, BLOBs included, goes the patient
way of `framing`; both give the same messages.

Start tags repeat: those seen are known by their bytes, with what they say, and only what is between the tags is
looked at anew.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from indigevent.protocol.message import Message

_QUOTED = rb"""(?:"[^"<&]*"|'[^'<&]*')"""
_ROOT_ATTRIBUTES = b"state timeout timestamp label group perm rule message version uid".split()
_CHILD_ATTRIBUTES = (b"label", b"format", b"min", b"max", b"step")
_KINDS = (b"Number", b"Switch", b"Text", b"Light")
_CHILDREN = {
    **{b"def%sVector" % kind: b"def" + kind for kind in (*_KINDS, b"BLOB")},
    **{b"%s%sVector" % (verb, kind): b"one" + kind for verb in (b"set", b"new") for kind in _KINDS},
}
_BLOB_VECTORS = (b"setBLOBVector", b"newBLOBVector")
_CHILDLESS = b"message delProperty getProperties enableBLOB pingRequest pingReply".split()
# A start tag that is longer is not worth remembering.
_MAX_KNOWN_BYTES = 1024
_MAX_KNOWN = 512


def _attributes(first_group: int) -> bytes:
    """Attributes in any order, each a group of its own that matches only while it has not: no duplicates."""
    names = (b"device", b"name", *_ROOT_ATTRIBUTES)
    once = (rb"%s=(?(%d)(?!))(%s)" % (name, group, _QUOTED) for group, name in enumerate(names, first_group))
    return rb"(?:\s+(?:%s))*" % b"|".join(once)


def _content(tag: bytes) -> re.Pattern[bytes]:
    """What follows the start tag of an element, its end tag included."""
    if tag in _BLOB_VECTORS:
        return _NOTHING
    child = _CHILDREN.get(tag)
    if child is None:
        return re.compile(rb"[^<&>]*</%s>" % tag)
    optional = b"".join(rb"(?:\s+%s=%s)?" % (name, _QUOTED) for name in _CHILD_ATTRIBUTES)
    one = rb"<%s\s+name=%s%s\s*(?:/>|>[^<&>]*</%s>)\s*" % (child, _QUOTED, optional, child)
    return re.compile(rb"[^<&>]*(?:%s)*</%s>" % (one, tag))


# BLOBs are not taken with the others; those whose bytes travel beside the stream have a short way of their own.
_NOTHING = re.compile(rb"(?!)")
_BLOB_ATTRIBUTE = re.compile(rb"\s+(name|size|format|attached)=(%s)" % _QUOTED)
_ATTACHED = re.compile(rb"<oneBLOB((?:%s)+)\s*(?:/>|>\s*</oneBLOB>)\s*" % _BLOB_ATTRIBUTE.pattern)
_END_OF_BLOBS = re.compile(rb"</(?:set|new)BLOBVector>")
_LAYOUT = re.compile(rb"\s*")
_TAGS = (*_CHILDREN, *_BLOB_VECTORS, *_CHILDLESS)
_CONTENTS = {tag: _content(tag) for tag in _TAGS}
_START = re.compile(rb"<(?P<tag>%s)%s\s*(?P<slash>/?)>" % (b"|".join(_TAGS), _attributes(2)))
# libindi's drivers write this before their elements.
_PROLOG = re.compile(rb"<\?xml [^<>]*\?>")
# Bytes that are not plain become a space, so that they, NUL too, change the data.
_PLAIN = bytes(byte if 0x20 <= byte <= 0x7E or byte in b"\t\n\r" else 0x20 for byte in range(256))


class _Start(NamedTuple):
    """What a start tag says; `content` is the pattern of what follows, None for an element that is complete."""

    tag: str
    device: str
    name: str
    content: re.Pattern[bytes] | None


class AttachedBlobs(NamedTuple):
    """A message with attached BLOBs: where it begins, where its start tag and itself end, and its BLOBs' attributes."""

    tag: str
    device: str
    name: str
    begin: int
    after_start: int
    end: int
    blobs: list[dict[str, str]]


def fits(max_depth: int, max_attributes: int, max_name_bytes: int) -> bool:
    """Whether whatever the patterns match is within these limits."""
    longest = len(b"defNumberVector")
    return max_depth >= 2 and max_attributes >= len(_ROOT_ATTRIBUTES) + 2 and max_name_bytes >= longest


def is_plain(data: bytes) -> bool:
    """Whether `data` is printable ASCII and white space only, which the patterns take for granted."""
    return data.translate(_PLAIN) == data


class Cutter:
    """Cuts clean messages out of one stream, and remembers the start tags that it has seen there."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, _Start | None] = {}

    def take_messages(self, buffer: bytes, position: int, messages: list[Message]) -> int:
        """Append the clean messages that plain `buffer` has from `position`, a `<`, on; where the last one ends."""
        known, find, append = self._known, buffer.find, messages.append
        end = position
        while position >= 0:
            after = find(b">", position, position + _MAX_KNOWN_BYTES) + 1
            try:
                start = known[buffer[position:after]]
            except KeyError:
                start, after = self._learn(buffer, position)
                if not after:
                    break
            if start is None:
                position = find(b"<", after)
                continue
            tag, device, name, content = start
            if content is not None:
                match = content.match(buffer, after)
                if match is None:
                    break
                after = match.end()
            append(Message(tag, device, name, buffer[position:after]))
            end = after
            position = find(b"<", after)
        return end

    def take_attached(self, buffer: bytes, position: int) -> AttachedBlobs | None:
        """The message at `position` if it has nothing but attached BLOBs, and is clean; None otherwise."""
        after = buffer.find(b">", position, position + _MAX_KNOWN_BYTES) + 1
        start = self._known.get(buffer[position:after])
        if start is None or start.content is not _NOTHING:
            return None
        blobs = []
        begin, after = after, _LAYOUT.match(buffer, after).end()  # type: ignore[union-attr]
        while match := _ATTACHED.match(buffer, after):
            pairs = _BLOB_ATTRIBUTE.findall(match[1])
            blobs.append({name.decode(): value[1:-1].decode() for name, value in pairs})
            if len(blobs[-1]) != len(pairs) or blobs[-1].get("attached") != "true":
                return None
            after = match.end()
        end = _END_OF_BLOBS.match(buffer, after)
        if not blobs or end is None or not buffer.startswith(start.tag.encode(), after + 2):
            return None
        return AttachedBlobs(start.tag, start.device, start.name, position, begin, end.end(), blobs)

    def _learn(self, buffer: bytes, position: int) -> tuple[_Start | None, int]:
        """What the start tag or prolog at `position` says, and where it ends; 0 where there is none that is clean."""
        if prolog := _PROLOG.match(buffer, position):
            start, after = None, prolog.end()
        elif match := _START.match(buffer, position):
            tag, device, name = match.group(1, 2, 3)
            if match["slash"] and tag in _BLOB_VECTORS:
                return None, 0
            content = None if match["slash"] else _CONTENTS[tag]
            start, after = _Start(tag.decode(), _text(device), _text(name), content), match.end()
        else:
            return None, 0
        if after - position <= _MAX_KNOWN_BYTES:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[buffer[position:after]] = start
        return start, after


def _text(quoted: bytes | None) -> str:
    return quoted[1:-1].decode() if quoted else ""
