"""What clients ask for, checked against the property before a handler sees it."""

from __future__ import annotations

from typing import Any

import pytest

from indigevent.driver import Number, NumberVector, Switch, SwitchVector, Text, TextVector
from indigevent.driver.commands import Wanted, wanted_values
from indigevent.errors import Refused
from indigevent.protocol import codec
from indigevent.protocol.vectors import NewVector

NUMBERS = NumberVector("N", Number("X", value=1, min=-5, max=5), Number("FREE", value=2))
SWITCHES = SwitchVector("S", Switch("A", value=True), Switch("B"))


def wanted(prop: Any, kind: str, elements: str, timestamp: str = "") -> Wanted:
    stamp = f" timestamp='{timestamp}'" if timestamp else ""
    command = codec.parse(f"<new{kind}Vector device='D' name='P'{stamp}>{elements}</new{kind}Vector>".encode())
    assert isinstance(command, NewVector)
    return wanted_values(prop, command)


def numbers(prop: NumberVector = NUMBERS, **values: object) -> Wanted:
    return wanted(prop, "Number", "".join(f"<oneNumber name='{k}'>{v}</oneNumber>" for k, v in values.items()))


def switches(prop: SwitchVector = SWITCHES, **values: str) -> Wanted:
    return wanted(prop, "Switch", "".join(f"<oneSwitch name='{k}'>{v}</oneSwitch>" for k, v in values.items()))


def test_elements_that_are_not_named_keep_their_values() -> None:
    asked = numbers(X="-0:30")
    assert asked == {"X": -0.5, "FREE": 2}
    assert (asked.named, asked.timestamp) == (("X",), "")


def test_the_clients_time_is_there() -> None:
    asked = wanted(TextVector("T", Text("A", value="a")), "Text", "<oneText name='A'/>", "2026-01-02T03:04:05")
    assert (asked, asked.timestamp) == ({"A": ""}, "2026-01-02T03:04:05")


@pytest.mark.parametrize("value", [-5, 5, "5.0", "-4:59:59"])
def test_the_ends_of_a_range_belong_to_it(value: object) -> None:
    assert numbers(X=value).named == ("X",)


def test_equal_ends_are_no_range() -> None:
    assert numbers(FREE=1e6)["FREE"] == 1e6


@pytest.mark.parametrize("value", ["nan", "-inf", "1e400"])
def test_what_is_no_finite_number_is_refused_even_where_nothing_is_checked(value: str) -> None:
    with pytest.raises(Refused, match="N needs a finite number for FREE"):
        numbers(FREE=value)
    with pytest.raises(Refused, match="finite"):
        numbers(NumberVector("N", Number("X"), checked=False), X=value)


def test_switches_are_true_and_false_and_keep_their_rule() -> None:
    asked = switches(B="On")
    assert asked == {"A": False, "B": True}
    assert asked.on == "B"
    any_of = SwitchVector("S", Switch("A", value=True), Switch("B"), rule="AnyOfMany")
    assert switches(any_of, B="On") == {"A": True, "B": True}
    none = switches(SwitchVector("S", Switch("A", value=True), rule="AtMostOne"), A="Off")
    assert (none, none.on) == ({"A": False}, "")


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: numbers(X=5.001), "N has X from -5 to 5, not 5.001"),
        (lambda: numbers(Y=1), "N has no element Y, only X, FREE"),
        (lambda: numbers(NumberVector("N", Number("X"), perm="ro"), X=1), "N is read-only"),
        (lambda: switches(A="On", B="On"), "S is OneOfMany, and 2 switches would be On"),
        (lambda: switches(A="Off"), "S is OneOfMany, and no switch would be On"),
        (lambda: wanted(NUMBERS, "Text", "<oneText name='X'>1</oneText>"), "N is a Number property, not Text"),
    ],
)
def test_what_is_refused(ask: Any, why: str) -> None:
    with pytest.raises(Refused) as refused:
        ask()
    assert str(refused.value) == why


def test_unchecked_properties_leave_it_to_their_handler() -> None:
    free = NumberVector("N", Number("X", max=5), perm="ro", checked=False)
    assert numbers(free, X=6, Z=1) == {"X": 6.0, "Z": 1.0}
    loose = SwitchVector("S", Switch("A", value=True), Switch("B"), checked=False)
    assert switches(loose, B="On") == {"A": False, "B": True}
    assert switches(loose, A="On", B="On") == {"A": True, "B": True}
    with pytest.raises(Refused):
        wanted(free, "Text", "<oneText name='X'>1</oneText>")


def test_write_only_properties_take_commands() -> None:
    assert numbers(NumberVector("N", Number("X"), perm="wo"), X=1) == {"X": 1.0}
