"""A simulated telescope on a German mount: goto, sync, tracking, guiding, motion by hand, parking and limits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone

from indigevent import __version__
from indigevent.driver import Interface, NumberVector, PropertyState, Refused, SwitchVector, Wanted, run
from indigevent.driver.commands import AnyProperty
from indigevent.simulators.following import Shown
from indigevent.simulators.models.limits import Limits
from indigevent.simulators.models.mount import MountModel
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.rates import SLEW_RATES, Direction, TrackMode
from indigevent.simulators.telescope_properties import TelescopeProperties

_ARC_SECOND = 1 / 3600
_WE, _NS = 0, 1  # the model's axes
_DIRECTIONS: Mapping[str, Direction] = {
    "MOTION_NORTH": Direction.NORTH,
    "MOTION_SOUTH": Direction.SOUTH,
    "MOTION_WEST": Direction.WEST,
    "MOTION_EAST": Direction.EAST,
    "TIMED_GUIDE_N": Direction.NORTH,
    "TIMED_GUIDE_S": Direction.SOUTH,
    "TIMED_GUIDE_W": Direction.WEST,
    "TIMED_GUIDE_E": Direction.EAST,
}


class TelescopeSimulator(TelescopeProperties):
    """The telescope.

    Its states are those of libindi's: EQUATORIAL_EOD_COORD is Busy while it slews, then Ok when it tracks and Idle when
    it does not. What it refuses is Alert with the reason, until the next look at the mount shows what that does.
    """

    name = "Telescope Simulator"
    version = __version__
    interface = Interface.TELESCOPE | Interface.GUIDER
    # A tenth of what guiding corrects; the sky passes a standing telescope by 36 arc seconds in 2.4 s.
    noticeable: Mapping[str, float] = {
        "RA": 0.05 * _ARC_SECOND / 15,
        "DEC": 0.05 * _ARC_SECOND,
        "AZ": 36 * _ARC_SECOND,
        "ALT": 36 * _ARC_SECOND,
    }

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._model = MountModel(time.monotonic(), time.time(), self.site["LAT"], self.site["LONG"])

    def disconnect(self) -> None:
        """End what moves it; it goes on tracking if it did."""
        super().disconnect()
        self._model.abort(time.monotonic())

    def advance(self, now: float) -> None:
        """Let the mount go on, and its clock, which a client sees when it asks for it."""
        self._model.advance(now)
        self.clock["UTC"] = f"{datetime.fromtimestamp(self._model.utc, timezone.utc):%Y-%m-%dT%H:%M:%S}"

    def follow(self, asked: AnyProperty | None = None) -> None:
        """Tell what has changed, then in words what has happened by itself."""
        super().follow(asked)
        for notice in self._model.take_notices():
            self.message(notice)

    def next_event(self, now: float) -> float | None:
        """Return when a slew or a guide pulse ends."""
        return self._model.next_event()

    def picture(self, now: float) -> Iterator[Shown]:
        """Give what the mount does."""
        yield from self._pointing()
        yield from self._parking()
        for axis, motion, guide in ((_WE, self.motion_we, self.guide_we), (_NS, self.motion_ns, self.guide_ns)):
            yield _or_nothing(motion, self._model.is_moving(axis))
            yield _or_nothing(guide, self._model.is_pulsing(axis))

    def _pointing(self) -> Iterator[Shown]:
        model, state = self._model, self._state()
        azimuth, altitude = model.azimuth_altitude
        yield self.coordinates, {"RA": model.right_ascension, "DEC": model.declination}, state
        yield self.horizontal, {"AZ": azimuth, "ALT": altitude}, state
        yield self.pier_side, {side: side == model.side.value for side in self.pier_side.elements}, PropertyState.OK
        is_on = model.is_tracking
        state = PropertyState.BUSY if is_on else PropertyState.IDLE
        yield self.tracking, {"TRACK_ON": is_on, "TRACK_OFF": not is_on}, state

    def _parking(self) -> Iterator[Shown]:
        parking = self._model.parking
        is_park = parking is not Parking.UNPARKED
        state = PropertyState.BUSY if parking is Parking.PARKING else PropertyState.OK
        yield self.parking, {"PARK": is_park, "UNPARK": not is_park}, state
        hour_angle, declination = self._model.park_position
        yield self.park_position, {"PARK_HA": hour_angle, "PARK_DEC": declination}, PropertyState.OK

    def _state(self) -> PropertyState:
        if self._model.is_slewing:
            return PropertyState.BUSY
        return PropertyState.OK if self._model.is_tracking else PropertyState.IDLE

    # Where to point

    @TelescopeProperties.coordinates.on_new
    def _set_coordinates(self, wanted: Wanted) -> None:
        if self.on_set["SYNC"]:
            self._model.sync(wanted["RA"], wanted["DEC"], time.monotonic())
        else:
            self._model.go_to(wanted["RA"], wanted["DEC"], time.monotonic(), tracks_then=self.on_set["TRACK"])
            self.target.set(RA=wanted["RA"], DEC=wanted["DEC"])
        self.follow(self.coordinates)

    @TelescopeProperties.abort.on_new
    def _abort(self, wanted: Wanted) -> None:
        self._model.abort(time.monotonic())
        self.follow()

    @TelescopeProperties.limits.on_new
    def _set_limits(self, wanted: Wanted) -> None:
        if wanted["ALTITUDE_MIN"] > wanted["ALTITUDE_MAX"]:
            raise Refused("No altitude is left: ALTITUDE_MIN must not be above ALTITUDE_MAX.")
        self._model.limits = Limits(*(wanted[name] for name in self.limits.elements))

    # Tracking

    @TelescopeProperties.tracking.on_new
    def _track(self, wanted: Wanted) -> None:
        self._model.track(wanted["TRACK_ON"], time.monotonic())
        self.follow(self.tracking)

    @TelescopeProperties.track_mode.on_new
    def _set_track_mode(self, wanted: Wanted) -> None:
        self._model.set_track_mode(TrackMode(wanted.on), time.monotonic())

    @TelescopeProperties.track_rate.on_new
    def _set_track_rate(self, wanted: Wanted) -> None:
        self._model.set_custom_rate(wanted["TRACK_RATE_RA"], wanted["TRACK_RATE_DE"], time.monotonic())

    # Parking

    @TelescopeProperties.parking.on_new
    def _park(self, wanted: Wanted) -> None:
        if wanted["PARK"]:
            self._model.park(time.monotonic())
        else:
            self._model.unpark(time.monotonic())
        self.follow(self.parking)

    @TelescopeProperties.park_position.on_new
    def _set_park_position(self, wanted: Wanted) -> None:
        self._model.park_position = wanted["PARK_HA"], wanted["PARK_DEC"]

    @TelescopeProperties.park_option.on_new
    def _choose_park_position(self, wanted: Wanted) -> None:
        if wanted["PARK_CURRENT"]:
            self._model.park_here(time.monotonic())
        elif wanted["PARK_DEFAULT"]:
            self._model.park_position = self._model.default_park_position
        elif wanted["PARK_WRITE_DATA"]:
            self.save_config()
        self.follow()

    # Motion by hand and guiding

    @TelescopeProperties.motion_ns.on_new
    def _move_ns(self, wanted: Wanted) -> None:
        self._move(self.motion_ns, _NS, wanted.on)

    @TelescopeProperties.motion_we.on_new
    def _move_we(self, wanted: Wanted) -> None:
        self._move(self.motion_we, _WE, wanted.on)

    @TelescopeProperties.slew_rate.on_new
    def _set_slew_rate(self, wanted: Wanted) -> None:
        self.slew_rate.choose(wanted.on)
        for prop, axis in ((self.motion_ns, _NS), (self.motion_we, _WE)):
            if prop.on:
                self._move(prop, axis, prop.on)

    def _move(self, prop: SwitchVector, axis: int, name: str) -> None:
        if not name:
            self._model.halt(axis, time.monotonic())
            self.follow(prop)
            return
        direction = _DIRECTIONS[name]
        if self.reverse["REVERSE_NS" if axis == _NS else "REVERSE_WE"]:
            direction = direction.opposite
        rate = SLEW_RATES[list(self.slew_rate.elements).index(self.slew_rate.on)]
        self._model.move(direction, rate, time.monotonic())
        prop.choose(name, state=PropertyState.BUSY)

    @TelescopeProperties.guide_ns.on_new
    def _guide_ns(self, wanted: Wanted) -> None:
        self._guide(self.guide_ns, wanted)

    @TelescopeProperties.guide_we.on_new
    def _guide_we(self, wanted: Wanted) -> None:
        self._guide(self.guide_we, wanted)

    def _guide(self, prop: NumberVector, wanted: Wanted) -> None:
        """A pulse of 0 ms ends the one that is under way."""
        asked = {name: wanted[name] if name in wanted.named else 0.0 for name in prop.elements}
        name, other = sorted(asked, key=lambda each: -asked[each])
        if asked[other]:
            raise Refused(f"{prop.name} guides one way at a time: {name} or {other}.")
        self._model.pulse(_DIRECTIONS[name], asked[name], time.monotonic())
        for each, milliseconds in asked.items():
            prop[each] = milliseconds
        self.follow(prop)

    @TelescopeProperties.guide_rate.on_new
    def _set_guide_rate(self, wanted: Wanted) -> None:
        self._model.guide_rates = [wanted["GUIDE_RATE_WE"], wanted["GUIDE_RATE_NS"]]

    # Time and place

    @TelescopeProperties.clock.on_new
    def _set_clock(self, wanted: Wanted) -> None:
        _need_hours(wanted["OFFSET"])
        if "UTC" in wanted.named:
            self._model.set_utc(_unix_time(wanted["UTC"]), time.monotonic())

    @TelescopeProperties.site.on_new
    def _set_site(self, wanted: Wanted) -> None:
        self._model.set_site(wanted["LAT"], wanted["LONG"], time.monotonic())
        self.follow()


def _or_nothing(prop: SwitchVector | NumberVector, is_busy: bool) -> Shown:
    """What a client asked for stays until it is over; then there is nothing left of it."""
    return (prop, {}, PropertyState.BUSY) if is_busy else (prop, dict.fromkeys(prop.elements, 0), PropertyState.IDLE)


def _unix_time(text: str) -> float:
    """Return the time that a TIME_UTC names, which is ISO 8601 without a zone (INDI's standard properties)."""
    try:
        return datetime.fromisoformat(text.strip().removesuffix("Z")).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise Refused(f"{text!r} is not a UTC time: it has to be like 2026-11-21T08:49:34") from None


def _need_hours(text: str) -> None:
    try:
        float(text)
    except ValueError:
        raise Refused(f"{text!r} is not an offset from UTC: it has to be hours, like -4 or 5.5") from None


if __name__ == "__main__":
    run(TelescopeSimulator)
