"""The chip of the simulated camera: its size, the part of it that is read, binning, gain."""

from __future__ import annotations

from collections.abc import Mapping

from indigevent.driver import (
    Device,
    Number,
    NumberVector,
    Permission,
    Refused,
    Switch,
    SwitchVector,
    Wanted,
)
from indigevent.simulators.camera.scene import Reading

WIDTH, HEIGHT = 1280, 1024
PIXEL_UM = 5.2
_BITS = 16
_MAX_BINNING = 4
_SETTINGS = "Image Settings"
_INFO = "Image Info"
_WHOLE = {"X": 0.0, "Y": 0.0, "WIDTH": float(WIDTH), "HEIGHT": float(HEIGHT)}
_UNBINNED = {"HOR_BIN": 1.0, "VER_BIN": 1.0}
# Gain is in tenths of a decibel, as with many cameras; at this one an electron is one count.
_UNITY_GAIN = 90.0
_FRAME_TYPES = {"FRAME_LIGHT": "Light", "FRAME_BIAS": "Bias", "FRAME_DARK": "Dark", "FRAME_FLAT": "Flat"}


def _fact(name: str, label: str, value: float, max: float, format: str = "%.f") -> Number:
    return Number(name, label, value, format=format, min=1, max=max)


def _pixels(name: str, label: str, value: float, min: float, max: float) -> Number:
    return Number(name, label, value, format="%4.0f", min=min, max=max)


class Chip(Device):
    """A monochrome CCD without Bayer pattern."""

    info = NumberVector(
        "CCD_INFO",
        _fact("CCD_MAX_X", "Max. Width", WIDTH, 16000),
        _fact("CCD_MAX_Y", "Max. Height", HEIGHT, 16000),
        _fact("CCD_PIXEL_SIZE", "Pixel size (um)", PIXEL_UM, 40, "%.2f"),
        _fact("CCD_PIXEL_SIZE_X", "Pixel size X", PIXEL_UM, 40, "%.2f"),
        _fact("CCD_PIXEL_SIZE_Y", "Pixel size Y", PIXEL_UM, 40, "%.2f"),
        Number("CCD_BITSPERPIXEL", "Bits per pixel", _BITS, format="%.f", min=8, max=64),
        label="CCD Information",
        group=_INFO,
        perm=Permission.READ_ONLY,
    )
    frame = NumberVector(
        "CCD_FRAME",
        _pixels("X", "Left", 0, 0, WIDTH - 1),
        _pixels("Y", "Top", 0, 0, HEIGHT - 1),
        _pixels("WIDTH", "Width", WIDTH, 1, WIDTH),
        _pixels("HEIGHT", "Height", HEIGHT, 1, HEIGHT),
        label="Frame",
        group=_SETTINGS,
    )
    frame_reset = SwitchVector(
        "CCD_FRAME_RESET", Switch("RESET", "Reset"), perm=Permission.WRITE_ONLY, label="Frame Values", group=_SETTINGS
    )
    binning = NumberVector(
        "CCD_BINNING",
        Number("HOR_BIN", "X", 1, format="%2.0f", min=1, max=_MAX_BINNING, step=1),
        Number("VER_BIN", "Y", 1, format="%2.0f", min=1, max=_MAX_BINNING, step=1),
        label="Binning",
        group=_SETTINGS,
    )
    frame_type = SwitchVector(
        "CCD_FRAME_TYPE",
        *(Switch(name, label, label == "Light") for name, label in _FRAME_TYPES.items()),
        label="Type",
        group=_SETTINGS,
    )
    capture_format = SwitchVector(
        "CCD_CAPTURE_FORMAT", Switch("INDI_MONO", "Mono", True), label="Format", group=_SETTINGS
    )
    transfer_format = SwitchVector(
        "CCD_TRANSFER_FORMAT", Switch("FORMAT_FITS", "FITS", True), label="Encode", group=_SETTINGS
    )
    gain = NumberVector(
        "CCD_GAIN",
        Number("GAIN", "Gain (0.1 dB)", _UNITY_GAIN, format="%.f", max=100, step=10),
        label="Gain",
        saved=True,
    )
    offset = NumberVector(
        "CCD_OFFSET",
        Number("OFFSET", "Offset (ADU)", 500, format="%.f", max=6000, step=500),
        label="Offset",
        saved=True,
    )

    def reading(self) -> Reading:
        """Return how the chip is to be read now."""
        return Reading(
            x=int(self.frame["X"]),
            y=int(self.frame["Y"]),
            width=int(self.frame["WIDTH"]),
            height=int(self.frame["HEIGHT"]),
            bin_x=int(self.binning["HOR_BIN"]),
            bin_y=int(self.binning["VER_BIN"]),
            frame_type=_FRAME_TYPES[self.frame_type.on],
            gain_e_per_adu=10 ** ((_UNITY_GAIN - self.gain["GAIN"]) / 200),
            offset_adu=self.offset["OFFSET"],
        )

    def frame_changed(self) -> None:
        """CCD_FRAME or CCD_BINNING has changed; for what depends on it."""

    @frame.on_new
    def _set_frame(self, wanted: Wanted) -> None:
        self._read_as(whole_numbers(wanted), self.binning.values)

    @binning.on_new
    def _set_binning(self, wanted: Wanted) -> None:
        self._read_as(self.frame.values, whole_numbers(wanted))

    @frame_reset.on_new
    def _reset_frame(self, wanted: Wanted) -> None:
        self._read_as(_WHOLE, _UNBINNED)
        self.frame_reset.set(RESET=False)

    def _read_as(self, frame: Mapping[str, float], binning: Mapping[str, float]) -> None:
        _check("X", "WIDTH", frame, WIDTH, binning["HOR_BIN"])
        _check("Y", "HEIGHT", frame, HEIGHT, binning["VER_BIN"])
        for prop, values in ((self.binning, binning), (self.frame, frame)):
            if values != prop.values:
                prop.set(values)
        self.frame_changed()


def whole_numbers(wanted: Wanted) -> dict[str, float]:
    """Return what a client wants as whole pixels."""
    return {name: float(round(value)) for name, value in wanted.items()}


def _check(start: str, size: str, frame: Mapping[str, float], whole: int, binning: float) -> None:
    """Raise Refused when the frame is not on the chip, or has not even one binned pixel."""
    end = frame[start] + frame[size]
    if end > whole:
        raise Refused(
            f"{start} {frame[start]:.0f} and {size} {frame[size]:.0f} reach to pixel {end:.0f}, but the chip has"
            f" {whole}: set {start} and {size} together"
        )
    if frame[size] < binning:
        raise Refused(f"{size} {frame[size]:.0f} is less than one pixel when {binning:.0f} are binned")
