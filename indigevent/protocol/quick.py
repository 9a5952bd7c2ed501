"""The short way from bytes to typed objects, for vectors as INDI libraries usually write them.

Regular expressions take what is plain ASCII without references, and nothing else; whatever they do not take is left to
`codec.parse`. What both read is the same object.

Start tags and definitions repeat: those seen are remembered with what they say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from indigevent.errors import RemoteProtocolError
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState, SwitchState
from indigevent.protocol.vectors import (
    Content,
    DefLight,
    DefLightVector,
    DefNumber,
    DefNumberVector,
    DefSwitch,
    DefSwitchVector,
    DefText,
    DefTextVector,
    OneLight,
    OneNumber,
    OneSwitch,
    OneText,
    SetLightVector,
    SetNumberVector,
    SetSwitchVector,
    SetTextVector,
)

_SPACE = " \t\n"
# CR is left out, which XML reads as LF.
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n"
_VALUE = r"""(?:"[^"<&>\t\n]*"|'[^'<&>\t\n]*')"""
_ATTRIBUTE = re.compile(rf"\s+([A-Za-z]+)=({_VALUE})")
_ATTRIBUTES = rf"((?:\s+[A-Za-z]+={_VALUE})*)\s*"
_START = re.compile(rf"<([A-Za-z]+){_ATTRIBUTES}>")
# What is longer is not worth remembering.
_MAX_KNOWN_CHARACTERS = 1024
_MAX_KNOWN = 1024
_NAME = r"""\s+name=(["'])([^"'<&>\t\n]+)\1\s*"""
_SET_CLASSES = (SetNumberVector, SetSwitchVector, SetTextVector, SetLightVector)
_DEF_CLASSES = (DefNumberVector, DefSwitchVector, DefTextVector, DefLightVector)
_CLASSES: dict[str, type[Any]] = {each.tag: each for each in (*_SET_CLASSES, *_DEF_CLASSES)}

_T = TypeVar("_T")
_new = object.__new__
_Reader = Callable[[str, int], list[Any]]


class _Start(NamedTuple):
    """What a start tag says: the vector's class and fields; its end tag, and how to read what is before that."""

    content_class: type[Content]
    values: dict[str, Any]
    end: str
    read_elements: _Reader


def read(data: bytes) -> Content | None:
    """The typed object for one message, the same as `codec.parse` returns; None when it has to be asked."""
    if data.translate(None, _PLAIN):
        return None
    text = data.decode()
    after = text.find(">") + 1
    start = _known_start(text[:after]) if after <= _MAX_KNOWN_CHARACTERS else _read_start(text[:after])
    if start is None or not text.endswith(start.end):
        return None
    try:
        elements = start.read_elements(text, after)
    except (ValueError, RemoteProtocolError):
        return None  # an unusual value, or a wrong one, for which `codec.parse` has the words
    # All markup belongs to the elements found and the end tag, so that what is between them is only text.
    marks = 2 * len(elements) + 1
    if text.count("<", after) != marks or text.count(">", after) != marks or text.find("&", after) >= 0:
        return None
    return _make(start.content_class, {**start.values, "elements": tuple(elements)})


def _make(content_class: type[_T], values: dict[str, Any]) -> _T:
    """An object with all its fields; the constructor of an immutable class takes three times as long."""
    content = _new(content_class)
    content.__dict__.update(values)
    return content


def _read_start(text: str) -> _Start | None:
    match = _START.fullmatch(text)
    content_class = _CLASSES.get(match[1]) if match else None
    if match is None or content_class is None:
        return None
    try:
        values = codec.read_attributes(content_class, _attributes(match[2]), match[1])
    except (ValueError, RemoteProtocolError):
        return None
    fields = vars(content_class(**values, elements=()))
    return _Start(content_class, fields, f"</{content_class.tag}>", _READERS[content_class])


def _attributes(text: str) -> dict[str, str]:
    """Attributes by name; raises ValueError when one is there twice."""
    pairs = _ATTRIBUTE.findall(text)
    attributes = {name: quoted[1:-1] for name, quoted in pairs}
    if len(attributes) != len(pairs):
        raise ValueError("an attribute is there twice")
    return attributes


def _set_elements(tag: str, text: str, make: Callable[[str, str], Any]) -> _Reader:
    """How to read the elements of a set vector, whose text is as `text`, a regular expression with a group."""
    find_all = re.compile(rf"<{tag}{_NAME}>{text}</{tag}>").findall
    return lambda text, after: [make(name, value) for _, name, value in find_all(text, after)]


def _in_layout(values: str) -> str:
    """One of `values` with space around it; no value may have space itself, or matching takes cubic time."""
    return rf"[{_SPACE}]*({values})[{_SPACE}]*"


def _def_elements(content_class: type[Content]) -> _Reader:
    """How to read the elements of a def vector."""
    tag = content_class.tag
    find_all = re.compile(rf"<{tag}{_ATTRIBUTES}>([^<&>]*)</{tag}>").findall

    def read_one(attributes: str, value: str) -> Content:
        return codec.read_element(content_class, _attributes(attributes), value, tag)

    # A client gets the same definitions again whenever another one comes to the server.
    known_one = lru_cache(_MAX_KNOWN)(read_one)

    def read_all(text: str, after: int) -> list[Any]:
        found = find_all(text, after)
        return [(known_one if len(a) + len(v) <= _MAX_KNOWN_CHARACTERS else read_one)(a, v) for a, v in found]

    return read_all


def _number(name: str, value: str) -> OneNumber:
    return _make(OneNumber, {"name": name, "value": float(value), "min": None, "max": None, "step": None})


_STATES = {each.value: each for each in PropertyState}
_SWITCHES = {each.value: each for each in SwitchState}
_READERS: dict[type[Content], _Reader] = {
    SetNumberVector: _set_elements("oneNumber", _in_layout(r"[-+.0-9][-+.0-9eE]*"), _number),
    SetSwitchVector: _set_elements(
        "oneSwitch", _in_layout("On|Off"), lambda name, value: OneSwitch(name, _SWITCHES[value])
    ),
    SetTextVector: _set_elements("oneText", "([^<&>]*)", lambda name, value: OneText(name, value.strip(_SPACE))),
    SetLightVector: _set_elements(
        "oneLight", _in_layout("Idle|Ok|Busy|Alert"), lambda name, value: OneLight(name, _STATES[value])
    ),
    DefNumberVector: _def_elements(DefNumber),
    DefSwitchVector: _def_elements(DefSwitch),
    DefTextVector: _def_elements(DefText),
    DefLightVector: _def_elements(DefLight),
}
_known_start = lru_cache(_MAX_KNOWN)(_read_start)
