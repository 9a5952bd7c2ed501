"""CONFIG_PROCESS, DEBUG and SIMULATION."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.device_client import DeviceClient, values

from .conftest import Place


def config(bench: DeviceClient, what: str) -> None:
    bench.switch("CONFIG_PROCESS", **{f"CONFIG_{what}": True})
    bench.told("CONFIG_PROCESS", state="Ok")


def put(bench: DeviceClient, latitude: int) -> None:
    bench.number("SITE", LAT=latitude)
    bench.told("SITE", state="Ok")


@pytest.fixture
def config_file(place: Place) -> Iterator[Path]:
    path = place.lab.folder / "config.xml"
    yield path
    for each in (path, path.with_name("config.xml.default")):
        each.unlink(missing_ok=True)


def test_saves_loads_and_forgets_the_configuration(bench: DeviceClient, config_file: Path) -> None:
    put(bench, 50)
    config(bench, "SAVE")
    assert "50" in config_file.read_text()
    put(bench, 60)
    config(bench, "SAVE")
    put(bench, 70)
    for what, latitude in (("LOAD", "60"), ("DEFAULT", "50")):
        bench.switch("CONFIG_PROCESS", **{f"CONFIG_{what}": True})
        assert bench.told("SITE")["LAT"] == latitude
        bench.told("CONFIG_PROCESS", state="Ok")
    config(bench, "PURGE")
    assert not config_file.exists()
    bench.switch("CONFIG_PROCESS", CONFIG_LOAD=True)
    assert "cannot be read: No such file" in bench.refusal("CONFIG_PROCESS")


def test_a_saved_configuration_comes_back_with_the_connection(bench: DeviceClient, config_file: Path) -> None:
    put(bench, 55)
    config(bench, "SAVE")
    put(bench, 65)
    bench.disconnect()
    bench.connect()
    assert bench.told("SITE", state="Ok")["LAT"] == "55"


def test_a_configuration_of_another_device_is_not_loaded(bench: DeviceClient, config_file: Path) -> None:
    put(bench, 51)
    config(bench, "SAVE")
    mine = config_file.read_text()
    config_file.write_text(mine.replace("51", "52").replace("'Bench'", "'Bank'").replace('"Bench"', '"Bank"'))
    config(bench, "LOAD")
    put(bench, 53)
    told = [values(each)["LAT"] for each in bench.client.inbox if each.matches("setNumberVector", name="SITE")]
    assert told == ["51", "53"]


def test_debug_shows_more_in_the_log(bench: DeviceClient, place: Place) -> None:
    bench.switch("DEBUG", DISABLE=True)
    bench.told("DEBUG")
    bench.switch("MODE", A=True)
    bench.told("MODE")
    assert "mode A was" not in place.server.log
    bench.switch("DEBUG", ENABLE=True)
    assert bench.told("DEBUG") == {"ENABLE": "On", "DISABLE": "Off"}
    bench.switch("MODE", B=True)
    bench.told("MODE")
    if not place.way.is_embedded:  # there, the program's own level counts
        place.server.wait_for_log("mode B was A")


def test_simulation_is_the_authors(bench: DeviceClient) -> None:
    bench.switch("SIMULATION", ENABLE=True)
    assert bench.told("SIMULATION", state="Ok") == {"ENABLE": "On", "DISABLE": "Off"}
