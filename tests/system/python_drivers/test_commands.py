"""What clients ask for: handlers, rules, ranges, refusals, and a handler that blocks."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.device_client import DeviceClient, values
from tests.lab.pump import DEADLINE_S


def test_a_handler_gets_all_values_and_tells_what_it_likes(bench: DeviceClient) -> None:
    bench.text("WORDS", FIRST="drei & vier", SECOND="fünf")
    assert bench.set_vector("WORDS").attributes["message"] == "FIRST,SECOND of fünf"
    bench.text("WORDS", FIRST="sechs")
    told = bench.set_vector("WORDS", state="Ok")
    assert values(told) == {"FIRST": "SECHS"}  # and only that
    assert told.attributes["message"] == "FIRST of °ü"


def test_numbers_come_in_any_notation_and_busy_becomes_ok(bench: DeviceClient) -> None:
    bench.number("PLACE", RA="12:30:00", DEC="-0:30:36")
    busy = bench.set_vector("PLACE", state="Busy")
    assert values(busy) == {"RA": "12.5"}
    done = bench.told("PLACE", state="Ok")
    assert float(done["RA"]) == 12.5
    assert float(done["DEC"]) == pytest.approx(-0.51)


def test_turning_one_switch_on_turns_the_others_off(bench: DeviceClient) -> None:
    bench.switch("MODE", C=True)
    bench.told("MODE")
    bench.switch("MODE", B=True)
    assert bench.told("MODE", state="Ok") == {"A": "Off", "B": "On", "C": "Off"}


def test_at_most_one_may_be_none(bench: DeviceClient) -> None:
    bench.switch("AT_MOST", X=True)
    assert bench.told("AT_MOST") == {"X": "On", "Y": "Off"}
    bench.switch("AT_MOST", Y=True)
    assert bench.told("AT_MOST") == {"X": "Off", "Y": "On"}
    bench.switch("AT_MOST", Y=False)
    assert bench.told("AT_MOST", state="Ok") == {"X": "Off", "Y": "Off"}


def test_any_of_many_are_independent(bench: DeviceClient) -> None:
    bench.switch("ANY_OF", P=True, Q=False)
    assert bench.told("ANY_OF") == {"P": "On", "Q": "Off"}
    bench.switch("ANY_OF", Q=True)
    assert bench.told("ANY_OF") == {"P": "On", "Q": "On"}
    bench.switch("ANY_OF", P=True)
    assert bench.told("ANY_OF", state="Ok") == {"P": "On", "Q": "On"}


def test_a_push_button_is_off_again(bench: DeviceClient) -> None:
    bench.switch("PUSH", STOP=True)
    bench.client.expect("message", message="STOP pushed")
    assert bench.told("PUSH", state="Ok") == {"GO": "Off", "STOP": "Off"}


def test_a_handler_that_changes_a_range_tells_it(bench: DeviceClient) -> None:
    bench.number("WIDTH", MAX=50)
    (ranged,) = bench.set_vector("WIDTH").children
    assert (ranged.attributes["name"], ranged.attributes["max"]) == ("VALUE", "50")
    assert bench.told("WIDTH", state="Ok")["MAX"] == "50"
    bench.number("WIDTH", VALUE=40)
    bench.set_vector("WIDTH")
    assert bench.told("WIDTH", state="Ok")["VALUE"] == "40"
    bench.number("WIDTH", VALUE=51)
    assert bench.refusal("WIDTH") == "WIDTH has VALUE from 0 to 50, not 51"


# What clients must not do


@pytest.mark.parametrize(
    ("name", "elements", "sentence"),
    [
        ("FIXED", {"VALUE": 1}, "FIXED is read-only"),
        ("PLACE", {"NOWHERE": 1}, "PLACE has no element NOWHERE, only RA, DEC, FREE"),
        ("PLACE", {"RA": 25}, "PLACE has RA from 0 to 24, not 25"),
        ("PLACE", {"RA": 1, "DEC": -90.5}, "PLACE has DEC from -90 to 90, not -90.5"),
        ("PLACE", {"FREE": "abc"}, "'abc' is not an INDI number, which is like -1.5, 2e-3 or -0:30:15.2"),
        ("PLACE", {"FREE": "nan"}, "PLACE needs a finite number for FREE, not nan"),
        ("LIMITED", {"VALUE": 6}, "6 is too much for me."),
        ("LIMITED", {"VALUE": 13}, "LIMITED failed: thirteen"),
        ("LIMITED", {"VALUE": 14}, "LIMITED has no element NOBODY, only VALUE"),
        ("UNCHECKED", {"NOBODY": 1}, ""),
    ],
)
def test_what_a_number_cannot_be(bench: DeviceClient, name: str, elements: dict[str, object], sentence: str) -> None:
    before = values(bench.definition(name))
    bench.number(name, **elements)
    if not sentence:
        assert bench.told(name, state="Ok") == before
        return
    assert sentence in bench.refusal(name)
    bench.number("LIMITED", VALUE=2)
    assert bench.told("LIMITED", state="Ok") == {"VALUE": "2"}


def test_a_refused_number_changes_nothing(bench: DeviceClient) -> None:
    bench.number("PLACE", RA=3, DEC=4)
    bench.told("PLACE", state="Ok")
    bench.number("PLACE", RA=5, DEC=400)
    told = bench.told("PLACE", state="Alert")
    assert (told["RA"], told["DEC"]) == ("3", "4")


def test_unchecked_wishes_reach_the_handler(bench: DeviceClient) -> None:
    bench.number("UNCHECKED", VALUE=7)
    assert bench.told("UNCHECKED", state="Ok") == {"VALUE": "7"}


def test_two_of_one_of_many_are_refused(bench: DeviceClient) -> None:
    bench.switch("MODE", A=True)
    bench.told("MODE")
    bench.switch("MODE", B=True, C=True)
    assert bench.refusal("MODE") == "MODE is OneOfMany, and 2 switches would be On"
    bench.switch("MODE", A=False)
    assert bench.refusal("MODE") == "MODE is OneOfMany, and no switch would be On"
    bench.switch("AT_MOST", X=True, Y=True)
    assert bench.refusal("AT_MOST") == "AT_MOST is AtMostOne, and 2 switches would be On"


def test_a_command_of_another_kind_is_refused(bench: DeviceClient) -> None:
    bench.text("FIXED", VALUE="1")
    assert bench.refusal("FIXED") == "FIXED is a Number property, not Text"


def test_a_property_that_is_not_there(bench: DeviceClient) -> None:
    bench.number("NOTHING", VALUE=1)
    bench.client.expect("message", device="Bench", message="Bench has no property NOTHING at present")


# Handlers that block


@contextlib.contextmanager
def blocked(bench: DeviceClient, folder: Path) -> Iterator[None]:
    """Hold a handler for as long as the block runs, then wait for its end."""
    path = str(folder / "line")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(DEADLINE_S)
        bench.text("SLOW", PATH=path)
        line, _ = listener.accept()
        with line:
            yield
    assert bench.told("SLOW", state="Ok") == {"PATH": path}


def test_a_handler_that_blocks_keeps_nobody_waiting(
    bench: DeviceClient, visitor: Callable[..., DeviceClient], tmp_path: Path
) -> None:
    with blocked(bench, tmp_path):
        newcomer = visitor("Bench")
        assert newcomer.definition("LABELS").tag == "defTextVector"
        neighbour = visitor("Neighbour")
        neighbour.number("LEVEL", VALUE=3)
        assert neighbour.told("LEVEL", state="Ok") == {"VALUE": "3"}
        bench.number("LIMITED", VALUE=4)
        bench.client.ping()
        assert not bench.client.has("setNumberVector", device="Bench", name="LIMITED")
    assert bench.told("LIMITED", state="Ok") == {"VALUE": "4"}
