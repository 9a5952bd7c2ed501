"""Work beside the protocol: periodic and background methods, threads, timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.device_client import DeviceClient

from .conftest import Place


@pytest.fixture
def worker(visitor: Callable[..., DeviceClient]) -> Iterator[DeviceClient]:
    seen = visitor("Worker")
    seen.connect()
    yield seen
    seen.disconnect()


def count(message: dict[str, str]) -> float:
    return float(message["COUNT"])


def test_periodic_and_background_methods_run_while_it_is_connected(worker: DeviceClient) -> None:
    for name in ("TICKS", "POLLS", "ROUNDS"):
        first = count(worker.told(name))
        assert count(worker.told(name)) == first + 1
    worker.disconnect()
    worker.told("ENDED")
    worker.connect()
    told = [each.attributes["name"] for each in worker.client.inbox if each.tag.startswith("set")]
    disconnected, connected = [number for number, name in enumerate(told) if name == "CONNECTION"][-2:]
    assert not {"TICKS", "POLLS"} & set(told[disconnected:connected])


def test_a_periodic_method_that_fails_is_told_once_a_connection_and_goes_on(worker: DeviceClient) -> None:
    worker.client.expect("message", device="Worker", message="fail failed: the thermometer is silent")
    worker.told("TICKS")
    worker.told("TICKS")
    failures = [each for each in worker.client.inbox if "thermometer" in each.attributes.get("message", "")]
    assert len(failures) == 1
    worker.disconnect()
    worker.connect()
    worker.client.expect("message", device="Worker", message="fail failed: the thermometer is silent")


def test_the_polling_period_can_be_set(worker: DeviceClient) -> None:
    worker.number("POLLING_PERIOD", PERIOD_MS=5)
    assert worker.refusal("POLLING_PERIOD") == "POLLING_PERIOD has PERIOD_MS from 10 to 600000, not 5"
    worker.number("POLLING_PERIOD", PERIOD_MS=30)
    assert worker.told("POLLING_PERIOD", state="Ok") == {"PERIOD_MS": "30"}
    worker.told("POLLS")
    worker.told("POLLS")


@pytest.mark.parametrize(("order", "expected"), [("AFTER", 1), ("CANCEL", 3), ("SPAWN", 4)])
def test_timers_and_threads(worker: DeviceClient, order: str, expected: float) -> None:
    worker.switch("ORDER", **{order: True})
    assert count(worker.told("LATER")) == expected


def test_a_task_that_fails_is_logged(worker: DeviceClient, place: Place) -> None:
    worker.switch("ORDER", FAIL=True)
    place.server.wait_for_log("ZeroDivisionError")
    worker.told("TICKS")
