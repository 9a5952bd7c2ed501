"""Where a German mount points, as the sky sees it and as its two axes see it, and how its axes slew."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from indigevent.simulators.models.coordinates import signed


class PierSide(Enum):
    """The side of the pier that the telescope is on, by INDI's TELESCOPE_PIER_SIDE."""

    WEST = "PIER_WEST"  # pointing east
    EAST = "PIER_EAST"  # pointing west


def natural_side(hour_angle: float) -> PierSide:
    """Return the side from which a goto looks at an hour angle in degrees: counterweight down."""
    return PierSide.WEST if signed(hour_angle) < 0 else PierSide.EAST


@dataclass(frozen=True)
class Pointing:
    """Hour angle and declination in degrees, and the side of the pier."""

    hour_angle: float
    declination: float
    side: PierSide

    def moved(self, hour_angle: float, declination: float) -> Pointing:
        """Return the pointing so many degrees further; north of a pole there is only the pole."""
        return replace(
            self,
            hour_angle=signed(self.hour_angle + hour_angle),
            declination=max(-90.0, min(90.0, self.declination + declination)),
        )

    def axes(self, pole: int) -> tuple[float, float]:
        """Return the polar and the declination axis in degrees; `pole` is 1 in the north, -1 in the south.

        Both are 90 with the counterweight down and the telescope at the pole: from there it reaches either half of the
        sky, and a way that keeps the axes between 0 and 180 never turns the wrong way round.
        """
        if self.side is PierSide.EAST:
            return self.hour_angle, pole * self.declination
        return self.hour_angle + 180.0, 180.0 - pole * self.declination


def of_axes(polar: float, declination: float, pole: int) -> Pointing:
    """Return the pointing of two axes: the inverse of `Pointing.axes`."""
    if declination > 90.0:
        return Pointing(signed(polar - 180.0), pole * (180.0 - declination), PierSide.WEST)
    return Pointing(signed(polar), pole * declination, PierSide.EAST)


@dataclass(frozen=True)
class Approach:
    """One axis' way to its target: fast, and slow for the last of it. Degrees, and degrees per second."""

    fast: float = 6.0
    slow: float = 1.2
    near: float = 1.0

    def seconds(self, distance: float) -> float:
        """Return how long a distance takes."""
        far = max(0.0, abs(distance) - self.near)
        return far / self.fast + (abs(distance) - far) / self.slow

    def remaining(self, distance: float, elapsed: float) -> float:
        """Return how much of a distance is left, with its sign."""
        far = max(0.0, abs(distance) - self.near)
        fast_s = far / self.fast
        if elapsed < fast_s:
            left = abs(distance) - self.fast * elapsed
        else:
            left = max(0.0, abs(distance) - far - self.slow * (elapsed - fast_s))
        return math.copysign(left, distance)
