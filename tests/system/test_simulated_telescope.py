"""The simulated telescope as a client sees it through the server: pointing, tracking, guiding, parking, limits."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from indigevent.simulators.models.coordinates import sidereal_time
from tests.lab.instrument import Instrument
from tests.lab.lab import Lab

SIMULATOR = "indigevent.simulators.telescope:TelescopeSimulator"
DEVICE = "Telescope Simulator"
COORDINATES = "EQUATORIAL_EOD_COORD"
LATITUDE, LONGITUDE = 51.4779, 0.0
ARC_SECOND = 1 / 3600
SIDEREAL_RATE = 15.041067  # arc seconds per second


def right_ascension(hour_angle: float) -> float:
    """Return what is at an hour angle now, both in hours."""
    return (sidereal_time(time.time(), LONGITUDE) / 15 - hour_angle) % 24


def at(ra: float, dec: float) -> object:
    """Compare equal to coordinates within an arc second."""
    return pytest.approx({"RA": ra, "DEC": dec}, abs=ARC_SECOND / 15)


@pytest.fixture
def open_telescope(lab: Lab) -> Callable[[], Instrument]:
    """Give a function that starts a server with the telescope and connects it."""

    def open_one() -> Instrument:
        telescope = Instrument(lab, lab.server(SIMULATOR, HOME=str(lab.folder)), DEVICE)
        telescope.connect()
        return telescope

    return open_one


@pytest.fixture
def telescope(open_telescope: Callable[[], Instrument]) -> Instrument:
    return open_telescope()


def sync(telescope: Instrument, hour_angle: float, dec: float) -> float:
    """Have the telescope point at an hour angle without slewing; return the right ascension in hours."""
    ra = right_ascension(hour_angle)
    telescope.set("ON_COORD_SET", SYNC=True)
    telescope.set(COORDINATES, RA=ra, DEC=dec)
    telescope.expect("ON_COORD_SET", "Ok")
    telescope.set("ON_COORD_SET", TRACK=True)
    telescope.expect("ON_COORD_SET", "Ok")
    return ra


def track(telescope: Instrument, hour_angle: float, dec: float) -> float:
    """The same, and follow the sky there; until it did, the sky went on."""
    sync(telescope, hour_angle, dec)
    telescope.set("TELESCOPE_TRACK_STATE", TRACK_ON=True)
    ra: float = telescope.expect(COORDINATES, "Ok")["RA"]
    telescope.expect("TELESCOPE_TRACK_STATE", "Busy")
    return ra


def test_a_goto_arrives_and_tracks(telescope: Instrument) -> None:
    ra = sync(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra - 0.05, DEC=41)
    assert telescope.expect("TARGET_EOD_COORD", "Ok") == at(ra - 0.05, 41)
    on_the_way = telescope.expect(COORDINATES, "Busy")
    assert on_the_way != at(ra - 0.05, 41)
    assert telescope.expect(COORDINATES, "Ok") == at(ra - 0.05, 41)
    telescope.expect("TELESCOPE_TRACK_STATE", "Busy", TRACK_ON=True)
    assert telescope.message() == "The slew is complete, the mount tracks."
    assert telescope.latest("TELESCOPE_PIER_SIDE") == {"PIER_WEST": False, "PIER_EAST": True}


def test_the_way_is_told(telescope: Instrument) -> None:
    telescope.set("POLLING_PERIOD", PERIOD_MS=50)
    ra = sync(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra, DEC=42)
    declinations = [telescope.expect(COORDINATES, "Busy")["DEC"] for _ in range(5)]
    assert declinations == sorted(declinations)
    assert 40 <= declinations[0] < declinations[-1] < 42


def test_a_slew_without_tracking_leaves_the_sky_to_turn(telescope: Instrument) -> None:
    ra = sync(telescope, 2, 40)
    telescope.set("ON_COORD_SET", SLEW=True)
    telescope.set(COORDINATES, RA=ra, DEC=40.5)
    telescope.expect(COORDINATES, "Busy")
    first, later = telescope.expect(COORDINATES, "Idle"), telescope.expect(COORDINATES, "Idle")
    assert first == at(ra, 40.5)
    assert later["RA"] > first["RA"]
    assert later["DEC"] == first["DEC"]


def test_a_new_goto_replaces_the_old(telescope: Instrument) -> None:
    ra = sync(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra, DEC=80)
    telescope.expect(COORDINATES, "Busy")
    telescope.set(COORDINATES, RA=ra, DEC=40.2)
    assert telescope.expect(COORDINATES, "Ok") == at(ra, 40.2)


def test_a_sync_changes_what_it_points_at_and_nothing_else(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    ra = right_ascension(1.9)
    telescope.set("ON_COORD_SET", SYNC=True)
    telescope.set(COORDINATES, RA=ra, DEC=39)
    assert telescope.expect(COORDINATES, "Ok") == at(ra, 39)
    assert telescope.latest("TELESCOPE_TRACK_STATE")["TRACK_ON"]


def test_nothing_is_told_of_a_telescope_that_tracks_but_where_it_looks(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set("POLLING_PERIOD", PERIOD_MS=20)
    telescope.expect("POLLING_PERIOD", "Ok")
    telescope.expect("HORIZONTAL_COORD", "Ok")
    before = len(telescope.client.inbox)
    first, later = telescope.latest("HORIZONTAL_COORD"), telescope.expect("HORIZONTAL_COORD", "Ok")
    assert 0 < abs(later["AZ"] - first["AZ"]) + abs(later["ALT"] - first["ALT"]) < 0.1
    assert {message.attributes["name"] for message in telescope.client.inbox[before:]} == {"HORIZONTAL_COORD"}


def test_parks_and_unparks(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set("TELESCOPE_PARK_POSITION", PARK_HA=2.05, PARK_DEC=41)
    telescope.expect("TELESCOPE_PARK_POSITION", "Ok")
    telescope.set("TELESCOPE_PARK", PARK=True)
    telescope.expect("TELESCOPE_PARK", "Busy", PARK=True)
    telescope.expect("TELESCOPE_PARK", "Ok", PARK=True)
    assert telescope.latest("TELESCOPE_TRACK_STATE") == {"TRACK_ON": False, "TRACK_OFF": True}
    assert telescope.latest(COORDINATES) == pytest.approx({"RA": right_ascension(2.05), "DEC": 41}, abs=0.01)
    telescope.set(COORDINATES, RA=right_ascension(2), DEC=40)
    assert telescope.refusal(COORDINATES) == "The mount is parked: unpark it before it can slew."
    telescope.set("TELESCOPE_PARK", UNPARK=True)
    telescope.expect("TELESCOPE_PARK", "Ok", UNPARK=True)
    telescope.set(COORDINATES, RA=right_ascension(2), DEC=40)
    telescope.expect(COORDINATES, "Ok")


def test_a_refusal_is_alert_until_the_next_look(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set(COORDINATES, RA=right_ascension(2), DEC=-80)
    telescope.refusal(COORDINATES)
    telescope.expect(COORDINATES, "Ok")


def test_parking_can_be_aborted(telescope: Instrument) -> None:
    sync(telescope, 2, 40)
    telescope.set("TELESCOPE_PARK", PARK=True)
    telescope.expect("TELESCOPE_PARK", "Busy")
    telescope.set("TELESCOPE_PARK", UNPARK=True)
    assert "wait until it is there, or abort" in telescope.refusal("TELESCOPE_PARK")
    telescope.set("TELESCOPE_ABORT_MOTION", ABORT=True)
    telescope.expect("TELESCOPE_PARK", "Ok", UNPARK=True)
    assert telescope.expect("TELESCOPE_ABORT_MOTION", "Ok") == {"ABORT": False}


def test_the_park_position_can_be_where_it_is(telescope: Instrument) -> None:
    sync(telescope, 3, 30)
    telescope.set("TELESCOPE_PARK_OPTION", PARK_CURRENT=True)
    here = {"PARK_HA": pytest.approx(3, abs=0.01), "PARK_DEC": 30}
    assert telescope.expect("TELESCOPE_PARK_POSITION", "Ok") == here
    telescope.set("TELESCOPE_PARK_OPTION", PARK_DEFAULT=True)
    assert telescope.expect("TELESCOPE_PARK_POSITION", "Ok") == {"PARK_HA": -6, "PARK_DEC": 90}


def test_refuses_to_look_below_the_horizon_until_the_limit_is_changed(telescope: Instrument) -> None:
    ra = sync(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra, DEC=-80)
    assert "is below the limit of 0.0°" in telescope.refusal(COORDINATES)
    telescope.set("TELESCOPE_LIMITS", ALTITUDE_MIN=-90)
    telescope.expect("TELESCOPE_LIMITS", "Ok")
    telescope.set(COORDINATES, RA=ra, DEC=-80)
    telescope.expect(COORDINATES, "Busy")
    telescope.set("TELESCOPE_LIMITS", ALTITUDE_MIN=50, ALTITUDE_MAX=40)
    assert telescope.refusal("TELESCOPE_LIMITS").startswith("No altitude is left")


def test_stops_at_a_limit_and_says_so(telescope: Instrument) -> None:
    sync(telescope, 2, 40)
    telescope.set("TELESCOPE_SLEW_RATE", **{"4x": True})
    telescope.set("TELESCOPE_MOTION_NS", MOTION_SOUTH=True)
    telescope.expect("TELESCOPE_MOTION_NS", "Busy")
    telescope.set("TELESCOPE_LIMITS", ALTITUDE_MIN=62)
    assert telescope.expect("TELESCOPE_MOTION_NS", "Idle") == {"MOTION_NORTH": False, "MOTION_SOUTH": False}
    telescope.client.pump.wait(lambda: telescope.client.has("message"), lambda: "a message why it stopped")
    assert any("below the limit of 62.0°" in line for line in telescope.client.lines())


def test_an_abort_stops_it_and_it_tracks_where_it_stands(telescope: Instrument) -> None:
    ra = track(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra, DEC=80)
    telescope.expect(COORDINATES, "Busy")
    telescope.set("TELESCOPE_ABORT_MOTION", ABORT=True)
    assert 40 <= telescope.expect(COORDINATES, "Ok")["DEC"] < 79
    assert telescope.expect("TELESCOPE_ABORT_MOTION", "Ok") == {"ABORT": False}


@pytest.mark.parametrize(
    ("name", "element", "ra_sign", "dec_sign"),
    [
        ("TELESCOPE_TIMED_GUIDE_NS", "TIMED_GUIDE_N", 0, 1),
        ("TELESCOPE_TIMED_GUIDE_NS", "TIMED_GUIDE_S", 0, -1),
        ("TELESCOPE_TIMED_GUIDE_WE", "TIMED_GUIDE_W", -1, 0),
        ("TELESCOPE_TIMED_GUIDE_WE", "TIMED_GUIDE_E", 1, 0),
    ],
)
def test_a_guide_pulse_moves_it_by_rate_and_time(
    telescope: Instrument, name: str, element: str, ra_sign: int, dec_sign: int
) -> None:
    ra = track(telescope, 2, 40)
    telescope.set("POLLING_PERIOD", PERIOD_MS=600_000)  # a pulse ends in time all the same
    telescope.set("GUIDE_RATE", GUIDE_RATE_WE=0.8, GUIDE_RATE_NS=0.8)
    telescope.set(name, **{element: 400})
    assert telescope.expect(name, "Busy")[element] == 400
    assert set(telescope.expect(name, "Idle").values()) == {0}
    moved = 0.8 * 0.4 * SIDEREAL_RATE * ARC_SECOND
    position = telescope.latest(COORDINATES)
    assert (position["RA"] - ra) * 15 == pytest.approx(ra_sign * moved, abs=0.1 * ARC_SECOND)
    assert position["DEC"] - 40 == pytest.approx(dec_sign * moved, abs=0.1 * ARC_SECOND)


def test_a_pulse_of_nothing_ends_the_one_under_way(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set("TELESCOPE_TIMED_GUIDE_NS", TIMED_GUIDE_N=60000, TIMED_GUIDE_S=0)
    telescope.expect("TELESCOPE_TIMED_GUIDE_NS", "Busy")
    telescope.set("TELESCOPE_TIMED_GUIDE_NS", TIMED_GUIDE_N=0)
    telescope.expect("TELESCOPE_TIMED_GUIDE_NS", "Idle")
    telescope.set("TELESCOPE_TIMED_GUIDE_NS", TIMED_GUIDE_N=10, TIMED_GUIDE_S=10)
    assert "one way at a time" in telescope.refusal("TELESCOPE_TIMED_GUIDE_NS")


@pytest.mark.parametrize(("reverse", "sign"), [(False, 1), (True, -1)])
def test_moves_by_hand_until_told_to_stop(telescope: Instrument, reverse: bool, sign: int) -> None:
    track(telescope, 2, 40)
    telescope.set("TELESCOPE_REVERSE_MOTION", REVERSE_NS=reverse)
    telescope.set("TELESCOPE_MOTION_NS", MOTION_NORTH=True)
    telescope.expect("TELESCOPE_MOTION_NS", "Busy", MOTION_NORTH=True)
    first = telescope.expect(COORDINATES, "Ok")["DEC"]
    telescope.set("TELESCOPE_SLEW_RATE", **{"4x": True})
    telescope.expect("TELESCOPE_MOTION_NS", "Busy", MOTION_NORTH=True)
    later = telescope.expect(COORDINATES, "Ok")["DEC"]
    assert (later - first) * sign > 0
    telescope.set("TELESCOPE_MOTION_NS", MOTION_NORTH=False)
    assert telescope.expect("TELESCOPE_MOTION_NS", "Idle") == {"MOTION_NORTH": False, "MOTION_SOUTH": False}


def test_moves_west_towards_smaller_right_ascensions(telescope: Instrument) -> None:
    ra = track(telescope, 2, 40)
    telescope.set("TELESCOPE_MOTION_WE", MOTION_WEST=True)
    telescope.expect("TELESCOPE_MOTION_WE", "Busy")
    assert telescope.expect(COORDINATES, "Ok")["RA"] < ra


def test_tracks_at_a_rate_of_the_user(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set("TELESCOPE_TRACK_RATE", TRACK_RATE_RA=SIDEREAL_RATE, TRACK_RATE_DE=3600)
    telescope.set("TELESCOPE_TRACK_MODE", TRACK_CUSTOM=True)
    first, later = telescope.expect(COORDINATES, "Ok"), telescope.expect(COORDINATES, "Ok")
    assert later["DEC"] > first["DEC"] > 40
    telescope.set("TELESCOPE_TRACK_STATE", TRACK_OFF=True)
    telescope.expect("TELESCOPE_TRACK_STATE", "Idle", TRACK_OFF=True)


def test_what_is_so_already_is_confirmed(telescope: Instrument) -> None:
    track(telescope, 2, 40)
    telescope.set("TELESCOPE_TRACK_STATE", TRACK_ON=True)
    telescope.expect("TELESCOPE_TRACK_STATE", "Busy", TRACK_ON=True)
    assert not telescope.client.has("setSwitchVector", name="TELESCOPE_TRACK_STATE", state="Ok")


def test_its_clock_and_place_turn_the_sky(telescope: Instrument) -> None:
    sync(telescope, 2, 40)
    before = right_ascension(2)
    six_hours_later = time.gmtime(time.time() + 6 * 3600)
    telescope.set("TIME_UTC", UTC=time.strftime("%Y-%m-%dT%H:%M:%S", six_hours_later), OFFSET="1")
    telescope.expect("TIME_UTC", "Ok")
    later = telescope.expect(COORDINATES, "Idle")["RA"]
    assert (later - before) % 24 == pytest.approx(6.0164, abs=0.01)
    telescope.set("GEOGRAPHIC_COORD", LONG=90)
    telescope.expect("GEOGRAPHIC_COORD", "Ok")
    assert (telescope.expect(COORDINATES, "Idle")["RA"] - later) % 24 == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize(
    ("utc", "offset", "why"),
    [
        ("yesterday", "0", "'yesterday' is not a UTC time: it has to be like 2026-11-21T08:49:34"),
        ("2026-11-21T08:49:34", "CET", "'CET' is not an offset from UTC: it has to be hours, like -4 or 5.5"),
    ],
)
def test_a_time_that_is_none_is_refused(telescope: Instrument, utc: str, offset: str, why: str) -> None:
    telescope.set("TIME_UTC", UTC=utc, OFFSET=offset)
    assert telescope.refusal("TIME_UTC") == why


def test_site_park_position_and_optics_are_saved(open_telescope: Callable[[], Instrument]) -> None:
    telescope = open_telescope()
    telescope.set("GEOGRAPHIC_COORD", LAT=-33, LONG=151, ELEV=20)
    telescope.set("TELESCOPE_INFO", TELESCOPE_FOCAL_LENGTH=500)
    telescope.set("TELESCOPE_PARK_POSITION", PARK_HA=1, PARK_DEC=-20)
    telescope.expect("TELESCOPE_PARK_POSITION", "Ok")
    telescope.set("TELESCOPE_PARK_OPTION", PARK_WRITE_DATA=True)
    telescope.expect("TELESCOPE_PARK_OPTION", "Ok")
    again = open_telescope()
    again.expect("TELESCOPE_PARK_POSITION", "Ok", PARK_HA=1, PARK_DEC=-20)
    assert again.latest("GEOGRAPHIC_COORD") == {"LAT": -33, "LONG": 151, "ELEV": 20}
    assert again.latest("TELESCOPE_INFO")["TELESCOPE_FOCAL_LENGTH"] == 500


def test_disconnecting_ends_a_slew(telescope: Instrument) -> None:
    ra = sync(telescope, 2, 40)
    telescope.set(COORDINATES, RA=ra, DEC=80)
    telescope.expect(COORDINATES, "Busy")
    telescope.set("CONNECTION", DISCONNECT=True)
    telescope.expect("CONNECTION", "Idle")
    telescope.set("CONNECTION", CONNECT=True)
    telescope.expect("CONNECTION", "Ok")
    assert telescope.expect(COORDINATES, "Idle")["DEC"] < 79
