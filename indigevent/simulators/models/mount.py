"""A German equatorial mount under a turning sky: goto, sync, tracking, guiding, motion by hand, parking and limits.

Between two events every axis moves at a constant rate or along a slew's closed formula, so that the answer does not
depend on how often it is asked. Only the limits do: the mount notices that it has passed one when time is let pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.coordinates import (
    SIDEREAL_DEGREES_PER_SECOND,
    horizontal,
    sidereal_time,
    signed,
)
from indigevent.simulators.models.limits import Limits
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.pointing import Approach, PierSide, Pointing, natural_side, of_axes
from indigevent.simulators.models.rates import ARC_SECONDS, TRACK_RATES, Direction, TrackMode


@dataclass(frozen=True)
class _Slew:
    """A way to `target`, which moves west at `drift` degrees per second from `since` on."""

    target: Pointing
    distance: tuple[float, float]
    drift: float
    since: float
    end: float
    tracks_then: bool
    tracked_before: bool


@dataclass(frozen=True)
class _Pulse:
    direction: Direction
    rate: float
    end: float


class MountModel:
    """Right ascensions in hours, all other angles in degrees, epoch of date; times are monotonic seconds.

    The mount has its own clock, set by `set_utc`: as in life, a wrong time or place moves the sky, not the mount.
    It starts unparked where it parks by default: at the pole, with the counterweight down.
    """

    def __init__(self, now: float, utc: float, latitude: float = 0.0, longitude: float = 0.0) -> None:
        self.limits = Limits()
        self.approach = Approach()
        self.guide_rates = [0.5, 0.5]  # of sidereal, by axis
        self.custom_rate = TRACK_RATES[TrackMode.SIDEREAL]  # arc seconds per second
        self.track_mode = TrackMode.SIDEREAL
        self.latitude = latitude
        self.longitude = longitude
        self._clock = utc - now
        self.park_position = self.default_park_position
        self._pointing = _of_park_position(self.park_position)
        self._at = now
        self._parking = Parking.UNPARKED
        self._is_tracking = False
        self._slew: _Slew | None = None
        self._motion: list[float] = [0.0, 0.0]  # degrees per second, by axis
        self._pulses: list[_Pulse | None] = [None, None]
        self._notices: list[str] = []

    # What it is doing. All of these stand for the time of the last `advance`.

    @property
    def hour_angle(self) -> float:
        """Hour angle in degrees, west positive, -180 to 180."""
        return self._pointing.hour_angle

    @property
    def right_ascension(self) -> float:
        """Right ascension in hours, 0 to 24 without 24."""
        return (self.sidereal_degrees - self._pointing.hour_angle) % 360.0 % 360.0 / 15.0

    @property
    def declination(self) -> float:
        """Declination in degrees."""
        return self._pointing.declination

    @property
    def side(self) -> PierSide:
        """The side of the pier that the telescope is on."""
        return self._pointing.side

    @property
    def sidereal_degrees(self) -> float:
        """Local sidereal time in degrees, by the mount's clock and place."""
        return sidereal_time(self._at + self._clock, self.longitude)

    @property
    def utc(self) -> float:
        """The mount's clock, a unix time."""
        return self._at + self._clock

    @property
    def azimuth_altitude(self) -> tuple[float, float]:
        """Azimuth, 0 north and 90 east, and altitude."""
        return horizontal(self._pointing.hour_angle, self._pointing.declination, self.latitude)

    @property
    def is_slewing(self) -> bool:
        """Whether a goto or the way to the park position is under way."""
        return self._slew is not None

    @property
    def is_tracking(self) -> bool:
        """Whether it follows the sky; not while it slews."""
        return self._is_tracking

    @property
    def parking(self) -> Parking:
        """Whether it is parked, on its way, or unparked."""
        return self._parking

    @property
    def default_park_position(self) -> tuple[float, float]:
        """Hour angle in hours and declination: the pole of the site's hemisphere, counterweight down."""
        return -6.0, 90.0 * self._pole

    def is_moving(self, axis: int) -> bool:
        """Whether that axis is moved by hand."""
        return self._motion[axis] != 0

    def is_pulsing(self, axis: int) -> bool:
        """Whether a guide pulse is under way on that axis."""
        return self._pulses[axis] is not None

    def next_event(self) -> float | None:
        """Return when a slew or a guide pulse ends, the earliest; None when there is none."""
        ends = [each.end for each in (self._slew, *self._pulses) if each is not None]
        return min(ends, default=None)

    def take_notices(self) -> list[str]:
        """Return what happened by itself since the last call, one sentence each."""
        notices, self._notices = self._notices, []
        return notices

    def advance(self, now: float) -> None:
        """Let time pass until `now`, through everything that ends before."""
        while (event := self.next_event()) is not None and event <= now:
            self._glide(event)
            self._end_what_is_due(event)
        self._glide(now)

    # What it is told. Each of these lets time pass first.

    def set_site(self, latitude: float, longitude: float, now: float) -> None:
        """Say where it stands, in degrees north and east. Refusal: while slewing."""
        self.advance(now)
        if self._slew:
            raise Refusal("The mount is slewing: wait until it has arrived, or abort, before changing the site.")
        was_at_default = self.park_position == self.default_park_position
        was_there = was_at_default and self._pointing == _of_park_position(self.park_position)
        self.latitude, self.longitude = latitude, longitude
        if was_at_default:
            self.park_position = self.default_park_position
        if was_there:
            self._pointing = _of_park_position(self.park_position)

    def set_utc(self, utc: float, now: float) -> None:
        """Set the mount's clock to a unix time. Refusal: while slewing, for the target would jump."""
        self.advance(now)
        if self._slew:
            raise Refusal("The mount is slewing: wait until it has arrived, or abort, before setting its clock.")
        self._clock = utc - now

    def go_to(self, right_ascension: float, declination: float, now: float, tracks_then: bool = True) -> None:
        """Slew to coordinates of date and then track, or not. Refusal: parked or parking, or outside the limits.

        Another slew or motion is replaced. The telescope looks from the side that has the counterweight down.
        """
        self.advance(now)
        self._need_unparked("slew")
        hour_angle = signed(self.sidereal_degrees - 15.0 * right_ascension)
        target = Pointing(hour_angle, declination, natural_side(hour_angle))
        self._need_allowed(target)
        self._begin_slew(target, SIDEREAL_DEGREES_PER_SECOND, tracks_then)

    def sync(self, right_ascension: float, declination: float, now: float) -> None:
        """Call where it points by other coordinates. Refusal: parked, slewing, or coordinates outside the limits."""
        self.advance(now)
        self._need_unparked("sync")
        if self._slew:
            raise Refusal("The mount is slewing: wait until it has arrived, or abort, then sync.")
        hour_angle = signed(self.sidereal_degrees - 15.0 * right_ascension)
        same_side = Pointing(hour_angle, declination, self._pointing.side)
        is_possible = not self.limits.violation(same_side, self.latitude)
        synced = same_side if is_possible else Pointing(hour_angle, declination, natural_side(hour_angle))
        self._need_allowed(synced)
        self._pointing = synced

    def park(self, now: float) -> None:
        """Slew to the park position and stay; a parked mount stays. Limits do not count: it is parked where told."""
        self.advance(now)
        if self._parking is Parking.UNPARKED:
            self._begin_slew(_of_park_position(self.park_position), 0.0, tracks_then=False)
            self._parking = Parking.PARKING

    def unpark(self, now: float) -> None:
        """Make it ready for use, without tracking. Refusal: it is still on its way to park."""
        self.advance(now)
        if self._parking is Parking.PARKING:
            raise Refusal("The mount is on its way to the park position: wait until it is there, or abort.")
        self._parking = Parking.UNPARKED

    def park_here(self, now: float) -> None:
        """Make the present pointing the park position."""
        self.advance(now)
        self.park_position = self._pointing.hour_angle / 15.0, self._pointing.declination

    def track(self, is_on: bool, now: float) -> None:
        """Follow the sky or not; during a slew, when it has arrived. Refusal: parked or parking, outside the limits."""
        self.advance(now)
        if is_on:
            self._need_unparked("track")
        if self._slew:
            self._slew = replace(self._slew, tracks_then=is_on, tracked_before=is_on)
            return
        if is_on and not self._is_tracking:
            self._need_allowed(self._pointing)
        self._is_tracking = is_on

    def set_track_mode(self, mode: TrackMode, now: float) -> None:
        """Track at another rate from now on."""
        self.advance(now)
        self.track_mode = mode

    def set_custom_rate(self, hour_angle_rate: float, declination_rate: float, now: float) -> None:
        """Set TRACK_CUSTOM's rates in arc seconds per second; tracking at them changes at once."""
        self.advance(now)
        self.custom_rate = (hour_angle_rate, declination_rate)

    def move(self, direction: Direction, degrees_per_second: float, now: float) -> None:
        """Move by hand until `halt`. Refusal: parked or parking, or slewing."""
        self.advance(now)
        self._need_unparked("move")
        if self._slew:
            raise Refusal("The mount is slewing: wait until it has arrived, or abort, then move it.")
        self._motion[direction.axis] = direction.sign * degrees_per_second

    def halt(self, axis: int, now: float) -> None:
        """End the motion by hand of one axis."""
        self.advance(now)
        self._motion[axis] = 0.0

    def pulse(self, direction: Direction, milliseconds: float, now: float) -> None:
        """Guide; another pulse on that axis is replaced, 0 ms ends it. Refusal: parked or parking, or slewing."""
        self.advance(now)
        self._need_unparked("guide")
        if self._slew:
            raise Refusal("The mount is slewing: wait until it has arrived, then guide.")
        rate = direction.sign * self.guide_rates[direction.axis] * SIDEREAL_DEGREES_PER_SECOND
        self._pulses[direction.axis] = _Pulse(direction, rate, now + milliseconds / 1000.0) if milliseconds else None

    def abort(self, now: float) -> None:
        """End slew, parking, motion and pulses; what tracked before the slew tracks again, if the limits allow."""
        self.advance(now)
        if self._parking is Parking.PARKING:
            self._parking = Parking.UNPARKED
        if self._slew:
            is_allowed = not self.limits.violation(self._pointing, self.latitude)
            self._is_tracking = self._slew.tracked_before and is_allowed
        self._slew = None
        self._motion = [0.0, 0.0]
        self._pulses = [None, None]

    # How time passes.

    def _glide(self, now: float) -> None:
        """Move to `now`, before which nothing ends."""
        before = self._pointing
        if self._slew:
            self._pointing = self._slew_pointing(self._slew, now)
        else:
            hour_angle_rate, declination_rate = self._rates()
            elapsed = now - self._at
            self._pointing = before.moved(hour_angle_rate * elapsed, declination_rate * elapsed)
        self._at = now
        self._stop_at_limits(before)

    def _rates(self) -> tuple[float, float]:
        rates = list(self._motion)
        for axis, pulse in enumerate(self._pulses):
            rates[axis] += pulse.rate if pulse else 0.0
        if self._is_tracking:
            tracking = TRACK_RATES.get(self.track_mode, self.custom_rate)
            rates = [rate + tracked / ARC_SECONDS for rate, tracked in zip(rates, tracking, strict=True)]
        return rates[0], rates[1]

    def _begin_slew(self, target: Pointing, drift: float, tracks_then: bool) -> None:
        polar, declination = self._pointing.axes(self._pole)
        target_polar, target_declination = target.axes(self._pole)
        distance = (polar - target_polar, declination - target_declination)
        end = self._at + max(map(self.approach.seconds, distance))
        tracked_before = self._slew.tracked_before if self._slew else self._is_tracking
        self._slew = _Slew(target, distance, drift, self._at, end, tracks_then, tracked_before)
        self._is_tracking = False
        self._motion = [0.0, 0.0]
        self._pulses = [None, None]

    def _slew_pointing(self, slew: _Slew, now: float) -> Pointing:
        elapsed = now - slew.since
        target = slew.target.moved(slew.drift * elapsed, 0.0)
        if now >= slew.end:
            return target
        polar, declination = slew.target.axes(self._pole)
        polar += self.approach.remaining(slew.distance[0], elapsed) + slew.drift * elapsed
        declination += self.approach.remaining(slew.distance[1], elapsed)
        return of_axes(polar, declination, self._pole)

    def _end_what_is_due(self, now: float) -> None:
        self._pulses = [pulse if pulse and pulse.end > now else None for pulse in self._pulses]
        if self._slew and self._slew.end <= now:
            self._is_tracking = self._slew.tracks_then
            self._slew = None
            if self._parking is Parking.PARKING:
                self._parking = Parking.PARKED
                self._notices.append("The mount is parked.")
            else:
                self._notices.append(f"The slew is complete, the mount {'tracks' if self._is_tracking else 'stands'}.")

    def _stop_at_limits(self, before: Pointing) -> None:
        """Stop what carried it from inside the limits to outside; out there it may still be moved by hand."""
        if self._slew or self._parking is not Parking.UNPARKED or not any(self._rates()):
            return
        why = self.limits.violation(self._pointing, self.latitude)
        if why and not self.limits.violation(before, self.latitude):
            self._is_tracking = False
            self._motion = [0.0, 0.0]
            self._pulses = [None, None]
            self._notices.append(f"The mount stopped: {why}.")

    @property
    def _pole(self) -> int:
        return 1 if self.latitude >= 0 else -1

    def _need_unparked(self, verb: str) -> None:
        if self._parking is Parking.PARKED:
            raise Refusal(f"The mount is parked: unpark it before it can {verb}.")
        if self._parking is Parking.PARKING:
            raise Refusal(f"The mount is on its way to the park position: abort that before it can {verb}.")

    def _need_allowed(self, pointing: Pointing) -> None:
        why = self.limits.violation(pointing, self.latitude)
        if why:
            raise Refusal(f"The mount may not point there: {why}. Choose other coordinates or change the limit.")


def _of_park_position(position: tuple[float, float]) -> Pointing:
    hour_angle = signed(15.0 * position[0])
    return Pointing(hour_angle, position[1], natural_side(hour_angle))
