"""Following other devices: of other drivers, and of the same one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.drivers.bench import PICTURE
from tests.lab.device_client import DeviceClient, values


def sees(watcher: DeviceClient, what: str, state: str = "Ok", **expected: object) -> None:
    """Wait until the watcher tells of a property in this state, with these values among those that it knows."""
    while True:
        told = watcher.told("SEEN")
        known = json.loads(told["VALUES"])
        if (told["PROPERTY"], told["STATE"]) == (what, state) and expected.items() <= known.items():
            return


@pytest.fixture
def watcher(visitor: Callable[..., DeviceClient], bench: DeviceClient) -> DeviceClient:
    return visitor("Watcher")


def test_follows_another_drivers_properties(watcher: DeviceClient, bench: DeviceClient) -> None:
    bench.number("PLACE", RA=1.25, DEC=2, FREE=3)
    sees(watcher, "Bench.PLACE", "Busy", RA=1.25)
    sees(watcher, "Bench.PLACE", RA=1.25, DEC=2.0, FREE=3.0)
    bench.switch("MODE", C=True)
    sees(watcher, "Bench.MODE", A=False, B=False, C=True)


def test_sees_properties_go_and_come_back(watcher: DeviceClient, bench: DeviceClient) -> None:
    bench.disconnect()
    sees(watcher, "Bench.PLACE", "gone")
    bench.connect()
    bench.number("PLACE", RA=9)
    sees(watcher, "Bench.PLACE", RA=9.0)


def test_follows_another_drivers_blobs(watcher: DeviceClient, bench: DeviceClient) -> None:
    for how in ("BYTES", "COMPRESSED"):
        bench.switch("SHOOT", **{how: True})
        bench.told("SHOOT", state="Ok")
        sees(watcher, "Bench.IMAGE", CCD1=f"{len(PICTURE)} bytes .bin")


def test_follows_a_device_of_its_own_driver(watcher: DeviceClient, visitor: Callable[..., DeviceClient]) -> None:
    neighbour = visitor("Neighbour")
    for level in (5, 500):  # the smaller one is not worth compressing
        neighbour.number("LEVEL", VALUE=level)
        sees(watcher, "Neighbour.LEVEL", VALUE=float(level))
        sees(watcher, "Neighbour.PICTURE", P=f"{level} bytes .txt")


def test_each_change_is_seen_once(watcher: DeviceClient, visitor: Callable[..., DeviceClient]) -> None:
    visitor("Neighbour").number("LEVEL", VALUE=8)
    sees(watcher, "Neighbour.PICTURE", P="8 bytes .txt")
    told = [values(each) for each in watcher.client.inbox if each.matches("setTextVector", device="Watcher")]
    levels = [each for each in told if each["PROPERTY"] == "Neighbour.LEVEL"]
    assert [each["VALUES"] for each in levels].count('{"VALUE": 8.0}') == 1
