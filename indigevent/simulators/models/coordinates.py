"""Angles of the sky: sidereal time, hour angle and horizontal coordinates by plain formulas, good to an arc second."""

from __future__ import annotations

import math

_UNIX_EPOCH_OF_J2000 = 946_728_000.0  # 2000-01-01 12:00 UT
_SECONDS_PER_DAY = 86400.0
_SIDEREAL_DEGREES_PER_DAY = 360.98564736629
_DAYS_PER_CENTURY = 36525.0

SIDEREAL_DEGREES_PER_SECOND = _SIDEREAL_DEGREES_PER_DAY / _SECONDS_PER_DAY


def signed(degrees: float) -> float:
    """Return the same direction as an angle of at least -180 and less than 180 degrees."""
    return (degrees + 180.0) % 360.0 - 180.0


def sidereal_time(utc: float, longitude: float) -> float:
    """Return the mean local sidereal time in degrees, 0 to 360.

    `utc` is a unix time, `longitude` degrees east. Meeus, Astronomical Algorithms, formula 12.4, with UTC for UT1:
    at most 0.9 s, that is 14 arc seconds, the same for all that use this function.
    """
    days = (utc - _UNIX_EPOCH_OF_J2000) / _SECONDS_PER_DAY
    centuries = days / _DAYS_PER_CENTURY
    greenwich = 280.46061837 + _SIDEREAL_DEGREES_PER_DAY * days + (0.000387933 - centuries / 38_710_000) * centuries**2
    return (greenwich + longitude) % 360.0


def horizontal(hour_angle: float, declination: float, latitude: float) -> tuple[float, float]:
    """Return azimuth (0 north, 90 east, below 360) and altitude; all in degrees, without refraction.

    At the zenith and the nadir the azimuth means nothing, and is some number.
    """
    ha, dec, lat = math.radians(hour_angle), math.radians(declination), math.radians(latitude)
    north = math.sin(dec) * math.cos(lat) - math.cos(dec) * math.cos(ha) * math.sin(lat)
    east = -math.cos(dec) * math.sin(ha)
    up = math.sin(dec) * math.sin(lat) + math.cos(dec) * math.cos(ha) * math.cos(lat)
    azimuth = math.degrees(math.atan2(east, north)) % 360.0
    return azimuth % 360.0, math.degrees(math.atan2(up, math.hypot(north, east)))
