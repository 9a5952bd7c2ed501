"""The sensor and its FITS file: counts are what physics says, and stars are where the header says."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("astropy", reason="the simulators' sky needs the extra `simulators`")

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from indigevent.simulators.sky.catalogue import SYNTHETIC, Stars, field
from indigevent.simulators.sky.fits import FrameHeader, fits_bytes, sexagesimal
from indigevent.simulators.sky.image import (
    SATURATION,
    Exposure,
    FrameType,
    Image,
    Light,
    Sensor,
    fwhm_pixels,
    render,
    sky_background,
    zero_point,
)
from indigevent.simulators.sky.projection import Optics, Projection, Window

QUIET = Sensor(read_noise_e=0.0, dark_e_per_s=0.0, offset_adu=100.0)
EXPOSURE = Exposure(FrameType.LIGHT, 1.0, 0.0)
SMALL = Window(0, 0, 120, 100)


def light(*stars: tuple[float, float, float], sky_e_per_s: float = 0.0, fwhm_px: float = 3.0) -> Light:
    x, y, magnitude = np.array(stars, dtype=float).reshape(-1, 3).T
    return Light(x, y, magnitude, 1e9, sky_e_per_s, fwhm_px)


def image(
    scene: Light, sensor: Sensor = QUIET, exposure: Exposure = EXPOSURE, window: Window = SMALL, seed: int = 1
) -> Image:
    return render(scene, sensor, exposure, window, np.random.default_rng(seed))


def centroid(frame: Image, x: float, y: float, radius: int) -> tuple[float, float]:
    left, low = round(x) - radius, round(y) - radius
    box = frame[low : low + 2 * radius + 1, left : left + 2 * radius + 1].astype(float)
    box = np.clip(box - np.median(frame) * 1.5, 0, None)
    rows, columns = np.indices(box.shape)
    return left + float((columns * box).sum() / box.sum()), low + float((rows * box).sum() / box.sum())


def test_a_star_has_its_light_place_and_width() -> None:
    frame = image(light((60.3, 40.8, 10.0))).astype(float) - 100
    assert frame.sum() == pytest.approx(1e5, rel=0.02)
    rows, columns = np.indices(frame.shape)
    x, y = (columns * frame).sum() / frame.sum(), (rows * frame).sum() / frame.sum()
    assert (x, y) == (pytest.approx(60.3, abs=0.05), pytest.approx(40.8, abs=0.05))
    sigma = math.sqrt((((columns - x) ** 2) * frame).sum() / frame.sum())
    assert sigma * 2.355 == pytest.approx(3.0, rel=0.05)


def test_five_magnitudes_and_a_hundredfold_exposure_are_the_same() -> None:
    long = replace(EXPOSURE, seconds=100.0)
    bright, faint = image(light((60, 50, 10.0))), image(light((60, 50, 15.0)), exposure=long)
    assert (bright == faint).all()


@pytest.mark.parametrize(("x", "y"), [(-2.0, 50.0), (121.0, 50.0), (60.0, -1.0), (60.0, 100.5), (-1.0, -1.0)])
def test_a_star_at_the_edge_is_cut_there(x: float, y: float) -> None:
    frame = image(light((x, y, 8.0)))
    row, column = np.unravel_index(frame.argmax(), frame.shape)
    assert (column, row) == (min(max(round(x), 0), 119), min(max(round(y), 0), 99))
    assert frame.max() > 1000


@pytest.mark.parametrize("place", [(-500.0, 50.0), (60.0, 1e7), (math.nan, math.nan)])
def test_a_star_outside_leaves_no_trace(place: tuple[float, float]) -> None:
    assert (image(light((*place, -20.0))) == 100).all()


def test_bright_stars_saturate() -> None:
    frame = image(light((60, 50, 1.0)))
    assert frame.max() == SATURATION
    assert frame[50, 60] == SATURATION


def test_noise_gain_and_offset_are_the_sensors() -> None:
    """Mean and variance in electrons are the same but for the read noise: the photon transfer curve."""
    sensor = Sensor(gain_e_per_adu=2.0, offset_adu=300.0, read_noise_e=10.0, dark_e_per_s=0.0)
    frame = image(light(sky_e_per_s=5000.0), sensor, window=Window(0, 0, 500, 500)).astype(float)
    assert frame.mean() == pytest.approx(300 + 5000 / 2, rel=0.001)
    assert frame.var() * 4 == pytest.approx(5000 + 100, rel=0.03)


def test_dark_current_doubles_with_its_six_degrees() -> None:
    sensor = Sensor(dark_e_per_s=100.0, read_noise_e=0.0, offset_adu=0.0)
    dark = Exposure(FrameType.DARK, 10.0, 0.0)
    cold, warm = image(light(), sensor, dark), image(light(), sensor, replace(dark, celsius=6.0))
    assert cold.mean() == pytest.approx(1000, rel=0.01)
    assert warm.mean() == pytest.approx(2000, rel=0.01)


def test_each_kind_of_frame_shows_what_it_is_for() -> None:
    scene = replace(light((60, 50, 9.0), sky_e_per_s=50.0), flat_e_per_s=20000.0)
    sensor = replace(QUIET, dark_e_per_s=10.0)
    medians = {kind: np.median(image(scene, sensor, Exposure(kind, 1.0, 0.0))) for kind in FrameType}
    assert medians[FrameType.BIAS] == 100
    assert medians[FrameType.DARK] == pytest.approx(110, abs=1)
    assert medians[FrameType.LIGHT] == pytest.approx(160, abs=2)
    assert medians[FrameType.FLAT] == pytest.approx(20110, abs=20)
    starless = [image(scene, sensor, Exposure(kind, 1.0, 0.0)) for kind in (FrameType.BIAS, FrameType.DARK)]
    assert max(frame.max() for frame in starless) < 200


def test_binned_pixels_are_sums_and_incomplete_ones_are_left_out() -> None:
    frame = image(light(sky_e_per_s=1000.0), window=Window(0, 0, 121, 100, 2, 3))
    assert frame.shape == (33, 60)
    assert frame.mean() - 100 == pytest.approx(6000, rel=0.01)


def test_a_binned_pixel_is_read_once() -> None:
    noisy = replace(QUIET, read_noise_e=20.0, offset_adu=1000.0)
    assert image(light(), noisy, window=Window(0, 0, 600, 600, 3, 3)).std() == pytest.approx(20, rel=0.03)


def test_one_generator_state_gives_one_frame() -> None:
    scene = light((60, 50, 10.0), sky_e_per_s=100.0)
    assert (image(scene, seed=5) == image(scene, seed=5)).all()
    assert (image(scene, seed=5) != image(scene, seed=6)).any()


def test_focus_widens_stars_on_both_sides_of_the_best_position() -> None:
    assert fwhm_pixels(30000, 30000, 2.5) == 2.5
    assert fwhm_pixels(30000, 32000, 2.5) == fwhm_pixels(30000, 28000, 2.5) == pytest.approx(math.hypot(2.5, 4))
    assert fwhm_pixels(0, 1e9, 2.5) == 50.0


def test_the_zero_point_and_the_sky_grow_with_the_aperture() -> None:
    assert zero_point(200.0) == pytest.approx(4 * zero_point(100.0))
    assert sky_background(1e8, 4.0, 20.0) == pytest.approx(4.0)


def observe(center: tuple[float, float], optics: Optics, window: Window) -> tuple[bytes, Stars]:
    """Take a frame of the field, as a camera would; return its FITS file and the catalogue's stars in the field."""
    stars = field(*center, optics.radius_deg)
    projection = Projection(*center, optics, window)
    zero = zero_point(60.0)
    area = optics.scale_deg[0] * optics.scale_deg[1] * 3600**2
    scene = Light(
        *projection.to_pixels(stars.ra_deg, stars.dec_deg), stars.magnitude, zero, sky_background(zero, area), 3
    )
    sensor, exposure = Sensor(), Exposure(FrameType.LIGHT, 0.02, -10.0)
    frame = render(scene, sensor, exposure, window, np.random.default_rng(8))
    start = datetime(2026, 1, 2, 23, 4, 5, 678900, tzinfo=timezone.utc)
    header = FrameHeader(start, 0.02, "Light", "CCD", optics, window, 1.0, 500.0, -10.0, "Telescope", 60.0, *center)
    header = replace(header, wcs=projection.wcs_cards(), filter_name="Red", focus_position=30000.0)
    return fits_bytes(frame, header), stars.where(stars.number != SYNTHETIC)


@pytest.mark.parametrize(
    ("window", "rotation_deg", "expected"),
    [
        (Window(0, 0, 1280, 1024), 0.0, 3),
        (Window(0, 0, 1280, 1024), 75.0, 3),
        (Window(0, 0, 1280, 1024, 2, 2), 33.0, 3),
        (Window(400, 300, 480, 424), 0.0, 1),
    ],
)
def test_orions_belt_is_where_the_header_says(window: Window, rotation_deg: float, expected: int) -> None:
    optics = Optics(100.0, 5.2, 5.2, 1280, 1024, rotation_deg)
    data, known = observe((84.1, -1.15), optics, window)
    known = known.where(known.magnitude < 3)
    with fits.open(io.BytesIO(data)) as (unit,):
        frame, world = unit.data.copy(), WCS(unit.header)
    assert frame.shape == (window.rows, window.columns)
    found = 0
    for x, y in zip(*world.all_world2pix(known.ra_deg, known.dec_deg, 0), strict=True):
        if not (10 < x < window.columns - 10 and 10 < y < window.rows - 10):
            continue
        found += 1
        assert frame[round(y), round(x)] > 4 * np.median(frame)
        there = centroid(frame, x, y, 8)
        assert math.dist(there, (x, y)) < 0.5
    assert found == expected


def test_the_brightest_pixels_are_the_brightest_stars_of_the_pleiades() -> None:
    data, known = observe((56.75, 24.12), Optics(300.0, 5.2, 5.2, 1280, 1024, 10.0), Window(0, 0, 1280, 1024))
    with fits.open(io.BytesIO(data)) as (unit,):
        frame, world = unit.data.astype(float), WCS(unit.header)
    brightest = known.number[known.magnitude.argsort()][:4]
    for number in brightest:
        row, column = np.unravel_index(frame.argmax(), frame.shape)
        star = known.where(known.number == number)
        x, y = world.all_world2pix(star.ra_deg, star.dec_deg, 0)
        assert math.dist((column, row), (x[0], y[0])) < 1.5
        frame[row - 15 : row + 16, column - 15 : column + 16] = 0
    assert list(brightest) == [17702, 17847, 17499, 17573]


def test_the_header_says_what_programs_look_for() -> None:
    data, _ = observe((84.1, -1.15), Optics(100.0, 5.2, 5.0, 1280, 1024), Window(0, 0, 1280, 1024, 2, 4))
    with fits.open(io.BytesIO(data)) as (unit,):
        unit.verify("exception")
        header = unit.header
        assert unit.data.dtype == np.uint16
    said = {
        "BITPIX": 16,
        "BZERO": 32768,
        "DATE-OBS": "2026-01-02T23:04:05.678",
        "EXPTIME": 0.02,
        "FRAME": "Light",
        "IMAGETYP": "Light Frame",
        "XPIXSZ": 10.4,
        "YPIXSZ": 20.0,
        "XBINNING": 2,
        "YBINNING": 4,
        "CCD-TEMP": -10.0,
        "GAIN": 1.0,
        "OFFSET": 500.0,
        "INSTRUME": "CCD",
        "TELESCOP": "Telescope",
        "FOCALLEN": 100.0,
        "APTDIA": 60.0,
        "OBJCTRA": "05 36 24.00",
        "OBJCTDEC": "-01 09 00.00",
        "RA": 84.1,
        "DEC": -1.15,
        "FILTER": "Red",
        "FOCUSPOS": 30000.0,
        "EQUINOX": 2000.0,
    }
    assert {key: header[key] for key in said} == said


def test_what_is_not_known_is_not_in_the_header() -> None:
    optics, window = Optics(100.0, 5.2, 5.2, 20, 10), Window(0, 0, 20, 10)
    start = datetime(2026, 1, 2, 4, tzinfo=timezone(timedelta(hours=5)))
    header = FrameHeader(start, 1.0, "Dark", "CCD", optics, window, 1.0, 0.0)
    with fits.open(io.BytesIO(fits_bytes(np.zeros((10, 20), np.uint16), header))) as (unit,):
        assert unit.header["DATE-OBS"] == "2026-01-01T23:00:00.000"
        absent = {"TELESCOP", "CCD-TEMP", "RA", "DEC", "OBJCTRA", "EQUINOX", "FILTER", "FOCUSPOS", "CTYPE1", "APTDIA"}
        assert not absent & set(unit.header)


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (5.5881, False, "05 35 17.16"),
        (-5.909889, True, "-05 54 35.60"),
        (-0.01, True, "-00 00 36.00"),
        (89.99999999, True, "+90 00 00.00"),
        (23.99999999, False, "00 00 00.00"),
    ],
)
def test_sexagesimal_texts(value: float, signed: bool, text: str) -> None:
    assert sexagesimal(value, signed) == text
