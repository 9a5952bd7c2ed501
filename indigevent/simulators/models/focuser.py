"""A focuser that counts its steps: absolute and relative ways, speed, a limit, backlash taken up on every turn."""

from __future__ import annotations

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.travel import Travel, rest


class FocuserModel:
    """Positions are steps from 0 to `max_position`, speeds multiples of `steps_per_second`, times monotonic seconds."""

    def __init__(self, now: float, position: int = 50_000, max_position: int = 100_000) -> None:
        self.max_position = max_position
        self.backlash_steps = 0
        self.steps_per_second = 5000.0
        self._speed = 1.0
        self._is_outward = True
        self._travel = rest(position, now)

    @property
    def target(self) -> int:
        """Where it goes, or where it is."""
        return round(self._travel.target)

    @property
    def end(self) -> float:
        """When it arrives, or arrived."""
        return self._travel.end

    def position(self, now: float) -> int:
        """Return the present count of steps."""
        return round(self._travel.position(now))

    def is_moving(self, now: float) -> bool:
        """Whether it is under way, the taking up of backlash included."""
        return self._travel.is_under_way(now)

    def go_to(self, position: float, now: float) -> None:
        """Start towards a position; another way is replaced. Refusal: outside 0 to `max_position`."""
        target = round(position)
        if not 0 <= target <= self.max_position:
            raise Refusal(
                f"Position {target} is not from 0 to {self.max_position}: choose one that is, or change the limit."
            )
        self._depart(target, now)

    def move(self, steps: float, now: float) -> None:
        """Start a way of that many steps from the present position, outward when positive. Refusal: as `go_to`."""
        self.go_to(self.position(now) + steps, now)

    def abort(self, now: float) -> None:
        """Stop where it is."""
        self._travel = rest(self.position(now), now)

    def sync(self, position: float, now: float) -> None:
        """Call the present position by another number. Refusal: while moving, or outside 0 to `max_position`."""
        if self.is_moving(now):
            raise Refusal("The focuser is moving: wait until it has arrived, or abort, then sync.")
        if not 0 <= position <= self.max_position:
            raise Refusal(f"Position {position:.0f} is not from 0 to {self.max_position}.")
        self._travel = rest(round(position), now)

    def set_speed(self, speed: float, now: float) -> None:
        """Go at `speed` times the basic speed, at once also on a way already begun."""
        self._speed = speed
        if self.is_moving(now):
            self._depart(self.target, now)

    def set_max_position(self, steps: float, now: float) -> None:
        """Move the limit. Refusal: below where the focuser is or goes."""
        needed = max(self.position(now), self.target)
        if steps < needed:
            raise Refusal(f"The limit cannot be below {needed}, where the focuser is or goes: move it inward first.")
        self.max_position = round(steps)

    def _depart(self, target: int, now: float) -> None:
        position = self.position(now)
        per_second = self._speed * self.steps_per_second
        self._travel = Travel(position, target, per_second, now + self._take_up(target - position) / per_second)

    def _take_up(self, steps: int) -> int:
        """Return the steps that the motor makes before the focuser moves: backlash, when it turns round."""
        if steps == 0 or (steps > 0) == self._is_outward:
            return 0
        self._is_outward = not self._is_outward
        return self.backlash_steps
