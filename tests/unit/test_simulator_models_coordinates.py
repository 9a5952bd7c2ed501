"""Sidereal time, horizontal coordinates and a mount's axes, against known values."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indigevent.simulators.models.coordinates import horizontal, sidereal_time, signed
from indigevent.simulators.models.limits import Limits
from indigevent.simulators.models.pointing import Approach, PierSide, Pointing, natural_side, of_axes


def unix(*date: int) -> float:
    return datetime(*date, tzinfo=timezone.utc).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("utc", "longitude", "hours"),
    [
        (unix(1987, 4, 10), 0.0, 13 + 10 / 60 + 46.3668 / 3600),  # Meeus, example 12.a
        (unix(1987, 4, 10, 19, 21), 0.0, 8 + 34 / 60 + 57.0896 / 3600),  # Meeus, example 12.b
        (unix(1987, 4, 10, 19, 21), -15.0, 7 + 34 / 60 + 57.0896 / 3600),
        (unix(1987, 4, 10, 19, 21), 300.0, 4 + 34 / 60 + 57.0896 / 3600),
    ],
)
def test_sidereal_time(utc: float, longitude: float, hours: float) -> None:
    assert sidereal_time(utc, longitude) / 15 == pytest.approx(hours, abs=0.0001 / 3600)


def test_horizontal_coordinates_of_a_worked_example() -> None:
    azimuth, altitude = horizontal(64.352133, -6.719892, 38.92138889)  # Meeus, example 13.b, azimuth from the south
    assert (azimuth, altitude) == pytest.approx((180 + 68.0337, 15.1249), abs=0.0001)


@pytest.mark.parametrize(
    ("hour_angle", "declination", "latitude", "expected"),
    [
        (0.0, 0.0, 50.0, (180.0, 40.0)),  # south, on the meridian
        (0.0, 70.0, 50.0, (0.0, 70.0)),  # north of the zenith
        (-90.0, 0.0, 50.0, (90.0, 0.0)),  # rising in the east
        (90.0, 0.0, -35.0, (270.0, 0.0)),  # setting in the west, in the south too
        (0.0, 0.0, -35.0, (0.0, 55.0)),  # the southern hemisphere looks north
        (123.0, 90.0, 50.0, (0.0, 50.0)),  # the pole, whatever the hour angle
        (-45.0, -90.0, -35.0, (180.0, 35.0)),
        (77.0, 90.0, 90.0, (None, 90.0)),  # standing at the pole, which is the zenith
        (180.0, 0.0, 0.0, (None, -90.0)),  # the nadir
    ],
)
def test_horizontal_at_the_edges(
    hour_angle: float, declination: float, latitude: float, expected: tuple[float | None, float]
) -> None:
    azimuth, altitude = horizontal(hour_angle, declination, latitude)
    assert altitude == pytest.approx(expected[1], abs=1e-6)
    if expected[0] is not None:
        assert signed(azimuth - expected[0]) == pytest.approx(0, abs=1e-6)
        assert 0 <= azimuth < 360


@pytest.mark.parametrize(
    ("angle", "expected"), [(0, 0), (180, -180), (-180, -180), (540, -180), (359, -1), (-190, 170)]
)
def test_signed_angles_wrap_at_180(angle: float, expected: float) -> None:
    assert signed(angle) == expected


angles = st.floats(-180, 179.999)
declinations = st.floats(-89.999, 89.999)


@given(angles, declinations, st.sampled_from([1, -1]))
def test_axes_lead_back_to_the_pointing(hour_angle: float, declination: float, pole: int) -> None:
    pointing = Pointing(hour_angle, declination, natural_side(hour_angle))
    polar, secondary = pointing.axes(pole)
    assert -1e-9 <= polar <= 180 + 1e-9, "a goto never turns the counterweight above the mount"
    back = of_axes(polar, secondary, pole)
    assert back.side is pointing.side
    assert signed(back.hour_angle - hour_angle) == pytest.approx(0, abs=1e-9)
    assert back.declination == pytest.approx(declination, abs=1e-9)


def test_declination_ends_at_the_poles() -> None:
    pointing = Pointing(10.0, 89.0, PierSide.EAST)
    assert pointing.moved(0, 5).declination == 90.0
    assert Pointing(10.0, -89.0, PierSide.EAST).moved(0, -5).declination == -90.0


def test_an_approach_is_fast_and_then_slow() -> None:
    approach = Approach(fast=6, slow=1, near=2)
    assert approach.seconds(-14) == 4.0
    assert [approach.remaining(-14, t) for t in (0, 1, 2, 3, 4, 9)] == [-14, -8, -2, -1, 0, 0]
    assert approach.seconds(0.5) == 0.5
    assert approach.remaining(0.5, 0.25) == 0.25
    assert approach.seconds(0) == 0


@pytest.mark.parametrize(
    ("limits", "pointing", "wrong"),
    [
        (Limits(), Pointing(0, 20, PierSide.EAST), ""),
        (Limits(), Pointing(0, -41, PierSide.EAST), "altitude -1.0° is below the limit of 0.0°"),
        (Limits(), Pointing(-90, 0, PierSide.WEST), ""),  # exactly on the horizon
        (Limits(), Pointing(0, 50, PierSide.EAST), ""),  # exactly in the zenith
        (Limits(from_azimuth=10, to_azimuth=20), Pointing(0, 50, PierSide.EAST), ""),  # where azimuth means nothing
        (Limits(min_altitude=15), Pointing(0, -30, PierSide.EAST), "altitude 10.0° is below"),
        (Limits(max_altitude=80), Pointing(0, 45, PierSide.EAST), "altitude 85.0° is above"),
        (Limits(from_azimuth=90, to_azimuth=270), Pointing(0, 20, PierSide.EAST), ""),
        (Limits(from_azimuth=90, to_azimuth=270), Pointing(0, 70, PierSide.EAST), "azimuth 0.0° is not from 90.0°"),
        (Limits(from_azimuth=270, to_azimuth=90), Pointing(0, 70, PierSide.EAST), ""),  # through north
        (Limits(from_azimuth=270, to_azimuth=90), Pointing(0, 20, PierSide.EAST), "azimuth 180.0° is not"),
        (Limits(), Pointing(14, 20, PierSide.WEST), ""),
        (Limits(), Pointing(16, 20, PierSide.WEST), "it is 16.0° past the meridian"),
        (Limits(), Pointing(-16, 20, PierSide.EAST), "it is 16.0° past the meridian"),
        (Limits(), Pointing(-14, 20, PierSide.EAST), ""),
    ],
)
def test_limits(limits: Limits, pointing: Pointing, wrong: str) -> None:
    assert limits.violation(pointing, 50.0).startswith(wrong)
    assert bool(limits.violation(pointing, 50.0)) == bool(wrong)
