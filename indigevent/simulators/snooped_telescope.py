"""What a dome knows of the telescope that it follows: what that telescope's driver tells everybody."""

from __future__ import annotations

from indigevent.driver import Device, PropertyState
from indigevent.simulators.models.coordinates import sidereal_time, signed
from indigevent.simulators.models.slaving import Measurements, dome_azimuth


class SnoopedTelescope:
    """A telescope as one of our devices sees it.

    Arguments:
        device: who looks.
        name: the telescope's name; it need not be there yet.
    """

    def __init__(self, device: Device, name: str) -> None:
        self.name = name
        self._coordinates = device.snoop(name, "EQUATORIAL_EOD_COORD")
        self._site = device.snoop(name, "GEOGRAPHIC_COORD")
        self._pier_side = device.snoop(name, "TELESCOPE_PIER_SIDE")
        self._parking = device.snoop(name, "TELESCOPE_PARK")

    @property
    def is_parked(self) -> bool:
        """Whether it is known to be parked, not just on its way."""
        return self._parking.is_defined and self._parking["PARK"] and self._parking.state is PropertyState.OK

    def dome_azimuth(self, utc: float, measured: Measurements) -> float | None:
        """Return where the dome's opening has to be at a unix time; None while the telescope has not told enough.

        Refused: by the measurements the telescope is outside the dome.
        """
        if not (self._coordinates.is_defined and self._site.is_defined):
            return None
        hour_angle = signed(sidereal_time(utc, self._site["LONG"]) - 15 * self._coordinates["RA"])
        is_pier_east = self._pier_side.get("PIER_EAST", False) or (
            not self._pier_side.get("PIER_WEST", False) and hour_angle >= 0
        )
        return dome_azimuth(hour_angle, self._coordinates["DEC"], self._site["LAT"], is_pier_east, measured)
