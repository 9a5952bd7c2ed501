"""A sensor and its cooler: it falls at a steady rate, then levels off towards the set point; power follows demand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from indigevent.simulators.models import Refusal

_LEVELLING_S = 4.0  # time constant of the last part of the curve


@dataclass(frozen=True)
class _Curve:
    """From `origin` towards `goal`: linear at `rate` degrees per second, exponential for the last of it."""

    origin: float
    goal: float
    rate: float
    since: float

    def difference(self, now: float) -> float:
        """Return how far it still is from the goal, signed."""
        start = self.origin - self.goal
        last = min(abs(start), self.rate * _LEVELLING_S)
        linear_s = (abs(start) - last) / self.rate
        elapsed = max(0.0, now - self.since)
        if elapsed < linear_s:
            left = abs(start) - self.rate * elapsed
        else:
            left = last * math.exp((linear_s - elapsed) / _LEVELLING_S)
        return math.copysign(left, start)


class CoolerModel:
    """Temperatures in degrees Celsius, times monotonic seconds.

    `max_delta` is how far below `ambient` the cooler can hold the sensor, `max_rate` its fastest change in degrees
    per second. A set point above ambient is warmed to as if there were a heater: clients warm a camera up that way.
    """

    def __init__(self, now: float, ambient: float = 15.0, max_delta: float = 40.0, max_rate: float = 0.5) -> None:
        self.ambient = ambient
        self.max_delta = max_delta
        self.max_rate = max_rate
        self.is_on = False
        self._ramp = 0.0
        self._curve = _Curve(ambient, ambient, max_rate, now)

    @property
    def set_point(self) -> float:
        """Where the temperature goes: what was asked for, or ambient while the cooler is off."""
        return self._curve.goal

    def temperature(self, now: float) -> float:
        """Return the sensor's temperature."""
        return self._curve.goal + self._curve.difference(now)

    def has_settled(self, now: float, threshold: float) -> bool:
        """Whether the temperature is within `threshold` degrees of the set point."""
        return abs(self._curve.difference(now)) <= threshold

    def power(self, now: float) -> float:
        """Return the cooler's power in percent: what holds the temperature, and more while it is falling."""
        if not self.is_on:
            return 0.0
        holding = (self.ambient - self.temperature(now)) / self.max_delta
        falling = min(1.0, self._curve.difference(now) / (self._curve.rate * _LEVELLING_S))
        return 100.0 * min(1.0, max(0.0, holding + falling * self._curve.rate / self.max_rate))

    def cool_to(self, celsius: float, now: float) -> None:
        """Switch on and go to a set point. Refusal: colder than the cooler can hold."""
        coldest = self.ambient - self.max_delta
        if celsius < coldest:
            raise Refusal(
                f"{celsius:.1f} °C cannot be held: the cooler reaches {coldest:.1f} °C,"
                f" {self.max_delta:.0f} degrees below ambient. Choose a warmer set point."
            )
        self.is_on = True
        self._head_for(celsius, now)

    def switch(self, is_on: bool, now: float) -> None:
        """Switch the cooler on, to hold the present temperature, or off, to let it drift to ambient."""
        if is_on != self.is_on:
            self.is_on = is_on
            self._head_for(self.temperature(now) if is_on else self.ambient, now)

    def set_ramp(self, degrees_per_minute: float, now: float) -> None:
        """Limit the rate of change, 0 for none (INDI's RAMP_SLOPE), on a change already begun too."""
        self._ramp = degrees_per_minute / 60.0
        self._head_for(self.set_point, now)

    def _head_for(self, goal: float, now: float) -> None:
        limits_ramp = self.is_on and self._ramp > 0
        rate = min(self._ramp, self.max_rate) if limits_ramp else self.max_rate
        self._curve = _Curve(self.temperature(now), goal, rate, now)
