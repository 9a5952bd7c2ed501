"""From the sky to the sensor: the gnomonic projection of a telescope without distortion, and its FITS WCS cards.

Pixels of a frame are counted from 0 at the centre of the first one, FITS (and so CRPIX) from 1. Without rotation y
grows towards north and x towards west, which is the sky as the eye sees it when y is drawn upwards, as FITS viewers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone

import erfa
import numpy as np

from indigevent.simulators.sky.catalogue import Floats

Card = tuple[str, str | float | int, str]

_UNIX_EPOCH_JD = 2440587.5
_TT_MINUS_UTC_S = 69.184  # a leap second more or less moves a star by some microarcseconds


@dataclass(frozen=True)
class Optics:
    """A telescope and the whole chip in its focus.

    Arguments:
        focal_length_mm: of the telescope.
        pixel_x_um, pixel_y_um: size of an unbinned pixel.
        width, height: of the chip, in unbinned pixels.
        rotation_deg: position angle of the chip's y axis, from north over east.
    """

    focal_length_mm: float
    pixel_x_um: float
    pixel_y_um: float
    width: int
    height: int
    rotation_deg: float = 0.0

    @property
    def scale_deg(self) -> tuple[float, float]:
        """Degrees per unbinned pixel in x and in y, at the centre of the field."""
        focal_length_um = self.focal_length_mm * 1000
        return math.degrees(self.pixel_x_um / focal_length_um), math.degrees(self.pixel_y_um / focal_length_um)

    @property
    def radius_deg(self) -> float:
        """The angle from the centre of the chip to its corner."""
        diagonal_um = math.hypot(self.width * self.pixel_x_um, self.height * self.pixel_y_um)
        return math.degrees(math.atan(diagonal_um / 2000 / self.focal_length_mm))


@dataclass(frozen=True)
class Window:
    """The part of the chip that is read: CCD_FRAME in unbinned pixels, and CCD_BINNING."""

    x: int
    y: int
    width: int
    height: int
    bin_x: int = 1
    bin_y: int = 1

    @property
    def columns(self) -> int:
        """Width of the image, in binned pixels; an incomplete one at the edge is left out."""
        return self.width // self.bin_x

    @property
    def rows(self) -> int:
        """Height of the image, in binned pixels."""
        return self.height // self.bin_y


@dataclass(frozen=True)
class Projection:
    """A window of a chip whose centre looks at a point of the sky (degrees, J2000)."""

    ra_deg: float
    dec_deg: float
    optics: Optics
    window: Window

    def to_pixels(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        """Return x and y of points of the sky (degrees, J2000), in unbinned pixels of the window, from 0.

        What lies 90 degrees or more from the centre has no image: nan.
        """
        east_deg, north_deg = self._tangent_plane(ra_deg, dec_deg)
        (to_east_x, to_east_y), (to_north_x, to_north_y) = self._matrix(1, 1)
        determinant = to_east_x * to_north_y - to_east_y * to_north_x
        x = (to_north_y * east_deg - to_east_y * north_deg) / determinant
        y = (to_east_x * north_deg - to_north_x * east_deg) / determinant
        center_x, center_y = self._center()
        return x + center_x, y + center_y

    def wcs_cards(self) -> list[Card]:
        """Return the FITS header cards of the frame's world coordinates (FITS WCS papers I and II)."""
        bin_x, bin_y = self.window.bin_x, self.window.bin_y
        (cd11, cd12), (cd21, cd22) = self._matrix(bin_x, bin_y)
        x, y = self._center()
        return [
            ("CTYPE1", "RA---TAN", "gnomonic projection"),
            ("CTYPE2", "DEC--TAN", "gnomonic projection"),
            ("CUNIT1", "deg", "unit of CRVAL1 and CD1_n"),
            ("CUNIT2", "deg", "unit of CRVAL2 and CD2_n"),
            ("CRPIX1", (x + 0.5) / bin_x + 0.5, "reference pixel, x"),
            ("CRPIX2", (y + 0.5) / bin_y + 0.5, "reference pixel, y"),
            ("CRVAL1", self.ra_deg, "[deg] right ascension there"),
            ("CRVAL2", self.dec_deg, "[deg] declination there"),
            ("CD1_1", cd11, "[deg/pixel] to east along x"),
            ("CD1_2", cd12, "[deg/pixel] to east along y"),
            ("CD2_1", cd21, "[deg/pixel] to north along x"),
            ("CD2_2", cd22, "[deg/pixel] to north along y"),
            ("RADESYS", "ICRS", "frame of the coordinates"),
            ("EQUINOX", 2000.0, "[yr] equinox of the coordinates"),
        ]

    def _tangent_plane(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        ra, dec = np.radians(ra_deg - self.ra_deg), np.radians(dec_deg)
        dec0 = math.radians(self.dec_deg)
        ahead = np.sin(dec) * math.sin(dec0) + np.cos(dec) * math.cos(dec0) * np.cos(ra)
        ahead = np.where(ahead > 0, ahead, np.nan)
        east = np.cos(dec) * np.sin(ra) / ahead
        north = (np.sin(dec) * math.cos(dec0) - np.cos(dec) * math.sin(dec0) * np.cos(ra)) / ahead
        return np.degrees(east), np.degrees(north)

    def _matrix(self, bin_x: int, bin_y: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the CD matrix: degrees to east and to north, for a step in x and in y."""
        scale_x, scale_y = self.optics.scale_deg
        step_x, step_y = scale_x * bin_x, scale_y * bin_y
        angle = math.radians(self.optics.rotation_deg)
        sine, cosine = math.sin(angle), math.cos(angle)
        return (-step_x * cosine, step_y * sine), (step_x * sine, step_y * cosine)

    def _center(self) -> tuple[float, float]:
        """Return the chip's centre in unbinned pixels of the window, from 0."""
        return (self.optics.width - 1) / 2 - self.window.x, (self.optics.height - 1) / 2 - self.window.y


def to_j2000(ra_deg: float, dec_deg: float, when: datetime) -> tuple[float, float]:
    """Return the J2000 (ICRS) place, in degrees, of an apparent place of date such as EQUATORIAL_EOD_COORD.

    Arguments:
        ra_deg, dec_deg: geocentric, true equator and equinox of date, degrees. INDI's "JNow" is this place: mounts and
            clients reckon precession, nutation and aberration into it.
        when: the date; one without time zone is UTC.

    It is done by ERFA, the library under astropy, and not by astropy's TETE frame: that would look for Earth
    orientation data, on the network unless the whole program forbids it, and they do not matter to a geocentric place.
    """
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    days = (when.timestamp() + _TT_MINUS_UTC_S) / 86400
    origins = erfa.eo06a(_UNIX_EPOCH_JD, days)  # from the equinox to the origin of ERFA's intermediate frame
    ra, dec, _ = erfa.atic13(math.radians(ra_deg) + origins, math.radians(dec_deg), _UNIX_EPOCH_JD, days)
    return math.degrees(ra) % 360, math.degrees(dec)
