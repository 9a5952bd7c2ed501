"""What every supervisor and listener of one daemon shares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from indigevent.server.guardian import Guardian
from indigevent.server.switchboard import Switchboard


@dataclass
class House:
    """The parts of the daemon that its peers' greenlets use.

    `environment` is what drivers inherit; `child_fd_limit` is the soft and hard limit of descriptors to give back to
    them, when the server has raised its own; `restarts` and `restart_delay_s` are the defaults for drivers.
    """

    switchboard: Switchboard
    guardian: Guardian
    environment: Mapping[str, str]
    has_fifo: bool
    restarts: int
    restart_delay_s: float
    child_fd_limit: tuple[int, int] | None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def next_number(self) -> int:
        """A number for a new peer; in the order of arrival."""
        return next(self._numbers)
