"""How fast and which way a mount moves: tracking modes, slew rates, directions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from indigevent.simulators.models.coordinates import SIDEREAL_DEGREES_PER_SECOND

ARC_SECONDS = 3600.0
_MOON_DEGREES_PER_DAY = 13.17639646  # its mean motion eastward among the stars


class TrackMode(Enum):
    """INDI's TELESCOPE_TRACK_MODE."""

    SIDEREAL = "TRACK_SIDEREAL"
    SOLAR = "TRACK_SOLAR"
    LUNAR = "TRACK_LUNAR"
    CUSTOM = "TRACK_CUSTOM"


class Direction(Enum):
    """Which way the telescope is moved: the axis, 0 for hour angle and 1 for declination, and the sign."""

    WEST = (0, 1)
    EAST = (0, -1)
    NORTH = (1, 1)
    SOUTH = (1, -1)

    @property
    def axis(self) -> int:
        """The axis that moves."""
        return self.value[0]

    @property
    def sign(self) -> int:
        """Whether hour angle or declination grows (1) or falls (-1)."""
        return self.value[1]

    @property
    def opposite(self) -> Direction:
        """The other way on the same axis."""
        return Direction((self.axis, -self.sign))


# Arc seconds per second of the hour angle, and of declination.
TRACK_RATES: Mapping[TrackMode, tuple[float, float]] = {
    TrackMode.SIDEREAL: (SIDEREAL_DEGREES_PER_SECOND * ARC_SECONDS, 0.0),
    TrackMode.SOLAR: (15.0, 0.0),
    TrackMode.LUNAR: ((SIDEREAL_DEGREES_PER_SECOND - _MOON_DEGREES_PER_DAY / 86400.0) * ARC_SECONDS, 0.0),
}
# Degrees per second of TELESCOPE_SLEW_RATE's four: guide, centering, find, max.
SLEW_RATES = (SIDEREAL_DEGREES_PER_SECOND, 16 * SIDEREAL_DEGREES_PER_SECOND, 1.0, 6.0)
