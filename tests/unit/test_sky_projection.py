"""Sky to pixels: compared with astropy's reading of the header, and with astropy's precession."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("astropy", reason="the simulators' sky needs the extra `simulators`")

import astropy.units as u
import numpy as np
from astropy.coordinates import ICRS, TETE, SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.utils import iers
from astropy.wcs import WCS

from indigevent.simulators.sky.projection import Optics, Projection, Window, to_j2000

WHOLE = Window(0, 0, 1280, 1024)


def optics(rotation_deg: float = 0.0, pixel_y_um: float = 5.2) -> Optics:
    return Optics(500.0, 5.2, pixel_y_um, 1280, 1024, rotation_deg)


def world(projection: Projection) -> WCS:
    header = fits.Header()
    for key, value, comment in projection.wcs_cards():
        header[key] = (value, comment)
    return WCS(header)


@pytest.mark.parametrize("center", [(83.8, -5.4), (0.02, 40.0), (359.98, -70.0), (120.0, 89.9), (10.0, -90.0)])
@pytest.mark.parametrize("rotation_deg", [0.0, 37.0, -120.0, 180.0])
@pytest.mark.parametrize("pixel_y_um", [5.2, 7.8])
@pytest.mark.parametrize("window", [WHOLE, Window(100, 300, 640, 400), Window(7, 11, 1001, 701, 2, 3)])
def test_astropy_puts_stars_where_we_draw_them(
    center: tuple[float, float], rotation_deg: float, pixel_y_um: float, window: Window
) -> None:
    projection = Projection(*center, optics(rotation_deg, pixel_y_um), window)
    x, y = np.meshgrid(np.linspace(0, window.columns - 1, 5), np.linspace(0, window.rows - 1, 5))
    ra_deg, dec_deg = world(projection).all_pix2world(x, y, 0)
    ours_x, ours_y = projection.to_pixels(ra_deg, dec_deg)
    assert np.abs((ours_x + 0.5) / window.bin_x - 0.5 - x).max() < 0.001
    assert np.abs((ours_y + 0.5) / window.bin_y - 0.5 - y).max() < 0.001


def test_without_rotation_north_is_up_and_east_is_left() -> None:
    projection = Projection(100.0, 20.0, optics(), WHOLE)
    x, y = projection.to_pixels(np.array([100.0, 100.0, 100.1]), np.array([20.0, 20.1, 20.0]))
    assert (x[0], y[0]) == pytest.approx((639.5, 511.5))
    assert (x[1], y[1] > 600) == (pytest.approx(639.5), True)
    assert x[2] < 500


def test_a_rotated_chip_has_north_at_the_position_angle_of_its_y_axis() -> None:
    """At 90 degrees y grows towards east."""
    x, y = Projection(100.0, 0.0, optics(90.0), WHOLE).to_pixels(np.array([100.1]), np.array([0.0]))
    assert (x[0], y[0] > 600) == (pytest.approx(639.5), True)


def test_the_scale_is_that_of_the_telescope() -> None:
    assert optics().scale_deg[0] * 3600 == pytest.approx(206.265 * 5.2 / 500, rel=1e-4)
    assert optics().radius_deg == pytest.approx(math.hypot(640, 512) * optics().scale_deg[0], rel=1e-3)


def test_what_lies_behind_the_telescope_has_no_image() -> None:
    x, y = Projection(100.0, 20.0, optics(), WHOLE).to_pixels(np.array([280.0, 100.0]), np.array([-20.0, -89.0]))
    assert np.isnan(x).all()
    assert np.isnan(y).all()


@pytest.mark.parametrize("year", [2000, 2013, 2019, 2026])
@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(83.8, -5.4), (0.001, 40.0), (200.0, 89.9), (310.0, -88.0)])
def test_the_place_of_date_becomes_j2000_as_astropy_does_it(year: int, ra_deg: float, dec_deg: float) -> None:
    when = datetime(year, 7, 14, 22, 30, tzinfo=timezone.utc)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("iers_degraded_accuracy", "ignore"):
        place = SkyCoord(ra_deg * u.deg, dec_deg * u.deg, frame=ICRS()).transform_to(TETE(obstime=Time(when)))
        ours = SkyCoord(*to_j2000(place.ra.deg, place.dec.deg, when), unit="deg")
    assert ours.separation(SkyCoord(ra_deg, dec_deg, unit="deg")).arcsec < 0.01


def test_a_date_without_time_zone_is_utc_and_another_zone_is_reckoned() -> None:
    naive = datetime(2026, 3, 1, 12)
    elsewhere = datetime(2026, 3, 1, 17, tzinfo=timezone(timedelta(hours=5)))
    assert to_j2000(10.0, 20.0, naive) == to_j2000(10.0, 20.0, elsewhere)
