"""What a peer wrote, made well-formed: references, control bytes, encodings, forbidden sequences.

Each function returns its argument when that is clean already, so a caller sees by comparing whether it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN = re.compile(rb"[\t\n\r -%'-;=-~]*")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?:(?:lt|gt|amp|quot|apos);|#(?:x0*([0-9A-Fa-f]{1,6})|0*([0-9]{1,7}));)?")
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#x0*([0-9A-Fa-f]+)|#0*([0-9]+));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def text(raw: bytes) -> bytes:
    """Character data between tags, in well-formed UTF-8."""
    if _PLAIN.fullmatch(raw) and b"]]>" not in raw:
        return raw
    return _mended(raw).replace("]]>", "]]&gt;").encode()


def cdata(raw: bytes) -> bytes:
    """The content of a CDATA section as escaped character data."""
    plain = _ILLEGAL.sub("", decoded(raw))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()


def attribute(raw: bytes, quote: bytes) -> bytes:
    """An attribute's value with its quotes; in double quotes when it had to be changed."""
    if _PLAIN.fullmatch(raw):
        return quote + raw + quote
    mended = _mended(raw).replace("<", "&lt;").encode()
    if mended == raw:
        return quote + raw + quote
    return b'"' + mended.replace(b'"', b"&quot;") + b'"'


def decoded(raw: bytes) -> str:
    """Bytes as UTF-8, or as Latin-1 when they are not (drivers write degree signs that way)."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def unescape(raw: bytes) -> str:
    """Well-formed character data or attribute value as the text that it stands for."""
    value = raw.decode()
    return _REFERENCE.sub(_referenced, value) if "&" in value else value


def escape(value: str) -> bytes:
    """Text as the value of a double-quoted attribute."""
    return cdata(value.encode()).replace(b'"', b"&quot;")


def start_tag(tag: str, attributes: Mapping[str, str]) -> bytes:
    """A start tag without its closing `>` or `/>`."""
    pairs = (b' %s="%s"' % (name.encode(), escape(value)) for name, value in attributes.items())
    return b"<" + tag.encode() + b"".join(pairs)


def _mended(raw: bytes) -> str:
    return _AMPERSAND.sub(_kept_reference, _ILLEGAL.sub("", decoded(raw)))


def _kept_reference(match: re.Match[str]) -> str:
    """A reference that XML allows as it is; any other ampersand is text."""
    whole: str = match[0]
    if match[1] or match[2]:
        code = int(match[1], 16) if match[1] else int(match[2])
        return whole if _is_character(code) else "&amp;" + whole[1:]
    return whole if len(whole) > 1 else "&amp;"


def _is_character(code: int) -> bool:
    """XML 1.0, production 2 (Char)."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def _referenced(match: re.Match[str]) -> str:
    named, hexadecimal, decimal = match.groups()
    if named:
        return _NAMED[named]
    return chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
