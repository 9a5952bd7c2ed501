"""What indigevent-setprop is asked for: `device.property.e1;e2=v1;v2` or `device.property.e1=v1;e2=v2`. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indigevent.errors import RemoteProtocolError
from indigevent.protocol import repair
from indigevent.protocol.constants import SwitchState, VectorKind
from indigevent.protocol.numbers import parse_number
from indigevent.tools.flags import UsageError
from indigevent.tools.told import Told

# The flags that say what a property is, so that nobody has to ask.
_KINDS = {"x": VectorKind.TEXT, "n": VectorKind.NUMBER, "s": VectorKind.SWITCH}
TYPE_LETTERS = "".join(_KINDS)
_SETTABLE = frozenset(_KINDS.values())


@dataclass
class Assignment:
    """New values of one property; `kind` is None until the property's definition says it."""

    device: str
    name: str
    values: tuple[tuple[str, str], ...]
    kind: VectorKind | None = None

    @property
    def place(self) -> str:
        """The property."""
        return f"{self.device}.{self.name}"

    def missing(self, told: Told | None) -> list[str]:
        """The elements that a definition has not; all without one, and of a property that cannot be set here."""
        has = told.elements if told is not None and told.kind in _SETTABLE else ()
        return [element for element, _ in self.values if element not in has]

    def mistake(self, kind: VectorKind) -> str:
        """Why a value cannot be one of a property of this kind, a sentence; "" when all can."""
        for element, value in self.values:
            where = f"{self.place}.{element}"
            if kind is VectorKind.SWITCH and value.strip() not in tuple(SwitchState):
                return f'{where} is a switch, which is On or Off, not "{value}"'
            if kind is VectorKind.NUMBER and not _is_number(value):
                return f'{where} is a number, like -1.5 or 12:30:15, not "{value}"'
        return ""

    def message(self, kind: VectorKind) -> bytes:
        """The message that asks for the values, as they were written."""
        start = repair.start_tag(f"new{kind.value}Vector", {"device": self.device, "name": self.name})
        tag = f"one{kind.value}"
        ones = (
            repair.start_tag(tag, {"name": element}) + b">" + repair.cdata(value.encode()) + f"</{tag}>".encode()
            for element, value in self.values
        )
        return start + b">" + b"".join(ones) + f"</new{kind.value}Vector>\n".encode()


def parse_assignments(letters: Sequence[str], words: Sequence[str]) -> list[Assignment]:
    """Read the command line after its flags; raises UsageError, which names the word.

    Arguments:
        letters: the flags for types that stand before the words, of which the first is the first word's type.
        words: specs, each with a flag for its type before it or without.
    """
    kind = _KINDS[letters[0]] if letters else None
    assignments = []
    is_open = bool(letters)
    for word in words:
        if not is_open and word.startswith("-"):
            kind, is_open = _kind(word), True
        else:
            assignments.append(_parse(word, kind))
            kind, is_open = None, False
    if is_open or not assignments:
        raise UsageError("Missing spec")
    return assignments


def _kind(word: str) -> VectorKind:
    kind = _KINDS.get(word[1:2])
    if kind is None:
        raise UsageError(f"Bad property type: {word}")
    return kind


def _parse(word: str, kind: VectorKind | None) -> Assignment:
    parts = word.split(".", 2)
    if len(parts) < 3 or not all(parts):
        raise UsageError(f"Malformed property spec: {word}; it takes device.property.element=value")
    device, name, text = parts
    names, equals, values = text.partition("=")
    if not equals:
        raise UsageError(f"Malformed assignment: {text}")
    if ";" in text and ";" not in names:
        return Assignment(device, name, tuple(map(_pair, text.split(";"))), kind)
    return Assignment(device, name, _lists(f"{device}.{name}", names, values), kind)


def _pair(text: str) -> tuple[str, str]:
    element, equals, value = text.partition("=")
    if not (element and equals):
        raise UsageError(f"Malformed assignment: {text}")
    return element, value


def _lists(place: str, names: str, values: str) -> tuple[tuple[str, str], ...]:
    """Elements and values as two lists; as in the reference, what is empty in them does not count."""
    elements, wanted = ([each for each in text.split(";") if each] for text in (names, values))
    if len(elements) != len(wanted):
        more, less = ("elements", "values") if len(elements) > len(wanted) else ("values", "elements")
        raise UsageError(f"More {more} than {less} for {place}")
    return tuple(zip(elements, wanted, strict=True))


def _is_number(text: str) -> bool:
    try:
        parse_number(text)
    except RemoteProtocolError:
        return False
    return True
