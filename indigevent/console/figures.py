"""Figures as people read them: times, sizes, and rates between two looks at a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "-"
_COUNTERS = ("received_messages", "received_bytes", "sent_messages", "sent_bytes")
_UNITS = (("kB", 1e3), ("MB", 1e6), ("GB", 1e9))
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(seconds: float | None) -> str:
    """`7s`, `3m 20s`, `5h 12m`, `4d 3h`."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def size(count: float | None) -> str:
    """Bytes, with the prefixes of the decimal system: `0 B`, `12.5 kB`, `1.20 GB`."""
    if count is None:
        return UNKNOWN
    if count < 1000:
        return f"{count:.0f} B"
    unit, factor = next(((unit, factor) for unit, factor in _UNITS if count < 1000 * factor), _UNITS[-1])
    return f"{_three_digits(count / factor)} {unit}"


def percent(value: float | None) -> str:
    """`12%`."""
    return UNKNOWN if value is None else f"{value:.0f}%"


def traffic(per_second: Mapping[str, float] | None, direction: str) -> str:
    """Messages and bytes in a second; `direction` is `received` or `sent`."""
    if per_second is None:
        return UNKNOWN
    messages, count = per_second[f"{direction}_messages"], per_second[f"{direction}_bytes"]
    return f"{_three_digits(messages)}/s {size(count)}/s" if messages or count else UNKNOWN


def rates(row: Mapping[str, Any], before: Mapping[str, Any] | None, seconds: float) -> dict[str, float] | None:
    """How fast the counters of a driver or client have grown since it was looked at `seconds` ago; None if unknown."""
    if before is None or seconds <= 0:
        return None
    # Less than before: it is another one of the same name.
    return {key: max(0.0, (row[key] or 0) - (before[key] or 0)) / seconds for key in _COUNTERS}


def _three_digits(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
