"""From values to the message: complete vectors, and what is refused before anything is sent."""

from __future__ import annotations

import math
from typing import Any

import pytest

from indigevent.client import commands
from indigevent.client.model import Mirror, Property
from indigevent.errors import ClientError
from indigevent.protocol import codec
from indigevent.protocol.constants import PropertyState, SwitchState

DEFINITIONS = (
    "<defNumberVector device='D' name='PLACE' state='Idle' perm='rw'>"
    "<defNumber name='RA' format='%g' min='0' max='24' step='0'>5.5</defNumber>"
    "<defNumber name='DEC' format='%g' min='-90' max='90' step='0'>-10</defNumber>"
    "<defNumber name='FREE' format='%g' min='0' max='0' step='0'>1</defNumber></defNumberVector>",
    "<defNumberVector device='D' name='ONE' state='Idle' perm='wo'>"
    "<defNumber name='X' format='%g' min='0' max='9' step='0'>1</defNumber></defNumberVector>",
    "<defTextVector device='D' name='WORDS' state='Idle' perm='rw'><defText name='A'>a</defText>"
    "<defText name='B'>b</defText></defTextVector>",
    *(
        f"<defSwitchVector device='D' name='{rule.upper()}' state='Idle' perm='rw' rule='{rule}'>"
        "<defSwitch name='R'>On</defSwitch><defSwitch name='G'>Off</defSwitch><defSwitch name='B'>Off</defSwitch>"
        "</defSwitchVector>"
        for rule in ("OneOfMany", "AtMostOne", "AnyOfMany")
    ),
    "<defLightVector device='D' name='LAMP' state='Idle'><defLight name='L'>Ok</defLight></defLightVector>",
    "<defTextVector device='D' name='FIXED' state='Idle' perm='ro'><defText name='A'>a</defText></defTextVector>",
    "<defBLOBVector device='D' name='UPLOAD' state='Idle' perm='wo'>"
    "<defBLOB name='F'/><defBLOB name='G'/></defBLOBVector>",
)


@pytest.fixture
def properties() -> dict[str, Property]:
    mirror = Mirror()
    for each in DEFINITIONS:
        mirror.apply(codec.parse(each.encode()))
    return mirror.devices["D"].properties


def asked(known: Property, **values: Any) -> dict[str, Any]:
    return commands.asked_values(commands.command(known, values))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("PLACE", {"RA": 7}, {"RA": 7.0, "DEC": -10.0, "FREE": 1.0}),
        ("PLACE", {"RA": "12:30", "FREE": -1e9}, {"RA": 12.5, "DEC": -10.0, "FREE": -1e9}),
        ("PLACE", {"RA": 0, "DEC": 90}, {"RA": 0.0, "DEC": 90.0, "FREE": 1.0}),
        ("WORDS", {"B": ""}, {"A": "a", "B": ""}),
        ("ONEOFMANY", {"G": True}, {"R": "Off", "G": "On", "B": "Off"}),
        ("ONEOFMANY", {"G": "On", "R": False}, {"R": "Off", "G": "On", "B": "Off"}),
        ("ATMOSTONE", {"B": SwitchState.ON}, {"R": "Off", "G": "Off", "B": "On"}),
        ("ATMOSTONE", {"R": False}, {"R": "Off", "G": "Off", "B": "Off"}),
        ("ANYOFMANY", {"G": True}, {"R": "On", "G": "On", "B": "Off"}),
    ],
)
def test_the_message_names_every_element(
    properties: dict[str, Property], name: str, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    got = asked(properties[name], **values)
    assert {key: getattr(value, "value", value) for key, value in got.items()} == expected


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("FIXED", {"A": "b"}, "D.FIXED cannot be set: it is read-only"),
        ("LAMP", {"L": "Ok"}, "D.LAMP cannot be set: it is read-only"),
        ("WORDS", {}, "D.WORDS cannot be set: no element was given; it has A, B"),
        ("WORDS", {"C": "c"}, "D.WORDS has no element C; it has A, B"),
        ("WORDS", {"A": 5}, "D.WORDS.A is a text; 5 is not a str"),
        ("PLACE", {"RA": 24.001}, "D.PLACE.RA cannot be set to 24.001: it must be from 0 to 24"),
        ("PLACE", {"RA": -0.1}, "it must be from 0 to 24"),
        ("PLACE", {"RA": math.nan}, "D.PLACE.RA cannot be set to nan: INDI numbers are finite"),
        ("PLACE", {"FREE": math.inf}, "INDI numbers are finite"),
        ("PLACE", {"RA": "noon"}, "D.PLACE.RA is a number; 'noon' is not"),
        ("PLACE", {"FREE": 10**400}, "D.PLACE.FREE is a number; 1000"),
        ("PLACE", {"RA": None}, "D.PLACE.RA is a number; None is not"),
        ("ONEOFMANY", {"R": False}, "one of its switches must be on (R, G, B)"),
        ("ONEOFMANY", {"R": True, "B": True}, "only one of its switches may be on, not R and B"),
        ("ATMOSTONE", {"R": True, "B": True}, "only one of its switches may be on, not R and B"),
        ("ANYOFMANY", {"R": "on"}, "D.ANYOFMANY.R is a switch; it is True or False"),
        ("ANYOFMANY", {"R": []}, "D.ANYOFMANY.R is a switch"),
        ("UPLOAD", {"F": "text"}, "D.UPLOAD.F is a BLOB; give bytes and a format"),
        ("UPLOAD", {"F": (b"1", 2, 3)}, "D.UPLOAD.F is a BLOB"),
        ("UPLOAD", {"F": (b"1", 2)}, "D.UPLOAD.F is a BLOB"),
    ],
)
def test_what_a_property_does_not_allow_is_said(
    properties: dict[str, Property], name: str, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ClientError) as error:
        asked(properties[name], **values)
    assert complaint in str(error.value)


def test_a_number_that_is_not_known_yet_is_left_out(properties: dict[str, Property]) -> None:
    properties["PLACE"].elements["FREE"].value = math.nan
    assert asked(properties["PLACE"], RA=1) == {"RA": 1.0, "DEC": -10.0}


def test_only_the_blobs_that_are_given_are_sent(properties: dict[str, Property]) -> None:
    message: Any = commands.command(properties["UPLOAD"], {"G": (memoryview(b"abc"), ".txt")})
    (one,) = message.elements
    assert (one.name, one.size, one.format, one.data) == ("G", 3, ".txt", b"abc")


def test_a_value_without_a_name(properties: dict[str, Property]) -> None:
    assert commands.single(properties["ONE"], 5) == {"X": 5}
    assert commands.single(properties["ONEOFMANY"], "G") == {"G": True}
    with pytest.raises(ClientError, match=r"D.WORDS has several elements \(A, B\); say which, as in set\(A='x'\)"):
        commands.single(properties["WORDS"], "x")


@pytest.mark.parametrize(
    ("name", "wanted", "state", "expected"),
    [
        ("ATMOSTONE", SwitchState.ON, PropertyState.OK, True),
        ("ATMOSTONE", SwitchState.OFF, PropertyState.OK, False),
        ("ATMOSTONE", SwitchState.ON, PropertyState.IDLE, False),
        ("ANYOFMANY", SwitchState.ON, PropertyState.OK, False),
    ],
)
def test_a_button_goes_back_by_itself(
    properties: dict[str, Property], name: str, wanted: SwitchState, state: PropertyState, expected: bool
) -> None:
    known = properties[name]
    known.state = state
    assert not commands.is_momentary(known, {"R": wanted})
    known.elements["R"].value = SwitchState.OFF
    assert commands.is_momentary(known, {"R": wanted}) is expected


def test_whether_values_are_as_asked(properties: dict[str, Property]) -> None:
    place = properties["PLACE"]
    assert commands.is_as_asked(place, {"RA": 5.5, "DEC": -10.0})
    assert not commands.is_as_asked(place, {"RA": 5.5, "DEC": 0.0})
    assert not commands.is_as_asked(place, {"ALT": 0.0})
