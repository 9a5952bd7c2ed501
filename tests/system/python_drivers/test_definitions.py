"""How properties are defined, and that they come and go."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.device_client import DeviceClient, values
from tests.lab.messages import Message
from tests.lab.ways import Way

from .conftest import Place


def attributes(definition: Message) -> dict[str, str]:
    assert definition.attributes.pop("timestamp")
    return definition.attributes


def element(definition: Message, name: str) -> dict[str, str]:
    return next(child.attributes for child in definition.children if child.attributes["name"] == name)


# Definitions


def test_defines_texts_with_all_attributes(bench: DeviceClient) -> None:
    words = bench.definition("WORDS")
    assert words.tag == "defTextVector"
    expected = {"device": "Bench", "name": "WORDS", "label": "Some words", "group": "Texts", "perm": "rw"}
    assert attributes(words).items() >= {**expected, "timeout": "5"}.items()
    assert element(words, "FIRST")["label"] == "First word"
    assert element(words, "SECOND")["label"] == "SECOND"
    assert list(values(words)) == ["FIRST", "SECOND"]


def test_defines_numbers_with_format_and_range(bench: DeviceClient) -> None:
    place = bench.definition("PLACE")
    assert place.tag == "defNumberVector"
    shown = element(place, "RA")
    assert shown.pop("label") == "Right ascension"
    assert shown == {"name": "RA", "format": "%010.6m", "min": "0", "max": "24", "step": "0.5"}
    assert element(place, "FREE")["format"] == "%g"


def test_defines_switches_with_their_rules(bench: DeviceClient) -> None:
    rules = {name: bench.definition(name).attributes["rule"] for name in ("MODE", "AT_MOST", "ANY_OF")}
    assert rules == {"MODE": "OneOfMany", "AT_MOST": "AtMostOne", "ANY_OF": "AnyOfMany"}


def test_defines_lights_without_permission(bench: DeviceClient) -> None:
    lamps = bench.definition("LAMPS")
    assert lamps.tag == "defLightVector"
    assert values(lamps) == {"IDLE": "Idle", "OK": "Ok", "BUSY": "Busy", "ALERT": "Alert"}
    assert lamps.attributes["state"] == "Busy"
    assert not lamps.attributes.keys() & {"perm", "timeout"}


def test_defines_blobs(bench: DeviceClient) -> None:
    image = bench.definition("IMAGE")
    assert image.tag == "defBLOBVector"
    assert image.attributes["perm"] == "ro"
    assert element(image, "CCD1")["label"] == "Picture"


def test_tells_which_driver_it_is(bench: DeviceClient, place: Place) -> None:
    told = values(bench.definition("DRIVER_INFO"))
    program = "bench.py" if place.way in (Way.PROGRAM, Way.REFERENCE) else "tests.drivers.bench:Bench"
    expected = {"DRIVER_NAME": "Bench", "DRIVER_EXEC": program, "DRIVER_VERSION": "2.5", "DRIVER_INTERFACE": "0"}
    assert told == expected


def test_properties_come_and_go_at_run_time(bench: DeviceClient) -> None:
    bench.switch("EXTRA_SWITCH", DEFINE=True)
    made = bench.client.expect("defNumberVector", name="EXTRA", device="Bench")
    assert made.attributes["label"] == "Made at run time"
    bench.number("EXTRA", VALUE=21)
    assert bench.told("EXTRA") == {"VALUE": "42"}
    bench.switch("EXTRA_SWITCH", DELETE=True)
    bench.client.expect("delProperty", device="Bench", name="EXTRA", message="Not needed any more.")
    bench.number("EXTRA", VALUE=1)
    bench.client.expect("message", message="Bench has no property EXTRA at present")


def test_messages_pass_and_prints_do_no_harm(bench: DeviceClient, place: Place) -> None:
    bench.text("SAY", TEXT="Hello & welcome, <you>; größer")
    said = bench.client.expect("message", device="Bench")
    assert said.attributes["message"] == "Hello & welcome, <you>; größer"
    assert bench.told("SAY", state="Ok")
    assert not bench.client.has("setTextVector", device="nobody")
    if not place.way.is_embedded:
        place.server.wait_for_log("<setTextVector device='nobody'>")


# Connecting


def test_connecting_defines_and_disconnecting_deletes(
    bench: DeviceClient, visitor: Callable[..., DeviceClient]
) -> None:
    bench.number("PLACE", RA=7)
    bench.told("PLACE", state="Ok")
    bench.disconnect()
    bench.client.expect("delProperty", device="Bench", name="PLACE")
    assert float(bench.told("LEFT")["TIMES"]) >= 1
    newcomer = visitor("Bench")
    newcomer.definition("SIMULATION")
    newcomer.client.ping()
    assert not newcomer.client.has("defNumberVector", name="PLACE")
    bench.connect()
    assert values(bench.client.expect("defNumberVector", name="PLACE"))["RA"] == "7"
    newcomer.definition("PLACE")


def test_a_connection_that_cannot_be_made_is_told(bench: DeviceClient, place: Place) -> None:
    bench.disconnect()
    bench.switch("TROUBLE", CONNECT=True)
    bench.told("TROUBLE")
    bench.switch("CONNECTION", CONNECT=True)
    refused = bench.set_vector("CONNECTION", state="Alert")
    assert "nobody answers on the line" in refused.attributes["message"]
    assert values(refused) == {"CONNECT": "Off", "DISCONNECT": "On"}
    place.server.wait_for_log("CONNECTION failed: nobody answers on the line")
    bench.switch("DEBUG", ENABLE=True)
    bench.told("DEBUG")
    assert "OSError: nobody" not in place.server.log
    bench.switch("CONNECTION", CONNECT=True)
    place.server.wait_for_log("OSError: nobody answers on the line")
    bench.switch("DEBUG", DISABLE=True)
    bench.told("DEBUG")
    bench.switch("TROUBLE", CONNECT=False)
    bench.told("TROUBLE")
    bench.connect()


def test_a_disconnection_that_fails_is_told_and_done(bench: DeviceClient) -> None:
    bench.switch("TROUBLE", DISCONNECT=True)
    bench.told("TROUBLE")
    bench.switch("CONNECTION", DISCONNECT=True)
    assert "the line is broken" in bench.refusal("CONNECTION")
    bench.switch("TROUBLE", DISCONNECT=False)
    bench.told("TROUBLE")
    bench.connect()
