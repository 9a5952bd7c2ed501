"""INDI numbers as text: reading what the protocol allows, writing for the wire, and formatting for people.

The rules are INDI 1.7's: a number is decimal or sexagesimal, and a `format` is printf's for a double or
INDI's own `%<width>.<fraction>m`. Where the protocol leaves a case open, the reference's answer is kept if
it is sensible.
"""

from __future__ import annotations

import math
import re

from indigevent.errors import LocalProtocolError, RemoteProtocolError

_SPACE = " \t\r\n"
_SEPARATOR = rf"(?:[{_SPACE}]*[:;][{_SPACE}]*|[{_SPACE}]+)"
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SEXAGESIMAL = re.compile(
    rf"(?P<sign>[+-]?)(?P<whole>[0-9]+)(?:{_SEPARATOR}(?P<minutes>[0-9]+))?{_SEPARATOR}(?P<last>[0-9]+\.?[0-9]*|\.[0-9]+)"
)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_PLAIN_TEXT = r"(?:[^%]|%%)*"
_FORMAT = re.compile(
    rf"(?P<before>{_PLAIN_TEXT})"
    r"%(?P<flags>[-+ #0]*)(?P<width>[0-9]{0,3})(?:\.(?P<precision>[0-9]{0,3}))?[lL]?(?P<conversion>[eEfFgGm])"
    rf"(?P<after>{_PLAIN_TEXT})"
)
# The fraction of `%<width>.<fraction>m`: whether it shows seconds, and how many decimals of the last part.
_SEXAGESIMAL_LAYOUTS = {9: (True, 2), 8: (True, 1), 6: (True, 0), 5: (False, 1), 3: (False, 0)}
_EXCERPT_CHARACTERS = 40


def parse_number(text: str) -> float:
    """Return the value of an INDI number: `-1.5`, `2e-3`, `12:30`, `-0:30:15.2`, also with `;` or spaces.

    The sign is that of the whole number, so `-0:30` is -0.5. Minutes and seconds may be 60 and more,
    because drivers that round badly send `9:59:60`. (The reference reads `1 30 30` as 13030; the protocol
    says 1:30:30.)

    `nan` and `inf` are no INDI numbers, but drivers send them for what they do not know, and the reference's clients
    read them; so they are read here, and what is too large for a float is infinite. Who needs a finite number has to
    see to it.

    Raises RemoteProtocolError, kind `number`, for anything else.
    """
    stripped = text.strip(_SPACE)
    if _DECIMAL.fullmatch(stripped) or _NOT_FINITE.fullmatch(stripped):
        return float(stripped)
    if match := _SEXAGESIMAL.fullmatch(stripped):
        return _sexagesimal_value(match)
    raise _unreadable(text)


def write_number(value: float) -> str:
    """Return the shortest text that `parse_number` reads back as exactly `value`.

    Raises LocalProtocolError for nan and infinities, which INDI cannot express.
    """
    if not math.isfinite(value):
        raise LocalProtocolError(f"{value} cannot be sent: an INDI number is finite")
    return repr(float(value)).removesuffix(".0")


def format_number(value: float, number_format: str) -> str:
    """Return `value` as a number's `format` attribute asks: for people, not for the wire.

    One conversion is needed, with text around it or not: %e, %f, %g, or `%<width>.<fraction>m`, where the
    fraction 3 shows `:mm`, 5 `:mm.m`, 6 `:mm:ss`, 8 `:mm:ss.s` and 9 `:mm:ss.ss`; any other shows `:mm` as
    in the reference, and none at all `:mm:ss`. Rounding carries into minutes and the whole, and a negative
    value keeps its sign when it rounds to 0:00, as in the reference.

    Raises LocalProtocolError for any other format, and for a value that sexagesimal notation cannot show.
    """
    match = _FORMAT.fullmatch(number_format)
    if match is None:
        raise LocalProtocolError(
            f"{number_format!r} is not a number format, which has one of %e, %f, %g or %<width>.<fraction>m"
        )
    if match["conversion"] != "m":
        return number_format % float(value)
    fraction = 6 if match["precision"] is None else int(match["precision"] or 0)
    shown = _format_sexagesimal(value, int(match["width"] or 0), fraction)
    return match["before"].replace("%%", "%") + shown + match["after"].replace("%%", "%")


def _sexagesimal_value(match: re.Match[str]) -> float:
    whole, last = float(match["whole"]), float(match["last"])
    if match["minutes"] is None:
        magnitude = (whole * 60 + last) / 60
    else:
        magnitude = (whole * 3600 + float(match["minutes"]) * 60 + last) / 3600
    return -magnitude if match["sign"] == "-" else magnitude


def _format_sexagesimal(value: float, width: int, fraction: int) -> str:
    shows_seconds, decimals = _SEXAGESIMAL_LAYOUTS.get(fraction, (False, 0))
    scale: int = 10**decimals
    units_per_whole = (3600 if shows_seconds else 60) * scale
    units = abs(value) * units_per_whole
    if not math.isfinite(units):
        raise LocalProtocolError(f"{value} cannot be shown in sexagesimal notation")
    whole, rest = divmod(int(units + 0.5), units_per_whole)
    sign = "-" if value < 0 else ""
    last, tail = divmod(rest, scale)
    shown = f":{last // 60:02}:{last % 60:02}" if shows_seconds else f":{last:02}"
    decimal_part = f".{tail:0{decimals}}" if decimals else ""
    return f"{sign}{whole}".rjust(max(0, width - fraction)) + shown + decimal_part


def _unreadable(text: str) -> RemoteProtocolError:
    excerpt = text if len(text) <= _EXCERPT_CHARACTERS else text[:_EXCERPT_CHARACTERS] + "..."
    detail = f"{excerpt!r} is not an INDI number, which is like -1.5, 2e-3 or -0:30:15.2"
    return RemoteProtocolError("number", 0, excerpt.encode("utf-8", "replace"), detail)
