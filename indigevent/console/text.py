"""Text that cannot harm a terminal, in columns as wide as terminals draw it.

East Asian characters and most emoji take two columns. While tables are laid out each of them is followed by a filler,
so that a text's length is its width; `visible` takes the fillers away at the end.
"""

from __future__ import annotations

import unicodedata

_FILLER = "\0"
_UNKNOWN = "?"
# Control, format (which may reverse the line) and unassigned characters, and marks that are drawn over others.
_HARMFUL = ("C", "M", "Zl", "Zp")


def clean(text: object, limit: int = 0) -> str:
    """Return a text for a cell, with fillers and without harm; cut to `limit` columns, where 0 is any number."""
    composed = unicodedata.normalize("NFC", str(text))
    padded = "".join(_padded(character) for character in composed)
    return padded if not limit or len(padded) <= limit else cut(padded, limit - 1) + "…"


def cut(padded: str, columns: int) -> str:
    """Return as much of a text with fillers as fits into so many columns."""
    kept = padded[:columns]
    # The second half of a character that is two columns wide has no room.
    return kept[:-1] if padded[columns : columns + 1] == _FILLER else kept


def visible(padded: str) -> str:
    """Return the text as it is to be written."""
    return padded.replace(_FILLER, "")


def _padded(character: str) -> str:
    if unicodedata.category(character).startswith(_HARMFUL):
        return _UNKNOWN
    return character + _FILLER if unicodedata.east_asian_width(character) in "WF" else character
