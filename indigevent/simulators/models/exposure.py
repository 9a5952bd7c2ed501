"""An exposure counting down, and the rate of the frames of a video stream."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_AVERAGED_S = 1.0


@dataclass(frozen=True)
class Exposure:
    """An exposure of `seconds`, begun at `since`."""

    seconds: float
    since: float

    @property
    def end(self) -> float:
        """When it is done."""
        return self.since + self.seconds

    def remaining(self, now: float) -> float:
        """Return the seconds that are left, 0 when it is done."""
        return max(0.0, self.end - now)

    def next_report(self, now: float) -> float:
        """Return when to tell the remaining time again: at whole seconds left, and at the end."""
        left = self.remaining(now)
        whole = -(-left // 1) - 1
        return self.end - max(0.0, whole)


class FrameRate:
    """Frames per second: `instant` from the last two frames, `average` over the last second (INDI's FPS property)."""

    def __init__(self) -> None:
        self.instant = 0.0
        self.average = 0.0
        self._frames: deque[float] = deque()

    def count(self, now: float) -> None:
        """Count a frame sent now."""
        if self._frames and now > self._frames[-1]:
            self.instant = 1.0 / (now - self._frames[-1])
        self._frames.append(now)
        while len(self._frames) > 2 and self._frames[0] < now - _AVERAGED_S:
            self._frames.popleft()
        span = now - self._frames[0]
        self.average = (len(self._frames) - 1) / span if span else 0.0
