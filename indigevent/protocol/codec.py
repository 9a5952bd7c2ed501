"""Typed INDI elements from bytes and to bytes, planned once per class from the dataclasses of `vectors`.

Reading is xmltodict's. Writing is not: `xmltodict.unparse` lets control characters through, wants a BLOB as
a `str`, and writes a line end in an attribute as `&#10;`, which libindi's parser takes for five characters
of text.

Space around text is layout and is not kept, as in libindi; XML reads CR as LF, and a line end in an
attribute as a space.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any
from xml.parsers.expat import ExpatError

import pybase64
import xmltodict

from indigevent.errors import LocalProtocolError, RemoteProtocolError
from indigevent.protocol import vectors
from indigevent.protocol.numbers import parse_number, write_number
from indigevent.protocol.vectors import Content

_SPACE = " \t\r\n"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EXCERPT_CHARACTERS = 40
_MAX_BLOB_BYTES = 1 << 40
_ADDRESSES = ("device", "name")


class ContentFault(str, Enum):
    """What can be wrong with a message's content: the `kind` of the RemoteProtocolErrors raised here."""

    MARKUP = "markup"
    TAG = "tag"
    ATTRIBUTE = "attribute"
    VALUE = "value"


def parse(data: bytes) -> Content:
    """Return the typed object for one message, as a framer delivers its bytes.

    Attributes that INDI does not know are passed over.

    Raises RemoteProtocolError, of a ContentFault kind, saying which element is wrong and why: not XML, not
    an INDI message, a child that does not belong there, an attribute missing, a value that cannot be read.
    Its offset is within `data`, and 0 where only the element is known.
    """
    try:
        document = xmltodict.parse(
            data, encoding="utf-8", strip_whitespace=False, force_cdata=True, force_list=_MEMBER_TAGS
        )
    except ExpatError as error:
        offset = _position(data, error.lineno, error.offset)
        excerpt = data[max(0, offset - _EXCERPT_CHARACTERS // 2) :][:_EXCERPT_CHARACTERS]
        raise RemoteProtocolError(
            ContentFault.MARKUP.value, offset, excerpt, f"the message is not well-formed XML: {error}"
        ) from None
    except ValueError:
        detail = "the message declares XML entities, which INDI does not have"
        raise _fault(ContentFault.MARKUP, data[:_EXCERPT_CHARACTERS], detail) from None
    ((tag, body),) = document.items()
    content_class = _TOP_LEVEL.get(tag)
    if content_class is None:
        raise _fault(ContentFault.TAG, tag.encode(), f"<{tag}> is not an INDI message")
    return _read(content_class, body or {}, "")


def to_bytes(content: Content) -> bytes:
    """Return the well-formed XML of a typed object, in one line and without a line end after it.

    Raises LocalProtocolError, naming the element and the attribute, for a value of a wrong type, a number
    that is not finite, and characters that XML cannot carry.
    """
    out: list[bytes] = []
    _write(content, out, "")
    return b"".join(out)


def read_attributes(content_class: type[Content], attributes: Mapping[str, str], where: str) -> dict[str, Any]:
    """Return the fields that a class has from attributes.

    Raises RemoteProtocolError as `parse` does, for an element that it calls `where`.
    """
    values = {}
    for each in _PLANS[content_class].attributes:
        text = attributes.get(each.name)
        if text:
            values[each.name] = _read_value(each, text, where)
        elif each.is_required:
            values[each.name] = _read_missing(each, text, where)
    return values


def read_element(content_class: type[Content], attributes: Mapping[str, str], text: str, where: str) -> Content:
    """Return the typed object for an element without children; raises RemoteProtocolError as `read_attributes`."""
    values = read_attributes(content_class, attributes, where)
    text_field = _PLANS[content_class].text
    if text_field is not None:
        values[text_field.name] = _read_value(text_field, text.strip(_SPACE), where)
    return content_class(**values)


class _Unreadable(Exception):
    """A text that is not what its attribute or element needs; the message is the end of a sentence."""


@dataclass(frozen=True)
class _Codec:
    """How values of one type are read and written; `types` are accepted for writing."""

    types: tuple[type, ...]
    read: Callable[[str], Any]
    write: Callable[[Any], bytes]


@dataclass(frozen=True)
class _Field:
    """One attribute, or the text, of an element."""

    name: str
    codec: _Codec
    default: Any

    @property
    def is_required(self) -> bool:
        return self.default is MISSING


@dataclass(frozen=True)
class _Plan:
    """How one class is read and written."""

    attributes: tuple[_Field, ...]
    text: _Field | None
    member: type[Content] | None


def _identity(text: str) -> str:
    return text


def _read_number(text: str) -> float:
    try:
        return parse_number(text)
    except RemoteProtocolError as error:
        raise _Unreadable(error.detail) from None


def _read_size(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _MAX_BLOB_BYTES:
        return int(text)
    raise _Unreadable(f"{_shorten(text)!r} is not a length in bytes")


def _write_size(size: int) -> bytes:
    if not 0 <= size <= _MAX_BLOB_BYTES:
        raise LocalProtocolError(f"{size} is not a length in bytes")
    return str(size).encode()


def _read_base64(text: str) -> bytes:
    try:
        return pybase64.b64decode(text.encode().translate(None, _SPACE.encode()), validate=True)
    except ValueError as error:
        raise _Unreadable(f"its text is not base64: {error}") from None


def printable(text: str) -> str:
    """The text with a mark in place of each character that XML cannot carry."""
    return _NOT_XML.sub("\ufffd", text)


def _escape(text: str) -> bytes:
    if found := _NOT_XML.search(text):
        raise LocalProtocolError(f"XML cannot carry the character {found[0]!r}")
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text.encode()


def _enum_codec(enum: type[Enum]) -> _Codec:
    def read(text: str) -> Enum:
        try:
            return enum(text.strip(_SPACE))
        except ValueError:
            allowed = ", ".join(str(one.value) for one in enum)
            raise _Unreadable(f"{_shorten(text)!r} is none of {allowed}") from None

    return _Codec((enum,), read, lambda value: _escape(value.value))


_CODECS: dict[type, _Codec] = {
    str: _Codec((str,), _identity, _escape),
    float: _Codec((float, int), _read_number, lambda value: write_number(value).encode()),
    int: _Codec((int,), _read_size, _write_size),
    bool: _Codec((bool,), lambda text: text == "true", lambda value: b"true"),
    bytes: _Codec((bytes,), _read_base64, pybase64.b64encode),
}


def _make_plan(content_class: type[Content]) -> _Plan:
    hints = typing.get_type_hints(content_class)
    attributes, text, member = [], None, None
    for each in fields(content_class):
        hint = hints[each.name]
        if typing.get_origin(hint) is tuple:
            member = typing.get_args(hint)[0]
            continue
        planned = _Field(each.name, _codec_for(hint), each.default)
        if each.metadata.get("is_text"):
            text = planned
        else:
            attributes.append(planned)
    return _Plan(tuple(attributes), text, member)


def _codec_for(hint: Any) -> _Codec:
    if isinstance(hint, types.UnionType):  # X | None: None is an attribute that is not there
        hint = typing.get_args(hint)[0]
    return _enum_codec(hint) if issubclass(hint, Enum) else _CODECS[hint]


def _read(content_class: type[Content], body: Mapping[str, Any], parent: str) -> Content:
    plan = _PLANS[content_class]
    where = _where(content_class, body.get("@device"), body.get("@name"), parent)
    attributes = {key[1:]: value for key, value in body.items() if key[0] == "@"}
    members = _read_members(plan, body, where)
    if plan.member is None:
        return read_element(content_class, attributes, body.get("#text", ""), where)
    return content_class(**read_attributes(content_class, attributes, where), elements=members)  # type: ignore[call-arg]


def _read_missing(each: _Field, text: str | None, where: str) -> str:
    """An attribute that must be there: it may be empty, but for those that address or are not strings."""
    if text is None or str not in each.codec.types or each.name in _ADDRESSES:
        what = "has no" if text is None else "has an empty"
        raise _fault(ContentFault.ATTRIBUTE, where.encode(), f"{where} {what} attribute {each.name}")
    return text


def _read_value(each: _Field, text: str, where: str) -> Any:
    try:
        return each.codec.read(text)
    except _Unreadable as error:
        detail = f"{where} cannot be read: {each.name}: {error}"
        raise _fault(ContentFault.VALUE, _shorten(text).encode(), detail) from None


def _read_members(plan: _Plan, body: Mapping[str, Any], where: str) -> tuple[Content, ...]:
    tag = plan.member.tag if plan.member else None
    for key in body:
        if key[0] not in "@#" and key != tag:
            raise _fault(ContentFault.TAG, key.encode(), f"<{key}> does not belong into {where}")
    if plan.member is None:
        return ()
    return tuple(_read(plan.member, child or {}, where) for child in body.get(plan.member.tag, ()))


def _where(content_class: type[Content], device: str | None, name: str | None, parent: str) -> str:
    address = ".".join(_shorten(part) for part in (device, name) if part)
    here = f"<{content_class.tag}> {address}".rstrip()
    return f"{here} in {parent}" if parent else here


def _write(content: Content, out: list[bytes], parent: str) -> None:
    plan = _PLANS[type(content)]
    where = _where(type(content), getattr(content, "device", None), getattr(content, "name", None), parent)
    out.append(f"<{content.tag}".encode())
    for each in plan.attributes:
        value = getattr(content, each.name)
        if each.is_required or not (value is None or value is False or value == ""):
            out += (b" ", each.name.encode(), b'="', _write_value(each, value, where), b'"')
    text = b"" if plan.text is None else _write_value(plan.text, getattr(content, plan.text.name), where)
    members = getattr(content, "elements", ())
    if not text and not members:
        out.append(b"/>")
        return
    out += (b">", text)
    for member in members:
        if plan.member is None or not isinstance(member, plan.member):
            raise LocalProtocolError(f"{member!r} does not belong into {where}")
        _write(member, out, where)
    out.append(f"</{content.tag}>".encode())


def _write_value(each: _Field, value: Any, where: str) -> bytes:
    if not isinstance(value, each.codec.types):
        problem = f"{each.name} must be of type {each.codec.types[0].__name__}, not {value!r}"
        raise LocalProtocolError(f"{where} cannot be sent: {problem}")
    if value == "" and each.name in _ADDRESSES:
        raise LocalProtocolError(f"{where} cannot be sent: its {each.name} is empty")
    try:
        return each.codec.write(value)
    except LocalProtocolError as error:
        raise LocalProtocolError(f"{where} cannot be sent: {each.name}: {error}") from None


def _shorten(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARACTERS else text[:_EXCERPT_CHARACTERS] + "..."


def _fault(kind: ContentFault, excerpt: bytes, detail: str) -> RemoteProtocolError:
    return RemoteProtocolError(kind.value, 0, excerpt, detail)


def _position(data: bytes, line: int, column: int) -> int:
    """The offset in bytes of expat's position, whose lines count from 1."""
    before = data.split(b"\n", line)[: line - 1]
    return min(len(data), sum(len(each) + 1 for each in before) + column)


_CLASSES: list[type[Content]] = [
    each for each in vars(vectors).values() if isinstance(each, type) and hasattr(each, "tag")
]
_PLANS = {each: _make_plan(each) for each in _CLASSES}
_MEMBER_TAGS = {plan.member.tag for plan in _PLANS.values() if plan.member}
_TOP_LEVEL = {each.tag: each for each in _CLASSES if each.tag not in _MEMBER_TAGS}
