"""Where a dome's opening has to be for a telescope to look out that is not at the dome's centre."""

from __future__ import annotations

import math
from dataclasses import dataclass

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.coordinates import horizontal

_Vector = tuple[float, float, float]  # north, east, up


@dataclass(frozen=True)
class Measurements:
    """INDI's DOME_MEASUREMENTS in metres; a `radius` of 0 means that nobody has measured.

    The displacements are those of the crossing of the mount's axes from the dome's centre; `ota_offset` is how far the
    telescope's optical axis is from the polar axis, along the declination axis.
    """

    radius: float = 0.0
    north: float = 0.0
    east: float = 0.0
    up: float = 0.0
    ota_offset: float = 0.0


def dome_azimuth(
    hour_angle: float, declination: float, latitude: float, is_pier_east: bool, measured: Measurements
) -> float:
    """Return the azimuth in degrees at which the line of sight leaves the dome.

    Angles in degrees; `is_pier_east` says that the telescope is on the east side of the pier, pointing west.
    Unmeasured, it is the mount's azimuth. Refusal: by the measurements the telescope is outside the dome.
    """
    azimuth, altitude = horizontal(hour_angle, declination, latitude)
    if measured.radius <= 0:
        return azimuth
    sight = _unit(azimuth, altitude)
    side = hour_angle - 90.0 if is_pier_east else hour_angle + 90.0  # where the declination axis points, at Dec 0
    arm = _unit(*horizontal(side, 0.0, latitude))
    centre = (measured.north, measured.east, measured.up)
    eye = _along(centre, arm, measured.ota_offset)
    north, east, _ = _along(eye, sight, _distance_to_sphere(eye, sight, measured.radius))
    return math.degrees(math.atan2(east, north)) % 360.0


def _distance_to_sphere(eye: _Vector, sight: _Vector, radius: float) -> float:
    ahead = _dot(eye, sight)
    discriminant = radius**2 - _dot(eye, eye)
    if discriminant <= 0:
        raise Refusal(
            "The telescope is outside the dome by DOME_MEASUREMENTS: correct the radius, displacements or OTA offset."
        )
    return -ahead + math.sqrt(ahead**2 + discriminant)


def _unit(azimuth: float, altitude: float) -> _Vector:
    az, alt = math.radians(azimuth), math.radians(altitude)
    return math.cos(alt) * math.cos(az), math.cos(alt) * math.sin(az), math.sin(alt)


def _dot(one: _Vector, other: _Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _along(start: _Vector, direction: _Vector, distance: float) -> _Vector:
    return (
        start[0] + distance * direction[0],
        start[1] + distance * direction[1],
        start[2] + distance * direction[2],
    )
