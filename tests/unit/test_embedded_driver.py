"""An embedded driver that cannot be started: a trouble of its own, not of the server that it is a part of."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from indigevent.server.clients.door import ClientPolicy
from indigevent.server.clients.registry import ClientRegistry
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.drivers.embedded_driver import EmbeddedDriver
from indigevent.server.drivers.guardian import Guardian
from indigevent.server.house import DriverDefaults, House
from indigevent.server.switchboard import Switchboard
from indigevent.supervision.specs import EmbeddedSpec


@pytest.fixture
def house() -> Iterator[House]:
    counters, guardian = Counters(), Guardian()
    limits = QueueLimits(1 << 20, 0, counters)
    clients = ClientRegistry(ClientPolicy(), counters)
    defaults = DriverDefaults(0, 0.0, 0.0, 0.0, 0.0)
    yield House(Switchboard("here", limits, None), guardian, counters, limits, {}, False, defaults, clients, None)
    guardian.close()


def test_one_that_cannot_be_started_costs_nobody_else_anything(house: House, caplog: pytest.LogCaptureFixture) -> None:
    def start(_: int) -> None:
        raise RuntimeError("can't start new thread")

    driver = EmbeddedDriver(EmbeddedSpec("alpha", start), house)
    with caplog.at_level(logging.WARNING, "indigevent"):
        driver.run()
    assert driver.status()["state"] == "FATAL"
    assert caplog.messages == ["Driver alpha: serving it failed", "Driver alpha: ended"]
