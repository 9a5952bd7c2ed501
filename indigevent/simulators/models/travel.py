"""A way from one place to another at one speed: what focusers, wheels, domes and shutters do."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Travel:
    """A way from `origin` to `target` at `per_second` units, begun at `since`, which may be in the future.

    An infinite `target` is a way without end; a target equal to the origin is rest.
    """

    origin: float
    target: float
    per_second: float
    since: float

    @property
    def end(self) -> float:
        """The time of arrival."""
        return self.since + abs(self.target - self.origin) / self.per_second

    def is_under_way(self, now: float) -> bool:
        """Whether it has not arrived yet."""
        return now < self.end

    def position(self, now: float) -> float:
        """Return the place at that time."""
        if now >= self.end:
            return self.target
        moved = max(0.0, now - self.since) * self.per_second
        return self.origin + math.copysign(moved, self.target - self.origin)


def rest(position: float, now: float) -> Travel:
    """Return the way of something that stays where it is."""
    return Travel(position, position, 1.0, now)
