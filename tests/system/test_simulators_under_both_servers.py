"""The whole observatory of six simulators, under the reference server and under ours: goto, focus, filter, picture."""

from __future__ import annotations

import math
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("astropy", reason="the simulated camera needs the extra `simulators`")

import numpy as np

from indigevent.simulators.models.coordinates import horizontal, sidereal_time
from indigevent.simulators.sky.catalogue import Stars, load
from tests.lab.instrument import Instrument
from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, REFERENCE
from tests.lab.vocabulary import enable_blob

from .conftest import NO_REFERENCE
from .test_simulated_camera import Picture, apparent

PROGRAMS = ("telescope", "ccd", "focuser", "wheel", "dome", "weather")
DEVICES = ("Telescope Simulator", "CCD Simulator", "Focuser Simulator", "Filter Simulator", "Dome Simulator")


def program(folder: Path, name: str) -> Path:
    """An executable that runs one simulator, as a user of any INDI server would write it."""
    path = folder / f"simulated_{name}"
    path.write_text(f"#!/bin/sh\nexec {sys.executable} -m indigevent.simulators.{name}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def well_placed_star(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the J2000 place of the brightest star that stands high in the east now."""
    stars: Stars = load()
    utc = time.time()
    for index in np.argsort(stars.magnitude):
        ra, dec = float(stars.ra_deg[index]), float(stars.dec_deg[index])
        hour_angle = (sidereal_time(utc, longitude) - ra + 180) % 360 - 180
        _, altitude = horizontal(hour_angle, dec, latitude)
        if -60 < hour_angle < -10 and altitude > 30:
            return ra, dec
    raise AssertionError("no star is well placed")


@pytest.fixture(params=[CANDIDATE, REFERENCE])
def lab(request: pytest.FixtureRequest, open_lab: Callable[[str], Lab], reference_installed: bool) -> Lab:
    if request.param == REFERENCE and not reference_installed:
        pytest.skip(NO_REFERENCE)
    return open_lab(request.param)


def test_an_evening_at_the_observatory(lab: Lab) -> None:
    server = lab.server(*(program(lab.folder, name) for name in PROGRAMS), HOME=str(lab.folder))
    mount, camera, focuser, wheel, dome = (Instrument(lab, server, device) for device in DEVICES)
    for instrument in (mount, focuser, wheel, dome, camera):
        instrument.definition("CONNECTION")
        instrument.connect()
    camera.client.send(enable_blob("Also", DEVICES[1]))

    mount.definition("TELESCOPE_INFO")
    mount.set("TELESCOPE_INFO", TELESCOPE_FOCAL_LENGTH=300)
    mount.expect("TELESCOPE_INFO", "Ok")
    site = mount.latest("GEOGRAPHIC_COORD")
    ra, dec = well_placed_star(site["LAT"], site["LONG"])
    hours, degrees = apparent(ra, dec)
    mount.set("TELESCOPE_TRACK_STATE", TRACK_ON=True)
    mount.expect("TELESCOPE_TRACK_STATE", "Busy")
    mount.set("ON_COORD_SET", SYNC=True)
    mount.expect("ON_COORD_SET", "Ok")
    mount.set("EQUATORIAL_EOD_COORD", RA=hours, DEC=degrees - 2)
    mount.expect("EQUATORIAL_EOD_COORD", "Ok")
    mount.set("ON_COORD_SET", TRACK=True)
    mount.expect("ON_COORD_SET", "Ok")
    mount.set("EQUATORIAL_EOD_COORD", RA=hours, DEC=degrees)
    mount.expect("EQUATORIAL_EOD_COORD", "Busy")
    arrived = mount.expect("EQUATORIAL_EOD_COORD", "Ok")
    assert arrived["DEC"] == pytest.approx(degrees, abs=1 / 3600)

    focuser.definition("ABS_FOCUS_POSITION")
    focuser.set("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=49000)
    focuser.expect("ABS_FOCUS_POSITION", "Ok", FOCUS_ABSOLUTE_POSITION=49000.0)
    wheel.definition("FILTER_SLOT")
    wheel.set("FILTER_SLOT", FILTER_SLOT_VALUE=3)
    wheel.expect("FILTER_SLOT", "Ok", FILTER_SLOT_VALUE=3.0)

    camera.definition("CCD_EXPOSURE")
    camera.set("CCD_EXPOSURE", CCD_EXPOSURE_VALUE=0.5)
    blob = camera.client.expect("setBLOBVector", device=DEVICES[1], name="CCD1")
    picture = Picture(blob.children[0].payload())
    assert picture.header["FILTER"] == "Blue"
    assert picture.header["FOCUSPOS"] == 49000
    assert math.isclose(picture.header["RA"], ra, abs_tol=0.01)
    assert math.isclose(picture.header["DEC"], dec, abs_tol=0.01)
    known = picture.in_view(load())
    assert len(known.ra_deg) >= 1
    for star_ra, star_dec in zip(known.ra_deg, known.dec_deg, strict=True):
        assert np.hypot(*picture.star(float(star_ra), float(star_dec))) < 2
