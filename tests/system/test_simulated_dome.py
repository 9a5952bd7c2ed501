"""The simulated dome as a client sees it through the server: rotation, shutter, parking, following a telescope."""

from __future__ import annotations

import time

import pytest

from indigevent.simulators.models.coordinates import horizontal, sidereal_time
from tests.lab.driver import ScriptedDriver
from tests.lab.instrument import Instrument
from tests.lab.lab import Lab
from tests.lab.server import Server

DOME = "indigevent.simulators.dome:DomeSimulator"
TELESCOPE = "indigevent.simulators.telescope:TelescopeSimulator"
POSITION = "ABS_DOME_POSITION"
AZIMUTH = "DOME_ABSOLUTE_POSITION"
LATITUDE, LONGITUDE = 51.4779, 0.0
OPEN, CLOSED, BETWEEN = (
    {"SHUTTER_OPEN": is_open, "SHUTTER_CLOSE": is_closed} for is_open, is_closed in ((1, 0), (0, 1), (0, 0))
)


def connected(lab: Lab, server: Server, device: str) -> Instrument:
    """A device that tells quickly what it does."""
    instrument = Instrument(lab, server, device)
    instrument.connect()
    instrument.set("POLLING_PERIOD", PERIOD_MS=50)
    return instrument


@pytest.fixture
def dome(lab: Lab) -> Instrument:
    return connected(lab, lab.server(DOME, HOME=str(lab.folder)), "Dome Simulator")


@pytest.fixture
def both(lab: Lab) -> tuple[Instrument, Instrument]:
    """The dome, and the telescope that it knows by default."""
    server = lab.server(DOME, TELESCOPE, HOME=str(lab.folder))
    telescope = connected(lab, server, "Telescope Simulator")
    telescope.set("ON_COORD_SET", SYNC=True)
    return connected(lab, server, "Dome Simulator"), telescope


def point(telescope: Instrument, hour_angle: float, dec: float) -> float:
    """Have the telescope look at an hour angle (hours) and a declination at once; return the azimuth there."""
    ra = (sidereal_time(time.time(), LONGITUDE) / 15 - hour_angle) % 24
    telescope.set("EQUATORIAL_EOD_COORD", RA=ra, DEC=dec)
    return horizontal(15 * hour_angle, dec, LATITUDE)[0]


def arrive(dome: Instrument) -> float:
    """Wait until the dome has been on its way and is there; return the azimuth."""
    dome.expect(POSITION, "Busy")
    return dome.expect(POSITION, "Ok")[AZIMUTH]


def slave(dome: Instrument) -> None:
    dome.set("DOME_AUTOSYNC", DOME_AUTOSYNC_ENABLE=True)
    dome.expect("DOME_AUTOSYNC", "Ok", DOME_AUTOSYNC_ENABLE=True)


def test_goes_the_shortest_way(dome: Instrument) -> None:
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=352)
    dome.expect("DOME_MOTION", "Busy", DOME_CCW=True)
    assert dome.expect(POSITION, "Busy")[AZIMUTH] >= 352
    assert dome.expect(POSITION, "Ok") == {AZIMUTH: 352}
    assert dome.latest("DOME_MOTION") == {"DOME_CW": False, "DOME_CCW": False}


def test_turns_by_some_degrees(dome: Instrument) -> None:
    dome.set("REL_DOME_POSITION", DOME_RELATIVE_POSITION=-5)
    dome.expect("REL_DOME_POSITION", "Busy", DOME_RELATIVE_POSITION=-5)
    assert dome.expect(POSITION, "Ok") == {AZIMUTH: 355}
    dome.expect("REL_DOME_POSITION", "Ok")


def test_turns_until_it_is_told_to_stop(dome: Instrument) -> None:
    dome.set("DOME_MOTION", DOME_CW=True)
    dome.expect("DOME_MOTION", "Busy", DOME_CW=True)
    first, later = dome.expect(POSITION, "Busy")[AZIMUTH], dome.expect(POSITION, "Busy")[AZIMUTH]
    assert later > first
    dome.set("DOME_MOTION", DOME_CW=False)
    dome.expect("DOME_MOTION", "Idle", DOME_CW=False)
    dome.set("DOME_MOTION", DOME_CCW=True)
    dome.expect("DOME_MOTION", "Busy", DOME_CCW=True, DOME_CW=False)


def test_an_abort_stops_rotation_and_shutter(dome: Instrument) -> None:
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=180)
    dome.set("DOME_SHUTTER", SHUTTER_OPEN=True)
    dome.expect("DOME_SHUTTER", "Busy", **OPEN)
    dome.set("DOME_ABORT_MOTION", ABORT=True)
    assert 180 < dome.expect(POSITION, "Idle")[AZIMUTH] < 360
    dome.expect("DOME_SHUTTER", "Idle", **BETWEEN)
    assert dome.expect("DOME_ABORT_MOTION", "Ok") == {"ABORT": False}
    dome.set("DOME_SHUTTER", SHUTTER_CLOSE=True)
    dome.expect("DOME_SHUTTER", "Busy", **CLOSED)
    dome.expect("DOME_SHUTTER", "Ok", **CLOSED)


def test_the_shutter_opens_in_its_time(dome: Instrument) -> None:
    dome.set("DOME_SHUTTER", SHUTTER_OPEN=True)
    dome.expect("DOME_SHUTTER", "Busy", **OPEN)
    began = time.monotonic()
    dome.expect("DOME_SHUTTER", "Ok", **OPEN)
    assert time.monotonic() - began > 3
    dome.set("DOME_SHUTTER", SHUTTER_OPEN=False)
    assert dome.refusal("DOME_SHUTTER").startswith("The shutter can be opened and closed")
    dome.expect("DOME_SHUTTER", "Ok", **OPEN)


def test_parks_with_its_shutter_closed_and_unparks_with_it_open(dome: Instrument) -> None:
    dome.set("DOME_SHUTTER_PARK_POLICY", SHUTTER_CLOSE_ON_PARK=True, SHUTTER_OPEN_ON_UNPARK=True)
    dome.set("DOME_PARK_POSITION", PARK_AZ=355)
    dome.set("DOME_SHUTTER", SHUTTER_OPEN=True)
    dome.expect("DOME_SHUTTER", "Busy", **OPEN)
    dome.set("DOME_PARK", PARK=True)
    dome.expect("DOME_SHUTTER", "Busy", **CLOSED)
    dome.expect("DOME_PARK", "Busy", PARK=True)
    dome.expect("DOME_PARK", "Ok", PARK=True)
    assert (dome.latest(POSITION), dome.latest("DOME_SHUTTER")) == ({AZIMUTH: 355}, CLOSED)
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=10)
    assert dome.refusal(POSITION) == "The dome is parked or parking: unpark it before moving it."
    dome.set("DOME_PARK", UNPARK=True)
    dome.expect("DOME_SHUTTER", "Busy", **OPEN)
    dome.expect("DOME_PARK", "Busy", UNPARK=True)
    dome.set("DOME_ABORT_MOTION", ABORT=True)
    dome.expect("DOME_PARK", "Ok", UNPARK=True)


def test_the_park_position_can_be_where_it_is(dome: Instrument) -> None:
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=3)
    arrive(dome)
    dome.set("DOME_PARK_OPTION", PARK_CURRENT=True)
    assert dome.expect("DOME_PARK_POSITION", "Ok") == {"PARK_AZ": 3}
    dome.set("DOME_PARK_OPTION", PARK_DEFAULT=True)
    assert dome.expect("DOME_PARK_POSITION", "Ok") == {"PARK_AZ": 90}


def test_what_is_written_is_there_again(lab: Lab, dome: Instrument) -> None:
    dome.set("DOME_PARK_POSITION", PARK_AZ=7)
    dome.set("DOME_PARK_OPTION", PARK_WRITE_DATA=True)
    dome.expect("DOME_PARK_OPTION", "Ok")
    again = connected(lab, lab.server(DOME, HOME=str(lab.folder)), "Dome Simulator")
    assert again.expect("DOME_PARK_POSITION", "Ok") == {"PARK_AZ": 7}


def test_follows_the_telescope(both: tuple[Instrument, Instrument]) -> None:
    dome, telescope = both
    azimuth = point(telescope, 10, 65)
    slave(dome)
    assert 345 < azimuth < 347
    assert arrive(dome) == pytest.approx(azimuth, abs=0.5)
    point(telescope, 12, 65)
    assert (arrive(dome) + 180) % 360 == pytest.approx(180, abs=0.5)


def test_is_moved_by_the_telescope_alone_while_it_follows(both: tuple[Instrument, Instrument]) -> None:
    dome, telescope = both
    slave(dome)
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=200)
    why = "The dome follows Telescope Simulator: disable DOME_AUTOSYNC before moving it by hand."
    assert dome.refusal(POSITION) == why
    point(telescope, 0, 20)
    dome.expect(POSITION, "Busy")
    dome.set("DOME_ABORT_MOTION", ABORT=True)
    dome.expect("DOME_AUTOSYNC", "Ok", DOME_AUTOSYNC_DISABLE=True)
    dome.expect(POSITION, "Idle")
    dome.set(POSITION, DOME_ABSOLUTE_POSITION=200)
    dome.expect(POSITION, "Busy")


def test_leaves_a_small_difference_alone(both: tuple[Instrument, Instrument]) -> None:
    dome, telescope = both
    dome.set("DOME_PARAMS", AUTOSYNC_THRESHOLD=40)
    slave(dome)
    point(telescope, 10, 65)  # azimuth 346
    telescope.expect("EQUATORIAL_EOD_COORD", "Idle")
    dome.set("DOME_PARAMS", AUTOSYNC_THRESHOLD=41)
    dome.expect("DOME_PARAMS", "Ok", AUTOSYNC_THRESHOLD=41)
    assert not dome.client.has("setNumberVector", name=POSITION, state="Busy")
    dome.set("DOME_PARAMS", AUTOSYNC_THRESHOLD=5)
    dome.expect(POSITION, "Busy")


def test_measurements_that_cannot_be_are_told(both: tuple[Instrument, Instrument]) -> None:
    dome, _ = both
    slave(dome)
    dome.set("DOME_MEASUREMENTS", DM_DOME_RADIUS=2, DM_NORTH_DISPLACEMENT=3)
    assert dome.refusal("DOME_AUTOSYNC").startswith("The telescope is outside the dome by DOME_MEASUREMENTS")
    dome.set("DOME_MEASUREMENTS", DM_NORTH_DISPLACEMENT=0)
    dome.expect("DOME_AUTOSYNC", "Ok")


def test_a_mount_that_locks_is_parked_first(both: tuple[Instrument, Instrument]) -> None:
    dome, telescope = both
    dome.set("MOUNT_POLICY", MOUNT_LOCKS=True)
    dome.set("DOME_PARK", PARK=True)
    why = "Telescope Simulator is not parked: park it first, or choose MOUNT_IGNORED."
    assert dome.refusal("DOME_PARK") == why
    telescope.set("TELESCOPE_PARK", PARK=True)
    telescope.expect("TELESCOPE_PARK", "Ok", PARK=True)
    dome.set("DOME_PARK", PARK=True)
    dome.expect("DOME_PARK", "Busy", PARK=True)


def test_follows_the_telescope_that_it_is_told_to(lab: Lab) -> None:
    mount = lab.driver("mount")
    dome = connected(lab, lab.server(DOME, mount, HOME=str(lab.folder)), "Dome Simulator")
    slave(dome)
    dome.set("ACTIVE_DEVICES", ACTIVE_TELESCOPE="My Mount")
    dome.expect("ACTIVE_DEVICES", "Ok", ACTIVE_TELESCOPE="My Mount")
    tell(mount, "GEOGRAPHIC_COORD", LAT=LATITUDE, LONG=LONGITUDE)
    ra = (sidereal_time(time.time(), LONGITUDE) / 15 - 10) % 24
    tell(mount, "EQUATORIAL_EOD_COORD", RA=ra, DEC=65)
    assert arrive(dome) == pytest.approx(horizontal(150, 65, LATITUDE)[0], abs=0.5)


def tell(mount: ScriptedDriver, name: str, **elements: float) -> None:
    content = "".join(
        f"<defNumber name='{key}' format='%g' min='0' max='0' step='0'>{value}</defNumber>"
        for key, value in elements.items()
    )
    where = f"device='My Mount' name='{name}' state='Ok' perm='rw'"
    mount.send(f"<defNumberVector {where}>{content}</defNumberVector>")
