"""What a picture is made of: the driver's thread gathers it, the thread that draws needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reading:
    """How the chip is read.

    Arguments:
        x, y, width, height: the part of it, in unbinned pixels (CCD_FRAME).
        bin_x, bin_y: CCD_BINNING.
        frame_type: Light, Bias, Dark or Flat.
        gain_e_per_adu, offset_adu: electrons for one count, counts without light.
    """

    x: int
    y: int
    width: int
    height: int
    bin_x: int
    bin_y: int
    frame_type: str
    gain_e_per_adu: float
    offset_adu: float


@dataclass(frozen=True)
class Outlook:
    """What is in front of the chip; None is unknown.

    Arguments:
        telescope: its name.
        ra_hours, dec_deg: where it points, in the equinox of date (EQUATORIAL_EOD_COORD).
        focal_length_mm, aperture_mm: of the telescope.
        rotation_deg: position angle of the chip's y axis, from north over east.
        focus_position: of the focuser, in steps.
        filter_name: of the filter in the beam.
        sky_magnitude: the sky's brightness in magnitudes per square arc second.
    """

    telescope: str | None
    ra_hours: float | None
    dec_deg: float | None
    focal_length_mm: float
    aperture_mm: float
    rotation_deg: float
    focus_position: float | None
    filter_name: str | None
    sky_magnitude: float


@dataclass(frozen=True)
class Scene:
    """Everything about one picture.

    Arguments:
        camera: the device's name.
        start: when the exposure began, UTC.
        seconds: its time.
        celsius: temperature of the sensor.
        reading, outlook: see there.
        guided_ra_deg, guided_dec_deg: how far pulses of the camera's guide port have moved the telescope.
        best_focus: the focuser's position where stars are sharpest, in steps.
        seeing_arcsec: their width there.
        observer, target: for the FITS header.
    """

    camera: str
    start: datetime
    seconds: float
    celsius: float
    reading: Reading
    outlook: Outlook
    guided_ra_deg: float
    guided_dec_deg: float
    best_focus: float
    seeing_arcsec: float
    observer: str
    target: str
