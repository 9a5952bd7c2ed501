"""A driver's properties: values, rules, copies, and what is told of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Light,
    LightVector,
    Number,
    NumberVector,
    PropertyState,
    Switch,
    SwitchVector,
    Text,
    TextVector,
)
from indigevent.errors import LocalProtocolError
from indigevent.protocol import codec
from indigevent.protocol.vectors import SetVector


class Told:
    """Takes what properties publish, as the bytes that a server would get."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def publish(self, change: Callable[[], SetVector | None]) -> None:
        content = change()
        if content is not None:
            self.messages.append(codec.to_bytes(content).decode())

    publish_blobs = publish


def served(prop: Any) -> tuple[Any, Told]:
    """A device's own copy of a property, which is defined."""
    told = Told()
    own = prop.copy_for("D", told)
    own.is_defined = True
    return own, told


def switches(*on: str, rule: str = "OneOfMany", **options: Any) -> SwitchVector:
    return SwitchVector("S", *(Switch(name, value=name in on) for name in "ABC"), rule=rule, **options)


NUMBERS = NumberVector("N", Number("X", value=1, format="%5.2f", max=9), Number("Y", value=2), saved=True)


def test_copies_are_their_devices_own() -> None:
    first, _ = served(NUMBERS)
    second, _ = served(NUMBERS)
    first.set(X=5)
    assert (first["X"], second["X"], NUMBERS["X"]) == (5.0, 1, 1)
    assert (first.saved, first.device, NUMBERS.device) == (True, "D", "")


def test_only_the_elements_that_are_set_are_told() -> None:
    numbers, told = served(NUMBERS)
    numbers.set(Y=0.1, state="Busy", message="x < y")
    assert told.messages == [
        '<setNumberVector device="D" name="N" state="Busy" message="x &lt; y">'
        '<oneNumber name="Y">0.1</oneNumber></setNumberVector>'
    ]


def test_a_state_alone_is_told_with_all_values() -> None:
    numbers, told = served(NUMBERS)
    numbers.alert("ouch")
    assert numbers.state is PropertyState.ALERT
    assert '"X">1<' in told.messages[0]
    assert '"Y">2<' in told.messages[0]
    numbers.send()
    assert 'state="Alert"' in told.messages[1]


def test_what_is_not_defined_changes_and_is_not_told() -> None:
    numbers, told = served(NUMBERS)
    numbers.is_defined = False
    numbers.set({"X": 3.0})
    numbers["Y"] = 4
    assert (numbers.values, told.messages) == ({"X": 3.0, "Y": 4.0}, [])


def test_a_property_without_device_can_be_set_too() -> None:
    text = TextVector("T", Text("A"))
    text.set(A="x")
    assert text["A"] == "x"


@pytest.mark.parametrize(
    ("prop", "values", "why"),
    [
        (NUMBERS, {"Z": 1}, "N has no element Z, only X, Y"),
        (NUMBERS, {"X": math.nan}, "N cannot have nan for X: an INDI number is finite"),
        (NUMBERS, {"X": "abc"}, "N needs a number for X, not 'abc'"),
        (NUMBERS, {"Y": 3, "X": None}, "N needs a number for X, not None"),
        (TextVector("T", Text("A")), {"A": "\x07"}, "T cannot have '\\x07' for A: XML cannot carry all of its"),
        (switches("A"), {"A": "On"}, "S needs True or False for A, not 'On'"),
        (switches("A"), {"B": True, "C": True}, "S is OneOfMany, and 2 switches would be On"),
        (switches("A"), {"A": False}, "S is OneOfMany, and no switch would be On"),
        (LightVector("L", Light("A")), {"A": "Green"}, "L needs Idle, Ok, Busy or Alert for A, not 'Green'"),
        (BLOBVector("B", BLOB("A")), {"A": b""}, "B is a BLOB property: send_blobs sends A"),
        (BLOBVector("B", BLOB("A")), {"C": b""}, "B has no element C, only A"),
    ],
)
def test_what_a_property_cannot_have(prop: Any, values: dict[str, object], why: str) -> None:
    own, told = served(prop)
    before = own.values
    with pytest.raises(LocalProtocolError) as raised:
        own.set(values)
    assert why in str(raised.value)
    assert (own.values, told.messages) == (before, [])


@pytest.mark.parametrize(
    "make",
    [
        lambda: TextVector("T", Text("A"), Text("A")),
        lambda: Number("X", format="%d"),
        lambda: switches(momentary=True),
    ],
)
def test_what_cannot_be_declared(make: Callable[[], object]) -> None:
    with pytest.raises(LocalProtocolError):
        make()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"perm": "wr"}, "'wr' is no Permission, which is one of ro, wo, rw"),
        ({"rule": "Two"}, "'Two' is no SwitchRule, which is one of OneOfMany, AtMostOne, AnyOfMany"),
        ({"state": "ok"}, "'ok' is no PropertyState, which is one of Idle, Ok, Busy, Alert"),
        ({"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
    ],
)
def test_what_an_option_cannot_be(options: dict[str, Any], why: str) -> None:
    with pytest.raises((ValueError, TypeError), match=why):
        SwitchVector("S", Switch("A"), **options)


def test_a_switch_turns_the_others_off_and_tells_them() -> None:
    own, told = served(switches("A"))
    own.choose("C", state="Busy")
    assert own.values == {"A": False, "B": False, "C": True}
    assert own.on == "C"
    assert '"A">Off<' in told.messages[0]
    assert '"B"' not in told.messages[0]
    assert '"C">On<' in told.messages[0]


def test_rules_of_switches() -> None:
    none, _ = served(switches(rule="AtMostOne"))
    none.set(A=True)
    none.set(A=False)
    assert none.on == ""
    many, _ = served(switches("A", rule="AnyOfMany"))
    many.set(B=True)
    assert many.values == {"A": True, "B": True, "C": False}


def test_a_one_of_many_that_began_with_none_may_stay_so() -> None:
    own, _ = served(switches())
    own.set(A=False)
    own.set(state="Alert")
    assert own.on == ""


def test_a_changed_range_is_told_as_libindi_does() -> None:
    numbers, told = served(NUMBERS)
    numbers.set_range("X", 1, 5, 0.5)
    assert told.messages == [
        '<setNumberVector device="D" name="N" state="Idle">'
        '<oneNumber name="X" min="1" max="5" step="0.5">1</oneNumber></setNumberVector>'
    ]
    assert 'max="5"' in codec.to_bytes(numbers.definition()).decode()


def test_numbers_as_people_see_them() -> None:
    numbers, _ = served(NumberVector("N", Number("RA", value=12.5, format="%9.6m")))
    assert numbers.formatted("RA") == " 12:30:00"


def test_definitions_name_what_was_not_named() -> None:
    definition = codec.to_bytes(TextVector("T", Text("A", value="x")).copy_for("D", Told()).definition()).decode()
    assert 'label="T" group="Main Control"' in definition
    assert '<defText name="A" label="A">x</defText>' in definition


def test_blobs_are_told_with_their_bytes(tmp_path: Any) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(b"abc")
    own, told = served(BLOBVector("B", BLOB("X"), BLOB("Y")))
    own.send_blobs(X=str(path), Y=Blob(b"a" * 99, ".txt", compress=True), state="Busy")
    assert own.state is PropertyState.BUSY
    assert '<oneBLOB name="X" size="3" format=".fits">YWJj</oneBLOB>' in told.messages[0]
    assert 'size="99" format=".txt.z"' in told.messages[0]
    with pytest.raises(LocalProtocolError, match="B has no element Z"):
        own.send_blobs(Z=b"")
    with pytest.raises(OSError, match="nothing"):
        own.send_blobs(X=tmp_path / "nothing")
