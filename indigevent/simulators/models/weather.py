"""Weather that follows the time of day, with ranges that judge it, and values that a user may put in its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from indigevent.protocol.constants import PropertyState
from indigevent.simulators.models import Refusal


@dataclass(frozen=True)
class Range:
    """Where a value is good: from `low` to `high`; within `warning_percent` of the range from a limit is a warning.

    A limit that is 0 has no warning beside it (reference behaviour): no wind is no reason to warn.
    """

    low: float
    high: float
    warning_percent: float = 15.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise Refusal(f"A range from {self.low:g} to {self.high:g} holds nothing: the minimum must not be above.")

    def judge(self, value: float) -> PropertyState:
        """Return INDI's light for a value: Ok good, Busy warning, Alert danger."""
        margin = (self.high - self.low) * self.warning_percent / 100.0
        if not self.low <= value <= self.high:
            return PropertyState.ALERT
        is_near_low = self.low != 0 and value < self.low + margin
        is_near_high = self.high != 0 and value > self.high - margin
        return PropertyState.BUSY if is_near_low or is_near_high else PropertyState.OK


@dataclass(frozen=True)
class Parameter:
    """A measured quantity: INDI's element name, label with unit, its good range, whether closing depends on it."""

    name: str
    label: str
    good: Range
    is_critical: bool = True


PARAMETERS = (
    Parameter("WEATHER_FORECAST", "Weather", Range(0, 0)),
    Parameter("WEATHER_TEMPERATURE", "Temperature (C)", Range(-10, 30)),
    Parameter("WEATHER_WIND_SPEED", "Wind (kph)", Range(0, 20)),
    Parameter("WEATHER_WIND_GUST", "Gust (kph)", Range(0, 20), is_critical=False),
    Parameter("WEATHER_RAIN_HOUR", "Precip (mm)", Range(0, 0)),
)

_SEVERITY = (PropertyState.OK, PropertyState.BUSY, PropertyState.ALERT)


def _wave(hours: float, period: float, peak: float) -> float:
    """Return a wave from -1 to 1 that is 1 at hour `peak`."""
    return math.cos(2 * math.pi * (hours - peak) / period)


def _wind(hours: float) -> float:
    return 7.0 + 4.0 * _wave(hours, 24, 16) + 1.0 * _wave(hours, 1.7, 0)


_NATURE: Mapping[str, Callable[[float], float]] = {
    "WEATHER_FORECAST": lambda _: 0.0,
    "WEATHER_TEMPERATURE": lambda hours: 10.0 + 6.0 * _wave(hours, 24, 15),
    "WEATHER_WIND_SPEED": _wind,
    "WEATHER_WIND_GUST": lambda hours: 1.3 * _wind(hours),
    "WEATHER_RAIN_HOUR": lambda _: 0.0,
}


class WeatherModel:
    """The weather at a longitude (degrees east); times are UTC as unix times. Left alone it is always safe."""

    def __init__(self, longitude: float = 0.0) -> None:
        self.longitude = longitude
        self.ranges = {parameter.name: parameter.good for parameter in PARAMETERS}
        self._controlled: dict[str, float] = {}

    def values(self, utc: float) -> dict[str, float]:
        """Return every parameter's value: what the user put there, else what the time of day makes of it."""
        hours = utc / 3600.0 + self.longitude / 15.0
        return {name: self._controlled.get(name, nature(hours)) for name, nature in _NATURE.items()}

    def control(self, values: Mapping[str, float]) -> None:
        """Put values in the place of nature's, for those parameters only, until `release`. Refusal: no such name."""
        for name in values:
            if name not in _NATURE:
                raise Refusal(f"There is no weather parameter {name}: they are {', '.join(_NATURE)}.")
        self._controlled.update(values)

    def release(self) -> None:
        """Leave all parameters to nature again."""
        self._controlled.clear()

    def lights(self, utc: float) -> dict[str, PropertyState]:
        """Return the light of every critical parameter."""
        values = self.values(utc)
        return {each.name: self.judge(each.name, values[each.name]) for each in PARAMETERS if each.is_critical}

    def judge(self, name: str, value: float) -> PropertyState:
        """Return the light of one parameter's value."""
        return self.ranges[name].judge(value)

    def status(self, utc: float) -> PropertyState:
        """Return the worst of the lights: what a client closes its observatory for."""
        return max(self.lights(utc).values(), key=_SEVERITY.index)
