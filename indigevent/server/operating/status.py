"""The daemon's status as plain values: the one source of control, `/status.json` and metrics.

Nothing here is a rate, except what the kernel measures: who watches compares two snapshots.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Protocol

from indigevent import __version__
from indigevent.server import greenlets
from indigevent.server.counters import Counters
from indigevent.server.operating.resources import Meter
from indigevent.supervision.limits import Usage


class Statuses(Protocol):
    """What can list the statuses of its members."""

    def statuses(self) -> list[dict[str, Any]]:
        """One dictionary of plain values for each."""


class MonitoredDrivers(Statuses, Protocol):
    """The drivers, and what is sampled about the server when they are."""

    @property
    def server_usage(self) -> Usage:
        """What the server's own process used when it was looked at last."""


class Status:
    """Looks at everything when it is asked.

    Arguments:
        drivers: the drivers and remotes.
        clients: the clients.
        counters: what was refused, closed and dropped.
        listening: the addresses that the server listens on.
        local_socket: the name of its local socket.
        config_file: the path of its config file, or None.
    """

    def __init__(
        self,
        drivers: MonitoredDrivers,
        clients: Statuses,
        counters: Counters,
        listening: Sequence[str],
        local_socket: str,
        config_file: str | None,
    ) -> None:
        self._drivers = drivers
        self._clients = clients
        self._counters = counters
        self._begun = time.monotonic()
        self._meter = Meter()
        self._fixed = {
            "version": __version__,
            "pid": os.getpid(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "listening": list(listening),
            "local_socket": local_socket,
            "config_file": config_file,
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything as it is now, ready for JSON; sizes are in bytes, times in seconds."""
        return {
            "server": {**self._fixed, "uptime_s": time.monotonic() - self._begun, **self._resources()},
            "drivers": self._drivers.statuses(),
            "clients": self._clients.statuses(),
            "counters": plain_counters(self._counters),
        }

    def _resources(self) -> dict[str, Any]:
        """`cpu_seconds` is what the process has used in all; `cpu_percent` is as of the latest sample."""
        return {
            **vars(self._meter.read()),
            "cpu_percent": self._drivers.server_usage.cpu_percent,
            "cpu_seconds": time.process_time(),
            "greenlets": greenlets.alive(),
        }


def plain_counters(counters: Counters) -> dict[str, Any]:
    """What was counted, in numbers and dictionaries of numbers by reason."""
    values = {field.name: getattr(counters, field.name) for field in fields(counters)}
    plain = {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if isinstance(value, (int, float, dict))}
