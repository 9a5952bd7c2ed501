"""What the simulated camera looks through: the devices that ACTIVE_DEVICES names are followed."""

from __future__ import annotations

from indigevent.driver import (
    Device,
    Number,
    NumberVector,
    SnoopedProperty,
    Text,
    TextVector,
    Wanted,
)
from indigevent.simulators.camera.scene import Outlook

_OPTIONS = "Options"
_FOLLOWED = {
    "ACTIVE_TELESCOPE": ("EQUATORIAL_EOD_COORD", "TELESCOPE_INFO", "TELESCOPE_PIER_SIDE"),
    "ACTIVE_ROTATOR": ("ABS_ROTATOR_ANGLE",),
    "ACTIVE_FOCUSER": ("ABS_FOCUS_POSITION",),
    "ACTIVE_FILTER": ("FILTER_SLOT", "FILTER_NAME"),
    "ACTIVE_SKYQUALITY": ("SKY_QUALITY",),
}
_FOCAL_LENGTH_MM, _APERTURE_MM = 900.0, 120.0
_SKY_MAGNITUDE = 20.0
# Focused when the focuser simulator is somewhat in from where it starts: sharp enough to see many stars at first, and
# an autofocus finds something to do.
_BEST_FOCUS = 49_000


class Surroundings(Device):
    """Snoops telescope, rotator, focuser, filter wheel and sky quality meter.

    A device that is not there, or has gone, is where it was last; one that never was there has defaults.
    """

    active_devices = TextVector(
        "ACTIVE_DEVICES",
        Text("ACTIVE_TELESCOPE", "Telescope", "Telescope Simulator"),
        Text("ACTIVE_ROTATOR", "Rotator", "Rotator Simulator"),
        Text("ACTIVE_FOCUSER", "Focuser", "Focuser Simulator"),
        Text("ACTIVE_FILTER", "Filter", "Filter Simulator"),
        Text("ACTIVE_SKYQUALITY", "Sky Quality", "SQM"),
        label="Snoop devices",
        group=_OPTIONS,
        saved=True,
    )
    scope = NumberVector(
        "SCOPE_INFO",
        Number("FOCAL_LENGTH", "Focal Length (mm), 0: snooped", 0, format="%.2f", max=10_000, step=100),
        Number("APERTURE", "Aperture (mm), 0: snooped", 0, format="%.2f", max=3000, step=100),
        label="Scope",
        group=_OPTIONS,
        saved=True,
    )
    focusing = NumberVector(
        "SIM_FOCUSING",
        Number("SIM_FOCUS_POSITION", "Best focus (steps)", _BEST_FOCUS, format="%.f", max=100_000, step=1),
        Number("SIM_SEEING", "Seeing (arcsec)", 3.5, format="%4.2f", max=60),
        label="Focus Simulation",
        group="Simulator Config",
        saved=True,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._mirrors: dict[tuple[str, str], SnoopedProperty] = {}

    def connect(self) -> None:
        """Begin to follow."""
        super().connect()
        self._follow(self.active_devices.values)

    def outlook(self) -> Outlook:
        """Return what is in front of the chip now."""
        mount = self._told("EQUATORIAL_EOD_COORD")
        return Outlook(
            telescope=self.active_devices["ACTIVE_TELESCOPE"] if mount else None,
            ra_hours=mount.get("RA"),
            dec_deg=mount.get("DEC"),
            focal_length_mm=self._optic("FOCAL_LENGTH", "TELESCOPE_FOCAL_LENGTH") or _FOCAL_LENGTH_MM,
            aperture_mm=self._optic("APERTURE", "TELESCOPE_APERTURE") or _APERTURE_MM,
            rotation_deg=self._rotation_deg(),
            focus_position=self._told("ABS_FOCUS_POSITION").get("FOCUS_ABSOLUTE_POSITION"),
            filter_name=self._filter_name(),
            sky_magnitude=self._told("SKY_QUALITY").get("SKY_BRIGHTNESS") or _SKY_MAGNITUDE,
        )

    @active_devices.on_new
    def _follow(self, wanted: Wanted | dict[str, str]) -> None:
        """Whom it followed before is followed still: INDI has no way to end that, and the clients may come back."""
        for role, names in _FOLLOWED.items():
            for name in names:
                where = (wanted[role], name)
                if where[0] and where not in self._mirrors:
                    self._mirrors[where] = self.snoop(*where)

    def _told(self, name: str) -> SnoopedProperty:
        """Return the mirror of a property of the device that has the role now."""
        role = next(role for role, names in _FOLLOWED.items() if name in names)
        device = self.active_devices[role]
        return self._mirrors.get((device, name)) or SnoopedProperty(device, name)

    def _optic(self, own: str, of_telescope: str) -> float:
        told: float = self._told("TELESCOPE_INFO").get(of_telescope) or 0.0
        return self.scope[own] or told

    def _rotation_deg(self) -> float:
        """A mount that has gone through the meridian has turned the camera upside down."""
        angle: float = self._told("ABS_ROTATOR_ANGLE").get("ANGLE") or 0.0
        return angle + (180.0 if self._told("TELESCOPE_PIER_SIDE").get("PIER_WEST") else 0.0)

    def _filter_name(self) -> str | None:
        slot = self._told("FILTER_SLOT").get("FILTER_SLOT_VALUE")
        return None if slot is None else self._told("FILTER_NAME").get(f"FILTER_SLOT_NAME_{slot:.0f}")
