"""When a driver that has ended is started again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass

_GROWTH = 2.0
_MAX_DELAY_S = 60.0
_STABLE_S = 60.0
_MAX_DOUBLINGS = 32


@dataclass(frozen=True)
class Restart:
    """Start again after `delay_s`; `number` counts from 0, as the reference's log line does."""

    number: int
    delay_s: float


class RestartPolicy:
    """Up to `restarts` restarts, each after twice the delay of the one before; a stable run forgives all of them.

    Reference behaviour: the limit, whatever the exit status. It restarts at once, ten times in half a second; here the
    delay grows, so that what a driver waits for (a bus, a mount's boot) has time to come.
    """

    def __init__(self, restarts: int, first_delay_s: float) -> None:
        self.restarts = restarts
        self.done = 0
        self._first_delay_s = first_delay_s

    def after_exit(self, uptime_s: float) -> Restart | None:
        """What to do now that a run of `uptime_s` seconds has ended; None when the limit is reached."""
        if uptime_s >= _STABLE_S:
            self.done = 0
        if self.done >= self.restarts:
            return None
        restart = Restart(self.done, _delay_s(self._first_delay_s, self.done))
        self.done += 1
        return restart


class ReconnectPolicy:
    """Delays between attempts to reach a remote server: growing, forever, small again once it was reached."""

    def __init__(self, first_delay_s: float = 1.0) -> None:
        self._first_delay_s = first_delay_s
        self._failures = 0

    def reached(self) -> None:
        """The remote has answered."""
        self._failures = 0

    def delay_s(self) -> float:
        """How long to wait before the next attempt."""
        delay_s = _delay_s(self._first_delay_s, self._failures)
        self._failures += 1
        return delay_s


def _delay_s(first_s: float, number: int) -> float:
    """The delay number `number`, counted from 0: doubled each time, up to a limit that the first one may raise."""
    limit_s = max(_MAX_DELAY_S, first_s)
    return min(first_s * _GROWTH ** min(number, _MAX_DOUBLINGS), limit_s)
