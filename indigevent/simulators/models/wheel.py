"""A filter wheel: slots in a circle, the shortest way round, so much time for each step."""

from __future__ import annotations

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.travel import Travel, rest


class WheelModel:
    """Slots are numbered from 1, as INDI's FILTER_SLOT; times are monotonic seconds."""

    def __init__(self, slots: int, now: float, seconds_per_step: float = 0.5) -> None:
        self.slots = slots
        self.seconds_per_step = seconds_per_step
        self._travel = rest(0.0, now)  # counted from 0, not wrapped

    @property
    def end(self) -> float:
        """When it arrives, or arrived."""
        return self._travel.end

    @property
    def target(self) -> int:
        """The slot that it turns to, or is at."""
        return self._slot(self._travel.target)

    def slot(self, now: float) -> int:
        """Return the slot in the light path, on the way the nearest."""
        return self._slot(self._travel.position(now))

    def is_turning(self, now: float) -> bool:
        """Whether it is under way."""
        return self._travel.is_under_way(now)

    def select(self, slot: float, now: float) -> None:
        """Turn to a slot the shortest way, forward when both are as short. Refusal: there is no such slot."""
        if slot != round(slot) or not 1 <= slot <= self.slots:
            raise Refusal(f"There is no filter slot {slot:g}: the slots are 1 to {self.slots}.")
        origin = self._travel.position(now) % self.slots
        ahead = (slot - 1 - origin) % self.slots
        way = ahead if ahead <= self.slots / 2 else ahead - self.slots
        self._travel = Travel(origin, origin + way, 1 / self.seconds_per_step, now)

    def _slot(self, place: float) -> int:
        return round(place) % self.slots + 1
