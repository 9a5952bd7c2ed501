"""The simulated camera's pictures: a scene becomes a FITS file or a frame of a video. Needs astropy; pure code."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from indigevent.simulators.camera.chip import HEIGHT, PIXEL_UM, WIDTH
from indigevent.simulators.camera.scene import Scene
from indigevent.simulators.sky.catalogue import field
from indigevent.simulators.sky.fits import FrameHeader, fits_bytes
from indigevent.simulators.sky.image import (
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
from indigevent.simulators.sky.projection import Optics, Projection, Window, to_j2000

# Where it looks while no telescope has said where it points: Alcyone and Merope of the Pleiades, J2000.
_DEFAULT_POINTING = 56.72, 24.05
# What filters let pass, by names that the filter wheel simulator and many users give them.
_TRANSMISSION = {"Red": 0.3, "Green": 0.3, "Blue": 0.3, "H_Alpha": 0.03, "SII": 0.03, "OIII": 0.03, "LPR": 0.6}
# People try a camera with exposures of a second, and are to see stars wherever it looks: it gathers more light than
# the telescope's aperture lets in.
_LIGHT_GAIN = 30.0
_SEED = 7624
# A video shows the lowest twelve bits above the offset: it is for finding and focusing in short exposures.
_VIDEO_SHIFT = 4


@dataclass(frozen=True)
class _Setting:
    """A scene in the words of the sky's package."""

    optics: Optics
    window: Window
    sensor: Sensor
    exposure: Exposure
    projection: Projection


class Studio:
    """Makes pictures; their noise is another each time, and the same in each run."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)

    def fits(self, scene: Scene) -> bytes:
        """Return a FITS file."""
        setting = _setting(scene)
        return fits_bytes(self._image(scene, setting), _header(scene, setting))

    def video(self, scene: Scene) -> bytes:
        """Return the rows of a video's frame, a byte for each pixel."""
        image = self._image(scene, _setting(scene)).astype(np.int32) - round(scene.reading.offset_adu)
        rows: bytes = np.clip(image >> _VIDEO_SHIFT, 0, 255).astype(np.uint8).tobytes()
        return rows

    def _image(self, scene: Scene, setting: _Setting) -> Image:
        light = _light(scene, setting)
        return render(light, setting.sensor, setting.exposure, setting.window, self._random)


def _setting(scene: Scene) -> _Setting:
    reading, outlook = scene.reading, scene.outlook
    optics = Optics(outlook.focal_length_mm, PIXEL_UM, PIXEL_UM, WIDTH, HEIGHT, outlook.rotation_deg)
    window = Window(reading.x, reading.y, reading.width, reading.height, reading.bin_x, reading.bin_y)
    ra_deg, dec_deg = _pointing(scene)
    return _Setting(
        optics,
        window,
        Sensor(gain_e_per_adu=reading.gain_e_per_adu, offset_adu=reading.offset_adu),
        Exposure(FrameType(reading.frame_type), scene.seconds, scene.celsius),
        Projection(ra_deg, dec_deg, optics, window),
    )


def _pointing(scene: Scene) -> tuple[float, float]:
    """Return where the chip's centre looks, J2000 degrees."""
    outlook = scene.outlook
    if outlook.ra_hours is None or outlook.dec_deg is None:
        ra_deg, dec_deg = _DEFAULT_POINTING
    else:
        ra_deg, dec_deg = to_j2000(outlook.ra_hours * 15, outlook.dec_deg, scene.start)
    return (ra_deg + scene.guided_ra_deg) % 360, max(-90.0, min(dec_deg + scene.guided_dec_deg, 90.0))


def _light(scene: Scene, setting: _Setting) -> Light:
    projection, optics, outlook = setting.projection, setting.optics, scene.outlook
    stars = field(projection.ra_deg, projection.dec_deg, optics.radius_deg)
    x, y = projection.to_pixels(stars.ra_deg, stars.dec_deg)
    brightness = _LIGHT_GAIN * zero_point(outlook.aperture_mm) * _TRANSMISSION.get(outlook.filter_name or "", 1.0)
    scale_x, scale_y = (degrees * 3600 for degrees in optics.scale_deg)
    focus = scene.best_focus if outlook.focus_position is None else outlook.focus_position
    return Light(
        x,
        y,
        stars.magnitude,
        brightness,
        sky_background(brightness, scale_x * scale_y, outlook.sky_magnitude),
        fwhm_pixels(scene.best_focus, focus, scene.seeing_arcsec / math.sqrt(scale_x * scale_y)),
    )


def _header(scene: Scene, setting: _Setting) -> FrameHeader:
    reading, outlook = scene.reading, scene.outlook
    shows_sky = setting.exposure.frame_type is FrameType.LIGHT
    return FrameHeader(
        start=scene.start,
        exposure_s=scene.seconds,
        frame_type=reading.frame_type,
        camera=scene.camera,
        optics=setting.optics,
        window=setting.window,
        gain_e_per_adu=reading.gain_e_per_adu,
        offset_adu=reading.offset_adu,
        celsius=round(scene.celsius, 2),
        telescope=outlook.telescope,
        aperture_mm=outlook.aperture_mm,
        ra_deg=setting.projection.ra_deg if shows_sky else None,
        dec_deg=setting.projection.dec_deg if shows_sky else None,
        filter_name=outlook.filter_name,
        focus_position=outlook.focus_position,
        observer=scene.observer or None,
        target=scene.target or None,
        wcs=setting.projection.wcs_cards() if shows_sky else (),
    )
