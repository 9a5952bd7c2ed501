"""What every supervisor and listener of one daemon shares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from indigevent.server.clients.registry import ClientRegistry
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.drivers.guardian import Guardian
from indigevent.server.switchboard import Switchboard


@dataclass(frozen=True)
class DriverDefaults:
    """What holds for drivers whose own section says nothing else; times in seconds."""

    restarts: int
    restart_delay_s: float
    stable_time_s: float
    stop_timeout_s: float
    stall_timeout_s: float


@dataclass
class House:
    """The parts of the daemon that its peers' greenlets use.

    `environment` is what drivers inherit; `child_fd_limit` is the soft and hard limit of descriptors to give back to
    them, when the server has raised its own.
    """

    switchboard: Switchboard
    guardian: Guardian
    counters: Counters
    limits: QueueLimits
    environment: Mapping[str, str]
    has_fifo: bool
    driver_defaults: DriverDefaults
    clients: ClientRegistry
    child_fd_limit: tuple[int, int] | None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def next_number(self) -> int:
        """A number for a new peer; in the order of arrival."""
        return next(self._numbers)
