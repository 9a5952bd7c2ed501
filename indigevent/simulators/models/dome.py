"""A dome: it rotates the shortest way, its shutter takes time, it parks, and it follows an azimuth when told to."""

from __future__ import annotations

import math

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.coordinates import signed
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.travel import Travel, rest

_CLOSED = 0.0
_OPEN = 1.0


class DomeModel:
    """Azimuths are degrees, 0 north, 90 east; clockwise seen from above is positive. Times are monotonic seconds."""

    def __init__(self, now: float, azimuth: float = 0.0) -> None:
        self.degrees_per_second = 10.0
        self.shutter_seconds = 5.0
        self.park_azimuth = 90.0
        self.closes_when_parking = False
        self.opens_when_unparking = False
        self.threshold = 5.0
        self._parking = Parking.UNPARKED
        self._rotation = rest(azimuth, now)  # not wrapped
        self._shutter = rest(_CLOSED, now)

    # What it is doing.

    def azimuth(self, now: float) -> float:
        """Return the opening's azimuth, 0 to 360 without 360."""
        return self._rotation.position(now) % 360.0 % 360.0

    def direction(self, now: float) -> int:
        """Return 1 while it rotates clockwise, -1 counterclockwise, 0 at rest."""
        if not self._rotation.is_under_way(now):
            return 0
        return 1 if self._rotation.target > self._rotation.origin else -1

    def opening(self, now: float) -> float:
        """Return how far the shutter is open, from 0 to 1."""
        return self._shutter.position(now)

    def is_shutter_moving(self, now: float) -> bool:
        """Whether the shutter is on its way."""
        return self._shutter.is_under_way(now)

    @property
    def is_to_be_open(self) -> bool:
        """Whether the shutter is open or opens; not when it was stopped half way."""
        return self._shutter.target == _OPEN

    def parking(self, now: float) -> Parking:
        """Return where it is between parked and unparked: rotation and shutter have both to be done."""
        is_busy = self._rotation.is_under_way(now) or self._shutter.is_under_way(now)
        if self._parking is Parking.PARKING and not is_busy:
            self._parking = Parking.PARKED
        if self._parking is Parking.UNPARKING and not self._shutter.is_under_way(now):
            self._parking = Parking.UNPARKED
        return self._parking

    def next_event(self, now: float) -> float | None:
        """Return when the next thing ends that is under way, if anything is."""
        ends = [each.end for each in (self._rotation, self._shutter) if each.is_under_way(now)]
        return min((end for end in ends if math.isfinite(end)), default=None)

    # What it is told.

    def go_to(self, azimuth: float, now: float) -> None:
        """Rotate to an azimuth the shortest way; another rotation is replaced. Refusal: parked or parking."""
        self._need_unparked(now)
        self._turn(signed(azimuth - self._rotation.position(now)), now)

    def turn(self, degrees: float, now: float) -> None:
        """Rotate by so many degrees, clockwise when positive. Refusal: parked or parking."""
        self._need_unparked(now)
        self._turn(degrees, now)

    def rotate(self, direction: int, now: float) -> None:
        """Rotate without end, 1 clockwise, -1 counterclockwise, 0 stops. Refusal: parked or parking."""
        self._need_unparked(now)
        self._turn(math.copysign(math.inf, direction) if direction else 0.0, now)

    def follow(self, azimuth: float, now: float) -> bool:
        """Rotate to the mount's azimuth if the opening is more than `threshold` degrees off; whether it does.

        A dome that is parked or parking, or that already goes there, does nothing.
        """
        heading = self._rotation.target if math.isfinite(self._rotation.target) else self._rotation.position(now)
        if self.parking(now) is not Parking.UNPARKED or abs(signed(azimuth - heading)) <= self.threshold:
            return False
        self.go_to(azimuth, now)
        return True

    def move_shutter(self, opens: bool, now: float) -> None:
        """Open or close the shutter, from wherever it is. Refusal: to open what parking is about to close."""
        if opens and self.closes_when_parking and self.parking(now) is Parking.PARKING:
            raise Refusal(
                "The dome is parking and closes its shutter: wait until it is parked, or abort, then open it."
            )
        self._shutter = Travel(self.opening(now), _OPEN if opens else _CLOSED, 1 / self.shutter_seconds, now)

    def park(self, now: float) -> None:
        """Rotate to the park position, closing the shutter when that is its policy; a parked dome stays."""
        if self.parking(now) is Parking.PARKED:
            return
        if self.closes_when_parking:
            self.move_shutter(False, now)
        self._parking = Parking.PARKING
        self._turn(signed(self.park_azimuth - self._rotation.position(now)), now)

    def unpark(self, now: float) -> None:
        """Make it ready for use, opening the shutter when that is its policy; also ends a parking under way."""
        if self.parking(now) in (Parking.UNPARKED, Parking.UNPARKING):
            return
        self._turn(0.0, now)
        self._parking = Parking.UNPARKED
        if self.opens_when_unparking:
            self.move_shutter(True, now)
            self._parking = Parking.UNPARKING

    def abort(self, now: float) -> None:
        """Stop rotation and shutter where they are; a dome that was parking or unparking is unparked."""
        if self.parking(now) is not Parking.PARKED:
            self._parking = Parking.UNPARKED
        self._turn(0.0, now)
        self._shutter = rest(self.opening(now), now)

    def _turn(self, degrees: float, now: float) -> None:
        origin = self._rotation.position(now) % 360.0
        self._rotation = Travel(origin, origin + degrees, self.degrees_per_second, now)

    def _need_unparked(self, now: float) -> None:
        if self.parking(now) in (Parking.PARKED, Parking.PARKING):
            raise Refusal("The dome is parked or parking: unpark it before moving it.")
