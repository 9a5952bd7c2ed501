"""Where a mount may point: above its horizon, within its azimuths, not too far past the meridian."""

from __future__ import annotations

from dataclasses import dataclass

from indigevent.simulators.models.coordinates import horizontal, signed
from indigevent.simulators.models.pointing import PierSide, Pointing


@dataclass(frozen=True)
class Limits:
    """All in degrees. Azimuths are allowed from `from_azimuth` clockwise to `to_azimuth`; 0 and 360 allow all.

    `past_meridian` is how far the telescope may follow on the side it came from before it would meet the pier.
    """

    min_altitude: float = 0.0
    max_altitude: float = 90.0
    from_azimuth: float = 0.0
    to_azimuth: float = 360.0
    past_meridian: float = 15.0

    def violation(self, pointing: Pointing, latitude: float) -> str:
        """Return what is wrong with pointing there, as part of a sentence; empty when it is allowed."""
        azimuth, altitude = horizontal(pointing.hour_angle, pointing.declination, latitude)
        return (
            self._altitude_violation(altitude)
            or self._azimuth_violation(azimuth, altitude)
            or self._meridian_violation(pointing)
        )

    def _altitude_violation(self, altitude: float) -> str:
        # A thousandth of a degree for rounding: the pole as seen from the equator is on the horizon, not below it.
        if altitude < self.min_altitude - 0.001:
            return f"altitude {altitude:.1f}° is below the limit of {self.min_altitude:.1f}°"
        if altitude > self.max_altitude + 0.001:
            return f"altitude {altitude:.1f}° is above the limit of {self.max_altitude:.1f}°"
        return ""

    def _azimuth_violation(self, azimuth: float, altitude: float) -> str:
        width = self.to_azimuth - self.from_azimuth
        if width % 360.0 == 0 or altitude > 89.999 or (azimuth - self.from_azimuth) % 360.0 <= width % 360.0:
            return ""
        return f"azimuth {azimuth:.1f}° is not from {self.from_azimuth:.1f}° to {self.to_azimuth:.1f}°"

    def _meridian_violation(self, pointing: Pointing) -> str:
        east_of_meridian = -signed(pointing.hour_angle)
        past = east_of_meridian if pointing.side is PierSide.EAST else -east_of_meridian
        if self.past_meridian < past <= 90.0:
            return f"it is {past:.1f}° past the meridian, the limit is {self.past_meridian:.1f}°"
        return ""
