"""The guide port of the simulated camera: pulses that move what it sees."""

from __future__ import annotations

import time
from dataclasses import dataclass

from indigevent.driver import Device, Number, NumberVector, PropertyState, Refused, Wanted

_GROUP = "Guider Control"
# Half the speed of the stars, what mounts have by default.
_DEG_PER_S = 15.041 / 3600 / 2
# A pulse to the west moves the telescope to smaller right ascensions.
_SIGNS = {"TIMED_GUIDE_N": 1, "TIMED_GUIDE_S": -1, "TIMED_GUIDE_E": 1, "TIMED_GUIDE_W": -1}


def _pulse(name: str, label: str) -> Number:
    return Number(name, label, 0, format="%.f", max=60_000, step=100)


@dataclass(frozen=True)
class _Pulse:
    """A pulse on one axis, begun at `since` of `time.monotonic()`; west and south are negative."""

    seconds: float
    since: float

    def moved_deg(self, now: float) -> float:
        share = min(1.0, (now - self.since) / abs(self.seconds)) if self.seconds else 1.0
        return self.seconds * share * _DEG_PER_S


class GuidePort(Device):
    """Guide pulses of so many milliseconds; a new one takes the place of one under way on the same axis."""

    guide_ns = NumberVector(
        "TELESCOPE_TIMED_GUIDE_NS",
        _pulse("TIMED_GUIDE_N", "North (ms)"),
        _pulse("TIMED_GUIDE_S", "South (ms)"),
        label="Guide N/S",
        group=_GROUP,
    )
    guide_we = NumberVector(
        "TELESCOPE_TIMED_GUIDE_WE",
        _pulse("TIMED_GUIDE_W", "West (ms)"),
        _pulse("TIMED_GUIDE_E", "East (ms)"),
        label="Guide E/W",
        group=_GROUP,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._guided_deg = {self.guide_ns.name: 0.0, self.guide_we.name: 0.0}
        self._under_way: dict[str, _Pulse] = {}

    def disconnect(self) -> None:
        """End the pulses."""
        for prop in (self.guide_ns, self.guide_we):
            self._end(prop)
        super().disconnect()

    def guided_deg(self) -> tuple[float, float]:
        """Return how far all pulses have moved the telescope in right ascension and declination."""
        return self._guided(self.guide_we), self._guided(self.guide_ns)

    @guide_ns.on_new
    def _guide_ns(self, wanted: Wanted) -> None:
        self._begin(self.guide_ns, wanted)

    @guide_we.on_new
    def _guide_we(self, wanted: Wanted) -> None:
        self._begin(self.guide_we, wanted)

    def _begin(self, prop: NumberVector, wanted: Wanted) -> None:
        """What a client does not name is 0 and not what it was: pulses are commands."""
        asked = {name: wanted[name] if name in wanted.named else 0.0 for name in wanted}
        if all(asked.values()):
            raise Refused("A telescope cannot be guided to both sides at once: set one of the two to 0")
        self._bank(prop)
        pulse = _Pulse(sum(_SIGNS[name] * ms for name, ms in asked.items()) / 1000, time.monotonic())
        self._under_way[prop.name] = pulse
        prop.set(asked, state=PropertyState.BUSY)
        self.after(abs(pulse.seconds), lambda: self._end(prop) if self._under_way.get(prop.name) is pulse else None)

    def _end(self, prop: NumberVector) -> None:
        self._bank(prop)
        prop.set(dict.fromkeys(prop.elements, 0.0), state=PropertyState.IDLE)

    def _guided(self, prop: NumberVector) -> float:
        pulse = self._under_way.get(prop.name)
        return self._guided_deg[prop.name] + (pulse.moved_deg(time.monotonic()) if pulse else 0.0)

    def _bank(self, prop: NumberVector) -> None:
        """Keep what the pulse under way has moved so far, and have none."""
        self._guided_deg[prop.name] = self._guided(prop)
        self._under_way.pop(prop.name, None)
