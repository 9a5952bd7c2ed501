"""What the sensor makes of the light: electrons of stars, sky and heat, noise, binning, gain, saturation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from indigevent.simulators.sky.catalogue import Floats
from indigevent.simulators.sky.projection import Window

Image = NDArray[np.uint16]
_Electrons = NDArray[np.float32]

SATURATION = 65535
_PHOTONS_PER_S_CM2 = 8.8e5  # from a star of magnitude 0 above the atmosphere, in the V band
_SIGMAS_PER_FWHM = 2 * math.sqrt(2 * math.log(2))
_SHARPEST_FWHM_PX = 1.2  # narrower ones would fall between the pixel centres where the profile is sampled
_BLURRIEST_FWHM_PX = 50.0  # beyond it the light is lost in the background, and drawing it takes long
_FAINTEST_EDGE_E = 0.1  # a star is drawn until its light per pixel falls below this
_MIN_RADIUS_SIGMAS, _MAX_RADIUS_SIGMAS = 3.5, 7.0


class FrameType(Enum):
    """What the frame is of; the values are those of the FITS card FRAME."""

    LIGHT = "Light"
    BIAS = "Bias"
    DARK = "Dark"
    FLAT = "Flat"


@dataclass(frozen=True)
class Sensor:
    """A CCD.

    Arguments:
        gain_e_per_adu: electrons for one count.
        offset_adu: counts of a pixel without any electrons.
        read_noise_e: standard deviation of one reading, in electrons.
        dark_e_per_s: dark current of an unbinned pixel at 0 degrees Celsius.
        dark_doubling_celsius: the warming that doubles the dark current.
    """

    gain_e_per_adu: float = 1.0
    offset_adu: float = 500.0
    read_noise_e: float = 6.0
    dark_e_per_s: float = 0.1
    dark_doubling_celsius: float = 6.0

    def dark_current(self, celsius: float) -> float:
        """Return electrons per second and unbinned pixel at a temperature."""
        return self.dark_e_per_s * float(2 ** (celsius / self.dark_doubling_celsius))


@dataclass(frozen=True)
class Light:
    """The light that reaches the sensor.

    Arguments:
        x, y: places of the stars in unbinned pixels of the window, from 0; nan and places outside are allowed.
        magnitude: of each star.
        zero_point_e_per_s: electrons per second from a star of magnitude 0.
        sky_e_per_s: of the sky, for each unbinned pixel.
        fwhm_px: width of a star at half its height, in unbinned pixels.
        flat_e_per_s: of the panel in front of the telescope, for each unbinned pixel; only flats see it.
    """

    x: Floats
    y: Floats
    magnitude: Floats
    zero_point_e_per_s: float
    sky_e_per_s: float
    fwhm_px: float
    flat_e_per_s: float = 20000.0


@dataclass(frozen=True)
class Exposure:
    """How the frame is taken: its kind, its time in seconds, the sensor's temperature in degrees Celsius."""

    frame_type: FrameType
    seconds: float
    celsius: float


def zero_point(aperture_mm: float, efficiency: float = 0.4) -> float:
    """Return electrons per second from a star of magnitude 0.

    Arguments:
        aperture_mm: diameter of the telescope.
        efficiency: the part of the photons that become electrons, after air, glass and silicon.
    """
    return _PHOTONS_PER_S_CM2 * math.pi / 4 * (aperture_mm / 10) ** 2 * efficiency


def sky_background(zero_point_e_per_s: float, pixel_area_arcsec2: float, magnitude: float = 20.0) -> float:
    """Return the sky's electrons per second and pixel; its brightness is in magnitudes per square arcsecond."""
    return float(zero_point_e_per_s * pixel_area_arcsec2 * 10 ** (-0.4 * magnitude))


def fwhm_pixels(best_focus: float, position: float, seeing_px: float, steps_per_pixel: float = 500.0) -> float:
    """Return the width of a star, in pixels: the seeing, and the blur of a focuser that is not at its best position.

    Arguments:
        best_focus, position: in steps of the focuser.
        seeing_px: width at the best focus.
        steps_per_pixel: the steps away from it that add one pixel of blur.
    """
    return min(math.hypot(seeing_px, (position - best_focus) / steps_per_pixel), _BLURRIEST_FWHM_PX)


def render(light: Light, sensor: Sensor, exposure: Exposure, window: Window, random: np.random.Generator) -> Image:
    """Return the frame, rows by columns; the same generator in the same state gives the same frame.

    Binned pixels are the sum of their electrons, read once, as CCDs do it.
    """
    electrons = _binned(_expected(light, sensor, exposure, window), window)
    # Shot noise and read noise together as one normal: alike in a histogram, and several times as fast as Poisson.
    noise = random.standard_normal(electrons.shape, dtype=np.float32)
    noise *= np.sqrt(electrons + np.float32(sensor.read_noise_e**2))
    electrons += noise
    counts = electrons / np.float32(sensor.gain_e_per_adu) + np.float32(sensor.offset_adu)
    frame: Image = np.clip(np.rint(counts), 0, SATURATION).astype(np.uint16)
    return frame


def _expected(light: Light, sensor: Sensor, exposure: Exposure, window: Window) -> _Electrons:
    """Return the mean electrons of each unbinned pixel of the window."""
    per_s = 0.0 if exposure.frame_type is FrameType.BIAS else sensor.dark_current(exposure.celsius)
    if exposure.frame_type is FrameType.LIGHT:
        per_s += light.sky_e_per_s
    elif exposure.frame_type is FrameType.FLAT:
        per_s += light.flat_e_per_s
    electrons = np.full((window.height, window.width), per_s * exposure.seconds, dtype=np.float32)
    if exposure.frame_type is FrameType.LIGHT:
        _add_stars(electrons, light, exposure.seconds)
    return electrons


def _add_stars(electrons: _Electrons, light: Light, seconds: float) -> None:
    sigma = min(max(light.fwhm_px, _SHARPEST_FWHM_PX), _BLURRIEST_FWHM_PX) / _SIGMAS_PER_FWHM
    flux = light.zero_point_e_per_s * seconds * 10 ** (-0.4 * light.magnitude)
    height, width = electrons.shape
    reach = _MAX_RADIUS_SIGMAS * sigma + 1
    # Comparisons with nan are false: stars without an image are left out.
    seen = (light.x > -reach) & (light.x < width + reach) & (light.y > -reach) & (light.y < height + reach)
    for x, y, star_e in zip(light.x[seen], light.y[seen], flux[seen], strict=True):
        _add_star(electrons, float(x), float(y), float(star_e), sigma)


def _add_star(electrons: _Electrons, x: float, y: float, star_e: float, sigma: float) -> None:
    """Add a Gaussian; cut by the frame's edge, it keeps its height."""
    peak = star_e / (2 * math.pi * sigma**2)
    sigmas = math.sqrt(2 * math.log(peak / _FAINTEST_EDGE_E)) if peak > _FAINTEST_EDGE_E else 0.0
    radius = math.ceil(min(max(sigmas, _MIN_RADIUS_SIGMAS), _MAX_RADIUS_SIGMAS) * sigma)
    columns, across = _profile(x, radius, sigma, electrons.shape[1])
    rows, along = _profile(y, radius, sigma, electrons.shape[0])
    electrons[rows, columns] += np.float32(star_e) * np.outer(along, across)


def _profile(center: float, radius: int, sigma: float, size: int) -> tuple[slice, _Electrons]:
    """Return which pixels of a row or column a star touches, and each one's share of its light."""
    first = round(center) - radius
    places = np.arange(first, first + 2 * radius + 1, dtype=np.float64)
    shares = np.exp(-(((places - center) / sigma) ** 2) / 2)
    shares /= shares.sum()
    begin, end = max(first, 0), min(first + len(places), size)
    end = max(begin, end)
    return slice(begin, end), shares[begin - first : end - first].astype(np.float32)


def _binned(electrons: _Electrons, window: Window) -> _Electrons:
    if window.bin_x == window.bin_y == 1:
        return electrons
    whole = electrons[: window.rows * window.bin_y, : window.columns * window.bin_x]
    blocks = whole.reshape(window.rows, window.bin_y, window.columns, window.bin_x)
    summed: _Electrons = blocks.sum(axis=(1, 3), dtype=np.float32)
    return summed
