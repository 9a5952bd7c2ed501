"""A simulated focuser that moves its counted steps in real time, with the standard property names of INDI focusers."""

from __future__ import annotations

import time

from indigevent import __version__
from indigevent.driver import (
    Device,
    Interface,
    Number,
    NumberVector,
    Permission,
    PropertyState,
    Switch,
    SwitchVector,
    Wanted,
    every,
    run,
)
from indigevent.simulators.models.focuser import FocuserModel

_UPDATE_INTERVAL_S = 0.25
_TEMPERATURE_CELSIUS = 12.5
_RELATIVE = "FOCUS_RELATIVE_POSITION"
_ABSOLUTE = "FOCUS_ABSOLUTE_POSITION"


def _steps(name: str, value: float, max: float, step: float = 1000) -> Number:
    return Number(name, "Steps", value, format="%.f", max=max, step=step)


class FocuserSimulator(Device):
    """The focuser."""

    name = "Focuser Simulator"
    version = __version__
    interface = Interface.FOCUSER

    direction = SwitchVector(
        "FOCUS_MOTION",
        Switch("FOCUS_INWARD", "Focus In", True),
        Switch("FOCUS_OUTWARD", "Focus Out"),
        label="Direction",
    )
    speed = NumberVector(
        "FOCUS_SPEED",
        Number("FOCUS_SPEED_VALUE", "Focus Speed", 1, format="%3.0f", min=1, max=5, step=1),
        label="Speed",
    )
    relative = NumberVector("REL_FOCUS_POSITION", _steps(_RELATIVE, 0, 100_000), label="Relative Position")
    absolute = NumberVector("ABS_FOCUS_POSITION", _steps(_ABSOLUTE, 50_000, 100_000), label="Absolute Position")
    abort = SwitchVector(
        "FOCUS_ABORT_MOTION", Switch("ABORT", "Abort"), rule="AtMostOne", momentary=True, label="Abort Motion"
    )
    limit = NumberVector(
        "FOCUS_MAX",
        Number("FOCUS_MAX_VALUE", "Steps", 100_000, format="%.f", min=1000, max=1_000_000, step=10_000),
        label="Max. Position",
        saved=True,
    )
    sync = NumberVector("FOCUS_SYNC", _steps("FOCUS_SYNC_VALUE", 0, 100_000), label="Sync")
    has_backlash = SwitchVector(
        "FOCUS_BACKLASH_TOGGLE",
        Switch("INDI_ENABLED", "Enabled"),
        Switch("INDI_DISABLED", "Disabled", True),
        label="Backlash",
        saved=True,
    )
    backlash = NumberVector(
        "FOCUS_BACKLASH_STEPS", _steps("FOCUS_BACKLASH_VALUE", 0, 10_000, 100), label="Backlash", saved=True
    )
    temperature = NumberVector(
        "FOCUS_TEMPERATURE",
        Number("TEMPERATURE", "Celsius", _TEMPERATURE_CELSIUS, format="%6.2f", min=-50, max=70),
        label="Temperature",
        perm=Permission.READ_ONLY,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._model = FocuserModel(time.monotonic())

    def disconnect(self) -> None:
        """Stop where it is."""
        self._model.abort(time.monotonic())

    @speed.on_new
    def _set_speed(self, wanted: Wanted) -> None:
        self._model.set_speed(wanted["FOCUS_SPEED_VALUE"], time.monotonic())

    @absolute.on_new
    def _go_to(self, wanted: Wanted) -> None:
        self._model.go_to(wanted[_ABSOLUTE], time.monotonic())
        self._tell(PropertyState.BUSY)

    @relative.on_new
    def _move(self, wanted: Wanted) -> None:
        sign = 1 if self.direction["FOCUS_OUTWARD"] else -1
        self._model.move(sign * wanted[_RELATIVE], time.monotonic())
        self.relative.set({_RELATIVE: wanted[_RELATIVE]}, state=PropertyState.BUSY)
        self._tell(PropertyState.BUSY)

    @abort.on_new
    def _abort(self, wanted: Wanted) -> None:
        if self.absolute.state is PropertyState.BUSY:
            self._model.abort(time.monotonic())
            self._tell(PropertyState.IDLE)

    @sync.on_new
    def _sync(self, wanted: Wanted) -> None:
        self._model.sync(wanted["FOCUS_SYNC_VALUE"], time.monotonic())
        self._tell(PropertyState.OK)

    @limit.on_new
    def _set_limit(self, wanted: Wanted) -> None:
        self._model.set_max_position(wanted["FOCUS_MAX_VALUE"], time.monotonic())
        for prop, element in ((self.absolute, _ABSOLUTE), (self.relative, _RELATIVE), (self.sync, "FOCUS_SYNC_VALUE")):
            prop.set_range(element, 0, self._model.max_position, 1000)

    @backlash.on_new
    def _set_backlash(self, wanted: Wanted) -> None:
        self._take_up(self.has_backlash["INDI_ENABLED"], wanted["FOCUS_BACKLASH_VALUE"])

    @has_backlash.on_new
    def _enable_backlash(self, wanted: Wanted) -> None:
        self._take_up(wanted["INDI_ENABLED"], self.backlash["FOCUS_BACKLASH_VALUE"])

    @every(_UPDATE_INTERVAL_S)
    def _follow(self) -> None:
        """Tell how far it has come, or that it has arrived."""
        if self.absolute.state is PropertyState.BUSY:
            is_moving = self._model.is_moving(time.monotonic())
            self._tell(PropertyState.BUSY if is_moving else PropertyState.OK)

    def _tell(self, state: PropertyState) -> None:
        self.absolute.set({_ABSOLUTE: self._model.position(time.monotonic())}, state=state)
        if self.relative.state is not state:
            self.relative.set(state=state)

    def _take_up(self, is_enabled: bool, steps: float) -> None:
        self._model.backlash_steps = round(steps) if is_enabled else 0


if __name__ == "__main__":
    run(FocuserSimulator)
