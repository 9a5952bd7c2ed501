"""A focuser that moves its counted steps in real time, with the standard property names of INDI focusers."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from indigevent import __version__
from indigevent.driver.base import Driver
from indigevent.driver.properties import Property, as_set
from indigevent.driver.run import serve
from indigevent.errors import RemoteProtocolError
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState
from indigevent.protocol.vectors import (
    DefNumber,
    DefNumberVector,
    DefSwitch,
    DefSwitchVector,
    DefText,
    DefTextVector,
)

_FOCUSER_INTERFACE = 1 << 3  # INDI's DRIVER_INTERFACE bit of focusers
_STEPS_PER_SECOND = 5000.0  # at speed 1
_UPDATE_INTERVAL_S = 0.25
_START_POSITION = 50000.0
_MAX_POSITION = 100000.0
_TEMPERATURE_CELSIUS = 12.5
_RELATIVE = "REL_FOCUS_POSITION"
_ABSOLUTE = "ABS_FOCUS_POSITION"


@dataclass(frozen=True)
class _Motion:
    """A way from one position to another, in steps, begun at `since` of `time.monotonic()`."""

    origin: float
    target: float
    steps_per_second: float
    since: float

    @property
    def end(self) -> float:
        return self.since + abs(self.target - self.origin) / self.steps_per_second

    def position(self, now: float) -> float:
        if now >= self.end:
            return self.target
        moved = round((now - self.since) * self.steps_per_second)
        return self.origin + moved if self.target > self.origin else self.origin - moved


class FocuserSimulator(Driver):
    """The focuser. CONNECTION and DRIVER_INFO are always there, everything else while it is connected."""

    default_name = "Focuser Simulator"

    def __init__(self) -> None:
        super().__init__()
        self._position = _START_POSITION
        self._max_position = _MAX_POSITION
        self._motion: _Motion | None = None
        self._handlers = {
            "CONNECTION": self._obey_connection,
            "FOCUS_MOTION": self._obey_direction,
            "FOCUS_SPEED": self._obey_speed,
            _RELATIVE: self._obey_relative,
            _ABSOLUTE: self._obey_absolute,
            "FOCUS_ABORT_MOTION": self._obey_abort,
            "FOCUS_MAX": self._obey_max,
        }
        self.add(self._connection(), self._driver_info())

    def obey(self, name: str, wanted: Mapping[str, Any]) -> None:
        """Pass a command to its property's method."""
        self._handlers[name](wanted)

    def wake(self) -> None:
        """Tell the clients how far it has come, or that it has arrived."""
        self._position = self._present_position()
        if self._motion is None or self._position == self._motion.target:
            self._motion = None
            self._tell_motion(PropertyState.OK)
        else:
            self.update(_ABSOLUTE, PropertyState.BUSY, {"FOCUS_ABSOLUTE_POSITION": self._position})
            self._plan_wake()

    # What a client may ask for.

    def _obey_connection(self, wanted: Mapping[str, Any]) -> None:
        is_connected = self.values("CONNECTION")["CONNECT"] is SwitchState.ON
        if wanted["CONNECT"] is SwitchState.ON:
            self.update("CONNECTION", PropertyState.OK, wanted)
            if not is_connected:
                self.define(*self._while_connected())
        else:
            self._halt()
            self.update("CONNECTION", PropertyState.IDLE, wanted)
            if is_connected:
                self.delete(*(definition.name for definition in self._while_connected()))

    def _obey_direction(self, wanted: Mapping[str, Any]) -> None:
        self.update("FOCUS_MOTION", PropertyState.OK, wanted)

    def _obey_speed(self, wanted: Mapping[str, Any]) -> None:
        self.update("FOCUS_SPEED", PropertyState.OK, wanted)
        if self._motion is not None:
            self._move(self._motion.target)

    def _obey_relative(self, wanted: Mapping[str, Any]) -> None:
        steps = wanted["FOCUS_RELATIVE_POSITION"]
        is_outward = self.values("FOCUS_MOTION")["FOCUS_OUTWARD"] is SwitchState.ON
        target = self._present_position() + (steps if is_outward else -steps)
        if not 0 <= target <= self._max_position:
            raise self._refusal(f"position {target:.0f} is not from 0 to {self._max_position:.0f}")
        self.update(_RELATIVE, PropertyState.BUSY, wanted)
        self._move(target)

    def _obey_absolute(self, wanted: Mapping[str, Any]) -> None:
        self._move(wanted["FOCUS_ABSOLUTE_POSITION"])

    def _obey_abort(self, wanted: Mapping[str, Any]) -> None:
        is_moving = self._motion is not None
        self._halt()
        if is_moving:
            self._tell_motion(PropertyState.IDLE)
        self.update("FOCUS_ABORT_MOTION", PropertyState.OK, {"ABORT": SwitchState.OFF})

    def _obey_max(self, wanted: Mapping[str, Any]) -> None:
        needed = max(self._present_position(), self._motion.target if self._motion else 0)
        if wanted["FOCUS_MAX_VALUE"] < needed:
            raise self._refusal(f"FOCUS_MAX cannot be below {needed:.0f}, where the focuser is or goes")
        self._max_position = wanted["FOCUS_MAX_VALUE"]
        for definition in (self._relative(), self._absolute()):
            changed = replace(definition, state=self.property(definition.name).state)
            self.add(changed)
            self.send(as_set(changed, with_ranges=True))
        self.update("FOCUS_MAX", PropertyState.OK, wanted)

    # Moving.

    def _move(self, target: float) -> None:
        speed = self.values("FOCUS_SPEED")["FOCUS_SPEED_VALUE"]
        self._position = self._present_position()
        self._motion = _Motion(self._position, round(target), speed * _STEPS_PER_SECOND, time.monotonic())
        self._tell_motion(PropertyState.BUSY)
        self._plan_wake()

    def _halt(self) -> None:
        self._position = self._present_position()
        self._motion = None
        self.wake_at = None

    def _plan_wake(self) -> None:
        if self._motion is not None:
            self.wake_at = min(self._motion.end, time.monotonic() + _UPDATE_INTERVAL_S)

    def _present_position(self) -> float:
        return self._position if self._motion is None else self._motion.position(time.monotonic())

    def _tell_motion(self, state: PropertyState) -> None:
        self.update(_ABSOLUTE, state, {"FOCUS_ABSOLUTE_POSITION": self._position})
        if self.property(_RELATIVE).state is not state:
            self.update(_RELATIVE, state)

    def _refusal(self, why: str) -> RemoteProtocolError:
        return RemoteProtocolError("range", 0, self.device.encode(), why)

    # What it defines.

    def _while_connected(self) -> list[Property]:
        directions = {"FOCUS_INWARD": "Focus In", "FOCUS_OUTWARD": "Focus Out"}
        speed = DefNumber("FOCUS_SPEED_VALUE", 1, "%3.0f", 1, 5, 1, "Focus Speed")
        limit = DefNumber("FOCUS_MAX_VALUE", self._max_position, "%.f", 1000, 1000000, 10000, "Steps")
        celsius = DefNumber("TEMPERATURE", _TEMPERATURE_CELSIUS, "%6.2f", -50, 70, 0, "Celsius")
        return [
            self._switches("FOCUS_MOTION", "Direction", SwitchRule.ONE_OF_MANY, directions, on="FOCUS_INWARD"),
            self._number("FOCUS_SPEED", "Speed", speed),
            self._relative(),
            self._absolute(),
            self._switches("FOCUS_ABORT_MOTION", "Abort Motion", SwitchRule.AT_MOST_ONE, {"ABORT": "Abort"}),
            self._number("FOCUS_MAX", "Max. Position", limit),
            self._number("FOCUS_TEMPERATURE", "Temperature", celsius, Permission.READ_ONLY),
        ]

    def _relative(self) -> DefNumberVector:
        steps = DefNumber("FOCUS_RELATIVE_POSITION", 0, "%.f", 0, self._max_position, 1000, "Steps")
        return self._number(_RELATIVE, "Relative Position", steps)

    def _absolute(self) -> DefNumberVector:
        position = self._present_position()
        steps = DefNumber("FOCUS_ABSOLUTE_POSITION", position, "%.f", 0, self._max_position, 1000, "Steps")
        return self._number(_ABSOLUTE, "Absolute Position", steps)

    def _connection(self) -> DefSwitchVector:
        switches = {"CONNECT": "Connect", "DISCONNECT": "Disconnect"}
        return self._switches("CONNECTION", "Connection", SwitchRule.ONE_OF_MANY, switches, on="DISCONNECT")

    def _driver_info(self) -> DefTextVector:
        texts = (
            DefText("DRIVER_NAME", self.default_name, "Name"),
            DefText("DRIVER_EXEC", "indigevent.simulators.focuser:FocuserSimulator", "Exec"),
            DefText("DRIVER_VERSION", __version__, "Version"),
            DefText("DRIVER_INTERFACE", str(_FOCUSER_INTERFACE), "Interface"),
        )
        return DefTextVector(
            device=self.device,
            name="DRIVER_INFO",
            label="Driver Info",
            group="Connection",
            state=PropertyState.IDLE,
            perm=Permission.READ_ONLY,
            elements=texts,
        )

    def _number(
        self, name: str, label: str, element: DefNumber, perm: Permission = Permission.READ_WRITE
    ) -> DefNumberVector:
        return DefNumberVector(
            device=self.device,
            name=name,
            label=label,
            group="Main Control",
            state=PropertyState.IDLE,
            perm=perm,
            elements=(element,),
        )

    def _switches(
        self, name: str, label: str, rule: SwitchRule, labels: Mapping[str, str], on: str = ""
    ) -> DefSwitchVector:
        states = {each: SwitchState.ON if each == on else SwitchState.OFF for each in labels}
        return DefSwitchVector(
            device=self.device,
            name=name,
            label=label,
            group="Main Control",
            state=PropertyState.IDLE,
            perm=Permission.READ_WRITE,
            rule=rule,
            elements=tuple(DefSwitch(each, states[each], labels[each]) for each in labels),
        )


if __name__ == "__main__":
    sys.exit(serve(FocuserSimulator))
