"""A frame as the bytes of a FITS file, with the header that astronomical programs look for."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from astropy.io import fits

from indigevent.simulators.sky.image import Image
from indigevent.simulators.sky.projection import Card, Optics, Window

_NO_CARDS: tuple[Card, ...] = ()


@dataclass(frozen=True)
class FrameHeader:
    """What the header says of a frame; a value of None leaves its card out.

    Arguments:
        start: when the exposure began; a date without time zone is UTC.
        exposure_s: its time.
        frame_type: Light, Bias, Dark or Flat.
        camera, telescope: names of the devices.
        optics, window: for the sizes of pixels, binning and focal length.
        aperture_mm: diameter of the telescope.
        gain_e_per_adu, offset_adu: of the sensor.
        celsius: temperature of the sensor.
        ra_deg, dec_deg: where the telescope points, J2000.
        filter_name: of the filter in the beam.
        focus_position: of the focuser, in steps.
        observer, target: who observes, and what.
        wcs: cards of the world coordinates; none for a frame that shows no sky.
    """

    start: datetime
    exposure_s: float
    frame_type: str
    camera: str
    optics: Optics
    window: Window
    gain_e_per_adu: float
    offset_adu: float
    celsius: float | None = None
    telescope: str | None = None
    aperture_mm: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    filter_name: str | None = None
    focus_position: float | None = None
    observer: str | None = None
    target: str | None = None
    wcs: Sequence[Card] = _NO_CARDS


def fits_bytes(image: Image, header: FrameHeader) -> bytes:
    """Return the FITS file of a frame; row 0 of the image is the first row of the file."""
    unit = fits.PrimaryHDU(image)
    for key, value, comment in (*_exposure_cards(header), *_device_cards(header), *_sky_cards(header), *header.wcs):
        if value is not None:
            unit.header[key] = (_plain(value) if isinstance(value, str) else value, comment)
    file = io.BytesIO()
    unit.writeto(file)
    return file.getvalue()


_OptionalCard = tuple[str, str | float | int | None, str]


def _exposure_cards(header: FrameHeader) -> Iterator[_OptionalCard]:
    start = header.start.astimezone(timezone.utc) if header.start.tzinfo else header.start
    yield "DATE-OBS", start.replace(tzinfo=None).isoformat(timespec="milliseconds"), "[UTC] start of the exposure"
    yield "EXPTIME", header.exposure_s, "[s] time of the exposure"
    yield "OBJECT", header.target, "what is observed"
    yield "OBSERVER", header.observer, "who observes"
    yield "FRAME", header.frame_type, "kind of the frame"
    yield "IMAGETYP", f"{header.frame_type} Frame", "kind of the frame"
    yield "CCD-TEMP", header.celsius, "[Celsius] temperature of the sensor"
    yield "GAIN", header.gain_e_per_adu, "[electron/adu] electrons for one count"
    yield "OFFSET", header.offset_adu, "[adu] counts without light"


def _device_cards(header: FrameHeader) -> Iterator[_OptionalCard]:
    optics, window = header.optics, header.window
    yield "INSTRUME", header.camera, "camera"
    yield "TELESCOP", header.telescope, "telescope"
    yield "XPIXSZ", optics.pixel_x_um * window.bin_x, "[um] width of a pixel, binning included"
    yield "YPIXSZ", optics.pixel_y_um * window.bin_y, "[um] height of a pixel, binning included"
    yield "XBINNING", window.bin_x, "binning in x"
    yield "YBINNING", window.bin_y, "binning in y"
    yield "FOCALLEN", optics.focal_length_mm, "[mm] focal length"
    yield "APTDIA", header.aperture_mm, "[mm] diameter of the telescope"
    yield "FILTER", header.filter_name, "filter"
    yield "FOCUSPOS", header.focus_position, "[step] position of the focuser"


def _sky_cards(header: FrameHeader) -> Iterator[_OptionalCard]:
    if header.ra_deg is None or header.dec_deg is None:
        return
    yield "OBJCTRA", sexagesimal(header.ra_deg % 360 / 15), "[h m s] right ascension of the telescope, J2000"
    yield "OBJCTDEC", sexagesimal(header.dec_deg, signed=True), "[deg m s] declination of the telescope, J2000"
    yield "RA", header.ra_deg, "[deg] right ascension of the telescope, J2000"
    yield "DEC", header.dec_deg, "[deg] declination of the telescope, J2000"
    yield "EQUINOX", 2000.0, "[yr] equinox of the coordinates"


def _plain(text: str) -> str:
    """FITS knows the printable characters of ASCII only, and people give their devices names with others."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def sexagesimal(value: float, signed: bool = False) -> str:
    """Return hours, or signed degrees, as `05 35 17.30` or `-05 54 35.60`; 24 hours are 0."""
    hundredths = round(abs(value) * 360000)
    if not signed:
        hundredths %= 24 * 360000
    minutes, rest = divmod(hundredths, 6000)
    sign = ("-" if value < 0 else "+") if signed else ""
    return f"{sign}{minutes // 60:02d} {minutes % 60:02d} {rest / 100:05.2f}"
