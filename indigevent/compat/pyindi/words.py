"""INDI's words in the order of PyIndi's numbers for them: both ways are an index."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from indigevent.protocol.constants import BlobMode, Permission, PropertyState, SwitchRule, SwitchState, VectorKind

KINDS = (VectorKind.NUMBER, VectorKind.SWITCH, VectorKind.TEXT, VectorKind.LIGHT, VectorKind.BLOB)
TYPE_NAMES = ("INDI_NUMBER", "INDI_SWITCH", "INDI_TEXT", "INDI_LIGHT", "INDI_BLOB", "INDI_UNKNOWN")
STATES = (PropertyState.IDLE, PropertyState.OK, PropertyState.BUSY, PropertyState.ALERT)
PERMISSIONS = (Permission.READ_ONLY, Permission.WRITE_ONLY, Permission.READ_WRITE)
RULES = (SwitchRule.ONE_OF_MANY, SwitchRule.AT_MOST_ONE, SwitchRule.ANY_OF_MANY)
SWITCH_STATES = (SwitchState.OFF, SwitchState.ON)
BLOB_MODES = (BlobMode.NEVER, BlobMode.ALSO, BlobMode.ONLY)

Word = TypeVar("Word", bound=Enum)


def as_text(value: object, what: str) -> str:
    """The value; raises TypeError, which says what it should be, for anything but a str."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not {what}; give a str")
    return value


def word(words: tuple[Word, ...], value: object, what: str) -> Word:
    """INDI's word for PyIndi's number, or for the word itself as text.

    Arguments:
        words: in the order of their numbers.
        value: such as `PyIndi.ISS_ON`, True or "On".
        what: for the error's text.

    Raises TypeError for what is neither a number nor text, ValueError for one that means nothing.
    """
    if isinstance(value, int) and 0 <= value < len(words):
        return words[value]
    for one in words:
        if value == one.value:
            return one
    choices = ", ".join(f"{number} ({one.value})" for number, one in enumerate(words))
    error = ValueError if isinstance(value, (int, str)) else TypeError
    raise error(f"{value!r} is not {what}; use one of {choices}")
