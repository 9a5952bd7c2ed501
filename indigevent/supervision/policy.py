"""When a driver that has ended is started again, and after how long."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_GROWTH = 2.0
_MAX_DELAY_S = 60.0
_MAX_DOUBLINGS = 32
# A delay is longer than planned by up to this part of it, so that not all try again in the same moment.
_JITTER = 0.2
_FLOOD_FAULTS = 100
_FLOOD_S = 10.0


def no_jitter() -> float:
    """In place of a random number from 0 to 1: every delay is exactly as planned."""
    return 0.0


@dataclass(frozen=True)
class Restart:
    """Start again after `delay_s`; `number` counts from 0, as the reference's log line does."""

    number: int
    delay_s: float


class RestartPolicy:
    """Up to `restarts` restarts, each after twice the delay of the one before; a stable run forgives all of them.

    Reference behaviour: the limit, whatever the exit status. It restarts at once, ten times in half a second; here the
    delay grows, so that what a driver waits for (a bus, a mount's boot) has time to come.

    Arguments:
        restarts: how many.
        first_delay_s: the first delay, in seconds.
        stable_time_s: after a run of so many seconds the count begins again.
        random: gives numbers from 0 to 1; a delay is up to a fifth longer by them.
    """

    def __init__(
        self, restarts: int, first_delay_s: float, stable_time_s: float, random: Callable[[], float] = no_jitter
    ) -> None:
        self.restarts = restarts
        self.first_delay_s = first_delay_s
        self.stable_time_s = stable_time_s
        self.done = 0
        self._random = random

    def after_exit(self, uptime_s: float) -> Restart | None:
        """What to do now that a run of `uptime_s` seconds has ended; None when the limit is reached."""
        self.done = self.done_after(uptime_s)
        if self.done >= self.restarts:
            return None
        restart = Restart(self.done, _delay_s(self.first_delay_s, self.done, self._random))
        self.done += 1
        return restart

    def done_after(self, uptime_s: float) -> int:
        """The restarts that count when the present run has lasted so long."""
        return 0 if uptime_s >= self.stable_time_s else self.done


class ReconnectPolicy:
    """Delays between attempts to reach a remote server: growing, forever, small again once it was reached."""

    def __init__(self, first_delay_s: float = 1.0, random: Callable[[], float] = no_jitter) -> None:
        self._first_delay_s = first_delay_s
        self._failures = 0
        self._random = random

    def reached(self) -> None:
        """The remote has answered."""
        self._failures = 0

    def delay_s(self) -> float:
        """How long to wait before the next attempt."""
        delay_s = _delay_s(self._first_delay_s, self._failures, self._random)
        self._failures += 1
        return delay_s


class Flood:
    """Tells when a peer's faults are so many that there is no end of them: 100 within 10 s."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_FLOOD_FAULTS)

    def note(self, count: int, now_s: float) -> bool:
        """So many faults have come just now; returns whether that is a flood."""
        self._times.extend([now_s] * min(count, _FLOOD_FAULTS))
        return len(self._times) == _FLOOD_FAULTS and now_s - self._times[0] <= _FLOOD_S


def _delay_s(first_s: float, number: int, random: Callable[[], float]) -> float:
    """The delay number `number`, counted from 0: doubled each time, up to a limit that the first one may raise."""
    limit_s = max(_MAX_DELAY_S, first_s)
    return min(first_s * _GROWTH ** min(number, _MAX_DOUBLINGS), limit_s) * (1.0 + _JITTER * random())
