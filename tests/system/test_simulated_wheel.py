"""The simulated filter wheel, as a client of our daemon sees it."""

from __future__ import annotations

import pytest

from tests.lab.instrument import Instrument
from tests.lab.lab import Lab

DRIVER = "indigevent.simulators.wheel:FilterWheelSimulator"
DEVICE = "Filter Simulator"
LAST_DEFINED = "CONFIG_PROCESS"
SLOT, VALUE = "FILTER_SLOT", "FILTER_SLOT_VALUE"
NAMES = ["Red", "Green", "Blue", "H_Alpha", "SII", "OIII", "LPR", "Luminance"]


@pytest.fixture
def wheel(lab: Lab) -> Instrument:
    server = lab.server(DRIVER, HOME=str(lab.folder))
    panel = Instrument(lab, server, DEVICE)
    panel.definition("CONNECTION")
    panel.connect()
    panel.definition(LAST_DEFINED)
    return panel


def test_slots_and_names_are_the_standard_ones(wheel: Instrument) -> None:
    (slot,) = next(message for message in wheel.client.inbox if message.matches("defNumberVector", name=SLOT)).children
    assert (slot.attributes["min"], slot.attributes["max"], slot.text.strip()) == ("1", "8", "1")
    assert wheel.latest("FILTER_NAME") == {f"FILTER_SLOT_NAME_{number}": name for number, name in enumerate(NAMES, 1)}
    info = wheel.latest("DRIVER_INFO")
    assert (info["DRIVER_EXEC"], info["DRIVER_INTERFACE"]) == (DRIVER, "16")


def test_the_old_slot_is_told_until_the_new_one_is_there(wheel: Instrument) -> None:
    wheel.set(SLOT, FILTER_SLOT_VALUE=2)
    assert wheel.expect(SLOT, "Busy") == {VALUE: 1}
    assert wheel.expect(SLOT, "Ok") == {VALUE: 2}


def test_sent_elsewhere_on_the_way_it_arrives_only_there(wheel: Instrument) -> None:
    wheel.set(SLOT, FILTER_SLOT_VALUE=2)
    wheel.set(SLOT, FILTER_SLOT_VALUE=4)
    assert [wheel.expect(SLOT, "Busy") for _ in range(2)] == [{VALUE: 1}] * 2
    assert wheel.expect(SLOT, "Ok") == {VALUE: 4}
    assert not wheel.client.has("setNumberVector", name=SLOT, state="Alert")


@pytest.mark.parametrize(
    ("slot", "reason"),
    [(9, "FILTER_SLOT has FILTER_SLOT_VALUE from 1 to 8, not 9"), (2.5, "There is no filter slot 2.5")],
)
def test_a_slot_that_is_not_there_is_refused(wheel: Instrument, slot: float, reason: str) -> None:
    wheel.set(SLOT, FILTER_SLOT_VALUE=slot)
    assert reason in wheel.refusal(SLOT)
    wheel.set(SLOT, FILTER_SLOT_VALUE=1)
    assert wheel.expect(SLOT, "Ok") == {VALUE: 1}


def test_names_can_be_changed_and_saved(wheel: Instrument, lab: Lab) -> None:
    wheel.set("FILTER_NAME", FILTER_SLOT_NAME_4="Grün 7 nm")
    wheel.expect("FILTER_NAME", "Ok")
    wheel.set("CONFIG_PROCESS", CONFIG_SAVE=True)
    wheel.expect("CONFIG_PROCESS", "Ok")
    other = lab.server(DRIVER, HOME=str(lab.folder))
    again = Instrument(lab, other, DEVICE)
    again.definition("CONNECTION")
    again.connect()
    again.definition("FILTER_NAME")
    assert again.expect("FILTER_NAME", "Ok")["FILTER_SLOT_NAME_4"] == "Grün 7 nm"


def test_a_wheel_that_was_disconnected_on_its_way_works_when_it_is_connected_again(wheel: Instrument) -> None:
    wheel.set(SLOT, FILTER_SLOT_VALUE=2)
    wheel.expect(SLOT, "Busy")
    wheel.set("CONNECTION", DISCONNECT=True)
    wheel.client.expect("delProperty", device=DEVICE, name=SLOT)
    wheel.set("CONNECTION", CONNECT=True)
    wheel.client.expect("defNumberVector", name=SLOT)
    wheel.set(SLOT, FILTER_SLOT_VALUE=2)
    assert wheel.expect(SLOT, "Ok") == {VALUE: 2}
