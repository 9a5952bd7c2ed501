"""What a tool prints: the reference's lines, values alone, or an object of JSON per line; colours on terminals."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sys
from typing import Any

from indigevent.errors import RemoteProtocolError
from indigevent.protocol.constants import VectorKind
from indigevent.protocol.numbers import parse_number
from indigevent.tools.blobs import Saved
from indigevent.tools.told import Told

_COLOURS = {"Idle": "2", "Ok": "32", "Busy": "33", "Alert": "1;31"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal that understands cursor movement."""
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def has_colours() -> bool:
    """Whether stdout is a terminal and its user has not asked for no colours (no-color.org)."""
    return is_terminal(sys.stdout) and not os.environ.get("NO_COLOR")


def visible(text: str) -> str:
    """Text whose control characters cannot steer a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def coloured(text: str, state: str) -> str:
    """Text in the colour of a property's state."""
    colour = _COLOURS.get(state)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def complain(text: str) -> None:
    """Write a line to stderr, if somebody is there to read it; a terminal cannot be steered by what a server says."""
    with contextlib.suppress(OSError):
        print(visible(text) if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


class Output:
    """Prints values.

    Arguments:
        is_bare: values without their names.
        is_json: objects, one per line.
    """

    def __init__(self, is_bare: bool = False, is_json: bool = False) -> None:
        self._is_bare = is_bare
        self._is_json = is_json
        self._is_terminal = sys.stdout.isatty()
        self._has_colours = has_colours()

    def value(self, told: Told, element: str, text: str) -> None:
        """Print one value."""
        if self._is_json:
            self._object(told, element, value=_typed(told, element, text))
            return
        shown = self._shown(text)
        if self._has_colours:
            shown = coloured(shown, told.attributes.get("state", ""))
        self._line(shown if self._is_bare else self._shown(f"{told.device}.{told.name}.{element}=") + shown)

    def blob(self, told: Told, saved: Saved) -> None:
        """Print where a BLOB is now."""
        if self._is_json:
            self._object(told, saved.element, file=str(saved.path), size=saved.size, format=saved.format)
        else:
            name = "" if self._is_bare else f"{told.device}.{told.name}.{saved.element}="
            self._line(self._shown(f"{name}{saved.path}"))

    def flush(self) -> None:
        """Have everything read by whoever reads."""
        sys.stdout.flush()

    def _shown(self, text: str) -> str:
        return visible(text) if self._is_terminal else text

    def _object(self, told: Told, element: str, **more: Any) -> None:
        fields = {"device": told.device, "property": told.name, "element": element, "kind": told.kind.value, **more}
        attributes = {name: told.attributes[name] for name in ("state", "timestamp") if name in told.attributes}
        self._line(json.dumps({**fields, **attributes}))

    def _line(self, text: str) -> None:
        # What the terminal's character set has not is replaced; a pipe gets UTF-8, as it came.
        encoding = (sys.stdout.encoding or "utf-8") if self._is_terminal else "utf-8"
        sys.stdout.buffer.write(text.encode(encoding, errors="replace") + b"\n")


def _typed(told: Told, element: str, text: str) -> str | float | None:
    """A number as such, null when it is none that JSON can express; everything else as it is written."""
    if told.kind is not VectorKind.NUMBER or element not in told.elements:
        return text
    try:
        number = parse_number(text)
    except RemoteProtocolError:
        return text
    return number if math.isfinite(number) else None
