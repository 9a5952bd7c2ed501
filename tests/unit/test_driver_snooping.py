"""The mirror of other devices' properties."""

from __future__ import annotations

import pytest

from indigevent.driver.blobs import ReceivedBlob
from indigevent.driver.snooping import Snoop
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState
from indigevent.protocol.vectors import DefVector, DelProperty, SetVector

DEFINITION = (
    "<defSwitchVector device='D' name='S' label='' group='' state='Idle' perm='rw' rule='AnyOfMany'>"
    "<defSwitch name='A'>On</defSwitch><defSwitch name='B'>Off</defSwitch></defSwitchVector>"
)


def content(text: str) -> DefVector | SetVector:
    parsed = codec.parse(text.encode())
    assert isinstance(parsed, (DefVector, SetVector))
    return parsed


def number(name: str, value: float, state: str = "Ok") -> DefVector | SetVector:
    one = f"<oneNumber name='X'>{value}</oneNumber>"
    return content(f"<setNumberVector device='D' name='{name}' state='{state}' message='hm'>{one}</setNumberVector>")


def test_knows_nothing_at_first() -> None:
    mirror = Snoop("D", "S", None).mirror.find("S")
    assert (dict(mirror), mirror.is_defined, mirror.state) == ({}, False, PropertyState.IDLE)
    with pytest.raises(KeyError):
        mirror["A"]


def test_learns_from_definitions_and_new_values() -> None:
    snoop = Snoop("D", "S", None)
    changed = snoop.take(content(DEFINITION), None)
    assert dict(changed) == {"A": True, "B": False}
    one = "<oneSwitch name='B'>On</oneSwitch>"
    snoop.take(content(f"<setSwitchVector device='D' name='S' state='Busy' message='m'>{one}</setSwitchVector>"), None)
    assert dict(changed) == {"A": True, "B": True}
    assert (changed.is_defined, changed.state, changed.message) == (True, PropertyState.BUSY, "m")


def test_a_state_that_is_not_told_stays() -> None:
    snoop = Snoop("D", "S", None)
    changed = snoop.take(content(DEFINITION.replace("Idle", "Alert")), None)
    one = "<oneSwitch name='B'>On</oneSwitch>"
    snoop.take(content(f"<setSwitchVector device='D' name='S'>{one}</setSwitchVector>"), None)
    assert changed.state is PropertyState.ALERT


def test_a_new_definition_forgets_elements_that_are_gone() -> None:
    snoop = Snoop("D", "S", None)
    changed = snoop.take(content(DEFINITION), None)
    snoop.take(content(DEFINITION.replace("<defSwitch name='B'>Off</defSwitch>", "")), None)
    assert dict(changed) == {"A": True}


def test_a_lost_property_keeps_what_was_known() -> None:
    snoop = Snoop("D", "", None)
    first, second = snoop.take(number("N", 1), None), snoop.take(number("M", 2), None)
    assert snoop.lose(DelProperty("D", "N")) == [first]
    assert (first.is_defined, first["X"], second.is_defined) == (False, 1.0, True)
    assert snoop.lose(DelProperty("D")) == [first, second]
    snoop.take(number("N", 3), None)
    assert first.is_defined


def test_a_device_is_a_mapping_of_properties() -> None:
    snoop = Snoop("D", "", None)
    snoop.take(number("N", 1), None)
    assert list(snoop.mirror) == ["N"]
    assert snoop.mirror["N"]["X"] == 1.0
    assert snoop.mirror.find("M") is snoop.mirror.find("M")


def test_blobs_come_as_what_was_received() -> None:
    snoop = Snoop("D", "B", None)
    blob = ReceivedBlob(b"x", ".fits")
    changed = snoop.take(content("<setBLOBVector device='D' name='B' state='Ok'></setBLOBVector>"), {"X": blob})
    assert changed["X"] is blob
    about = "device='D' name='B' label='' group='' state='Idle' perm='ro'"
    again = content(f"<defBLOBVector {about}><defBLOB name='X'/></defBLOBVector>")
    assert dict(snoop.take(again, None)) == {}


@pytest.mark.parametrize(
    ("device", "name", "of_property", "of_device"),
    [("D", "S", True, True), ("D", "T", False, True), ("D", "", True, True), ("E", "S", False, False)],
)
def test_covers(device: str, name: str, of_property: bool, of_device: bool) -> None:
    assert Snoop("D", "S", None).covers(device, name) is of_property
    assert Snoop("D", "", None).covers(device, name) is of_device
