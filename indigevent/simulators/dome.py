"""A simulated dome: it rotates, opens and closes, parks, and follows the telescope that it is told to follow."""

from __future__ import annotations

import time
from collections.abc import Iterator

from indigevent import __version__
from indigevent.driver import Interface, PropertyState, Refused, Wanted, run
from indigevent.simulators.dome_properties import DomeProperties
from indigevent.simulators.following import Shown
from indigevent.simulators.models.dome import DomeModel
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.slaving import Measurements
from indigevent.simulators.snooped_telescope import SnoopedTelescope

_ABSOLUTE = "DOME_ABSOLUTE_POSITION"
_RELATIVE = "DOME_RELATIVE_POSITION"
_DEFAULT_PARK_AZIMUTH = 90.0


class DomeSimulator(DomeProperties):
    """The dome.

    While DOME_AUTOSYNC is enabled the telescope alone moves it: motion by hand is refused, and an abort ends slaving
    too, for otherwise the dome would move on at the next look at the telescope.
    """

    name = "Dome Simulator"
    version = __version__
    interface = Interface.DOME

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._model = DomeModel(time.monotonic())
        self._at_rest = PropertyState.OK
        self._telescopes: dict[str, SnoopedTelescope] = {}
        self._telescope = self._watch(self.active_devices["ACTIVE_TELESCOPE"])

    def disconnect(self) -> None:
        """Stop where it is."""
        super().disconnect()
        self._model.abort(time.monotonic())

    def advance(self, now: float) -> None:
        """Turn to where the telescope looks."""
        if self.slaving["DOME_AUTOSYNC_ENABLE"]:
            self._follow_telescope(now)

    def next_event(self, now: float) -> float | None:
        """Return when rotation or shutter arrive."""
        return self._model.next_event(now)

    def picture(self, now: float) -> Iterator[Shown]:
        """Give what the dome does."""
        direction = self._model.direction(now)
        state = PropertyState.BUSY if direction else self._at_rest
        yield self.motion, {"DOME_CW": direction > 0, "DOME_CCW": direction < 0}, state
        yield self.absolute, {_ABSOLUTE: self._model.azimuth(now)}, state
        yield self.relative, {}, state
        yield self._shutter_shown(now)
        yield self._parking_shown(now)
        yield self.park_position, {"PARK_AZ": self._model.park_azimuth}, PropertyState.OK

    def _shutter_shown(self, now: float) -> Shown:
        """Neither open nor closed is what an abort leaves half way."""
        is_moving = self._model.is_shutter_moving(now)
        opens = self._model.is_to_be_open
        closes = not opens and (is_moving or self._model.opening(now) == 0)
        state = PropertyState.BUSY if is_moving else PropertyState.OK if opens or closes else PropertyState.IDLE
        return self.shutter, {"SHUTTER_OPEN": opens, "SHUTTER_CLOSE": closes}, state

    def _parking_shown(self, now: float) -> Shown:
        parking = self._model.parking(now)
        is_park = parking in (Parking.PARKED, Parking.PARKING)
        is_busy = parking in (Parking.PARKING, Parking.UNPARKING)
        state = PropertyState.BUSY if is_busy else PropertyState.OK
        return self.parking, {"PARK": is_park, "UNPARK": not is_park}, state

    # Rotation

    @DomeProperties.absolute.on_new
    def _go_to(self, wanted: Wanted) -> None:
        self._need_to_be_free()
        self._model.go_to(wanted[_ABSOLUTE], time.monotonic())
        self._at_rest = PropertyState.OK
        self.follow(self.absolute)

    @DomeProperties.relative.on_new
    def _turn(self, wanted: Wanted) -> None:
        self._need_to_be_free()
        self._model.turn(wanted[_RELATIVE], time.monotonic())
        self._at_rest = PropertyState.OK
        self.relative[_RELATIVE] = wanted[_RELATIVE]
        self.follow(self.relative)

    @DomeProperties.motion.on_new
    def _rotate(self, wanted: Wanted) -> None:
        self._need_to_be_free()
        self._model.rotate(wanted["DOME_CW"] - wanted["DOME_CCW"], time.monotonic())
        self._at_rest = PropertyState.IDLE
        self.follow(self.motion)

    @DomeProperties.abort.on_new
    def _abort(self, wanted: Wanted) -> None:
        self._model.abort(time.monotonic())
        self._at_rest = PropertyState.IDLE
        if self.slaving["DOME_AUTOSYNC_ENABLE"]:
            why = f"The motion was aborted: the dome does not follow {self._telescope.name} any more."
            self.slaving.set(DOME_AUTOSYNC_DISABLE=True, message=why)
        self.follow()

    def _need_to_be_free(self) -> None:
        if self.slaving["DOME_AUTOSYNC_ENABLE"]:
            raise Refused(f"The dome follows {self._telescope.name}: disable DOME_AUTOSYNC before moving it by hand.")

    # Shutter and parking

    @DomeProperties.shutter.on_new
    def _move_shutter(self, wanted: Wanted) -> None:
        if not wanted.on:
            raise Refused("The shutter can be opened and closed; DOME_ABORT_MOTION stops it half way.")
        self._model.move_shutter(wanted["SHUTTER_OPEN"], time.monotonic())
        self.follow(self.shutter)

    @DomeProperties.shutter_policy.on_new
    def _set_shutter_policy(self, wanted: Wanted) -> None:
        self._model.closes_when_parking = wanted["SHUTTER_CLOSE_ON_PARK"]
        self._model.opens_when_unparking = wanted["SHUTTER_OPEN_ON_UNPARK"]

    @DomeProperties.parking.on_new
    def _park(self, wanted: Wanted) -> None:
        if wanted["UNPARK"]:
            self._model.unpark(time.monotonic())
        elif self.mount_policy["MOUNT_LOCKS"] and not self._telescope.is_parked:
            raise Refused(f"{self._telescope.name} is not parked: park it first, or choose MOUNT_IGNORED.")
        else:
            self._model.park(time.monotonic())
            self._at_rest = PropertyState.OK
        self.follow(self.parking)

    @DomeProperties.park_position.on_new
    def _set_park_position(self, wanted: Wanted) -> None:
        self._model.park_azimuth = wanted["PARK_AZ"]

    @DomeProperties.park_option.on_new
    def _choose_park_position(self, wanted: Wanted) -> None:
        if wanted["PARK_CURRENT"]:
            self._model.park_azimuth = self._model.azimuth(time.monotonic())
        elif wanted["PARK_DEFAULT"]:
            self._model.park_azimuth = _DEFAULT_PARK_AZIMUTH
        elif wanted["PARK_WRITE_DATA"]:
            self.save_config()
        self.follow()

    # Slaving

    @DomeProperties.active_devices.on_new
    def _choose_telescope(self, wanted: Wanted) -> None:
        self._telescope = self._watch(wanted["ACTIVE_TELESCOPE"])

    @DomeProperties.slaving.on_new
    def _slave(self, wanted: Wanted) -> None:
        self.slaving.choose(wanted.on)
        self._at_rest = PropertyState.OK
        self.follow()

    @DomeProperties.params.on_new
    def _set_params(self, wanted: Wanted) -> None:
        self._model.threshold = wanted["AUTOSYNC_THRESHOLD"]

    def _follow_telescope(self, now: float) -> None:
        try:
            azimuth = self._telescope.dome_azimuth(time.time(), self._measured())
        except Refused as error:
            if self.slaving.state is not PropertyState.ALERT:
                self.slaving.alert(str(error))
            return
        if self.slaving.state is not PropertyState.OK:
            self.slaving.set()
        if azimuth is not None:
            self._model.follow(azimuth, now)

    def _measured(self) -> Measurements:
        measured = self.measurements
        return Measurements(
            measured["DM_DOME_RADIUS"],
            measured["DM_NORTH_DISPLACEMENT"],
            measured["DM_EAST_DISPLACEMENT"],
            measured["DM_UP_DISPLACEMENT"],
            measured["DM_OTA_OFFSET"],
        )

    def _watch(self, name: str) -> SnoopedTelescope:
        """A telescope that was watched before still is."""
        if name not in self._telescopes:
            self._telescopes[name] = SnoopedTelescope(self, name)
        return self._telescopes[name]


if __name__ == "__main__":
    run(DomeSimulator)
