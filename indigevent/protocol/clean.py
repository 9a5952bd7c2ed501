"""The short way: messages as INDI libraries write them, recognised by one regular expression.

What matches is well-formed, has no reference, no duplicate attribute and no markup but elements, so its bytes can be
passed on as they are and its device and name taken as they stand. Everything else, BLOBs included, goes the patient
way of `framing`; both give the same messages.
"""

from __future__ import annotations

import re

from indigevent.protocol.message import Message

_QUOTED = rb"""(?:"[^"<&]*"|'[^'<&]*')"""
# libindi's drivers write this before their elements.
_PROLOG = rb"(?:<\?xml [^<>]*\?>\s*)?"
_ROOT_ATTRIBUTES = b"state timeout timestamp label group perm rule message version uid".split()
_CHILD_ATTRIBUTES = (b"label", b"format", b"min", b"max", b"step")


def _attributes(first_group: int) -> bytes:
    """Attributes in any order, each a group of its own that matches only while it has not: no duplicates."""
    names = (b"device", b"name", *_ROOT_ATTRIBUTES)
    once = (rb"%s=(?(%d)(?!))(%s)" % (name, group, _QUOTED) for group, name in enumerate(names, first_group))
    return rb"(?:\s+(?:%s))*" % b"|".join(once)


_CHILDREN = (
    rb"(?:<(?P<child>(?:one|def)(?:Number|Switch|Text|Light|BLOB))\s+name=%s%s\s*(?:/>|>[^<&>]*</(?P=child)>)\s*)*"
    % (
        _QUOTED,
        b"".join(rb"(?:\s+%s=%s)?" % (name, _QUOTED) for name in _CHILD_ATTRIBUTES),
    )
)
_TAG = (
    rb"(?:def|set|new)(?:Number|Switch|Text|Light)Vector|defBLOBVector|message|delProperty|getProperties|enableBLOB"
    rb"|ping(?:Request|Reply)"
)
_CLEAN = re.compile(rb"\s*%s<(?P<tag>%s)%s\s*(?:/>|>[^<&>]*%s</(?P=tag)>)" % (_PROLOG, _TAG, _attributes(2), _CHILDREN))
# Bytes that are not plain become a space, so that they, NUL too, change the data.
_PLAIN = bytes(byte if 0x20 <= byte <= 0x7E or byte in b"\t\n\r" else 0x20 for byte in range(256))


def fits(max_depth: int, max_attributes: int, max_name_bytes: int) -> bool:
    """Whether whatever the pattern matches is within these limits."""
    longest = len(b"defNumberVector")
    return max_depth >= 2 and max_attributes >= len(_ROOT_ATTRIBUTES) + 2 and max_name_bytes >= longest


def is_plain(data: bytes) -> bool:
    """Whether `data` is printable ASCII and white space only, which the pattern takes for granted."""
    return data.translate(_PLAIN) == data


def take_messages(buffer: bytes, position: int, messages: list[Message]) -> int:
    """Append the clean messages that plain `buffer` has from `position` on; return where the last one ends."""
    match_at = _CLEAN.match
    while (match := match_at(buffer, position)) is not None:
        tag, device, name = match.group(1, 2, 3)
        position = match.end()
        data = buffer[match.start(1) - 1 : position]
        messages.append(
            Message(tag.decode(), device[1:-1].decode() if device else "", name[1:-1].decode() if name else "", data)
        )
    return position
