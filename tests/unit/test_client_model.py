"""The mirror: what a client knows after each kind of message."""

from __future__ import annotations

import json
import math

import pytest

from indigevent.client.blob_modes import BlobModes
from indigevent.client.model import Event, EventKind, Mirror
from indigevent.client.snapshot import snapshot
from indigevent.protocol import codec
from indigevent.protocol.constants import BlobMode, Permission, PropertyState, SwitchRule, SwitchState

MOUNT = (
    "<defNumberVector device='Mount' name='GOTO' label='Go to' group='Main' state='Idle' perm='rw' timeout='60'>"
    "<defNumber name='RA' label='Right ascension' format='%10.6m' min='0' max='24' step='0'>5.5</defNumber>"
    "<defNumber name='DEC' format='%g' min='-90' max='90' step='0'>1</defNumber></defNumberVector>"
)
SWITCH = (
    "<defSwitchVector device='Mount' name='TRACK' state='Ok' perm='rw' rule='OneOfMany'>"
    "<defSwitch name='ON'>Off</defSwitch><defSwitch name='OFF'>On</defSwitch></defSwitchVector>"
)
LIGHT = "<defLightVector device='Mount' name='LAMP' state='Busy'><defLight name='L'>Alert</defLight></defLightVector>"
BLOB = "<defBLOBVector device='Mount' name='PIC' state='Idle' perm='ro'><defBLOB name='B'/></defBLOBVector>"


def tell(mirror: Mirror, *messages: str) -> list[Event]:
    return [event for message in messages for event in mirror.apply(codec.parse(message.encode()))]


def kinds(events: list[Event]) -> list[str]:
    return [f"{event.kind.value} {event.device}.{event.name}" for event in events]


@pytest.fixture
def mirror() -> Mirror:
    """A mount with a property of four kinds."""
    made = Mirror()
    tell(made, MOUNT, SWITCH, LIGHT, BLOB)
    return made


def test_a_switch_is_a_condition(mirror: Mirror) -> None:
    known = mirror.find("Mount", "TRACK")
    assert known is not None
    assert [bool(element.value) for element in known.elements.values()] == [False, True]


def test_a_definition_tells_all_there_is(mirror: Mirror) -> None:
    goto = mirror.devices["Mount"].properties["GOTO"]
    assert (goto.label, goto.group, goto.state, goto.perm, goto.rule, goto.timeout) == (
        ("Go to", "Main", PropertyState.IDLE, Permission.READ_WRITE, None, 60.0)
    )
    right, declination = goto.elements.values()
    assert (right.label, right.value, right.format, right.max) == ("Right ascension", 5.5, "%10.6m", 24.0)
    assert declination.label == "DEC"
    track, lamp = (mirror.devices["Mount"].properties[name] for name in ("TRACK", "LAMP"))
    assert (track.rule, track.label, track.elements["OFF"].value) == ((SwitchRule.ONE_OF_MANY, "TRACK", SwitchState.ON))
    assert (lamp.perm, lamp.timeout, lamp.elements["L"].value) == (Permission.READ_ONLY, 0.0, PropertyState.ALERT)


def test_an_update_changes_what_it_names(mirror: Mirror) -> None:
    events = tell(
        mirror,
        "<setNumberVector device='Mount' name='GOTO' state='Busy' timeout='5' timestamp='T' message='Slewing.'>"
        "<oneNumber name='DEC' min='-80'>2</oneNumber></setNumberVector>",
        "<setNumberVector device='Mount' name='GOTO'/>",
    )
    assert kinds(events) == ["updated Mount.GOTO", "message Mount.", "updated Mount.GOTO"]
    goto = mirror.devices["Mount"].properties["GOTO"]
    assert (goto.state, goto.timeout, goto.timestamp, goto.message) == (PropertyState.BUSY, 5.0, "T", "Slewing.")
    assert [one.value for one in goto.elements.values()] == [5.5, 2.0]
    assert (goto.elements["DEC"].min, goto.elements["DEC"].max) == (-80.0, 90.0)
    assert (goto.updates, goto.busy_updates) == (2, 2)
    assert list(mirror.devices["Mount"].messages) == ["T: Slewing."]


@pytest.mark.parametrize(
    "message",
    [
        "<setNumberVector device='Dome' name='GOTO'/>",
        "<setNumberVector device='Mount' name='PARK'/>",
        "<setTextVector device='Mount' name='GOTO'><oneText name='RA'>a</oneText></setTextVector>",
        "<setNumberVector device='Mount' name='GOTO'><oneNumber name='ALT'>1</oneNumber></setNumberVector>",
    ],
)
def test_what_was_never_defined_is_counted(mirror: Mirror, message: str) -> None:
    before = snapshot(mirror)
    tell(mirror, message)
    assert mirror.unknown == 1
    assert snapshot(mirror) == before


def test_a_blob_comes_with_an_event_and_an_empty_one_tells_the_state_only(mirror: Mirror) -> None:
    picture = "<setBLOBVector device='Mount' name='PIC' state='Ok'>{}</setBLOBVector>"
    events = tell(mirror, picture.format("<oneBLOB name='B' size='3' format='.txt'>YWJj</oneBLOB>"))
    assert kinds(events) == ["updated Mount.PIC", "blob Mount.PIC"]
    blob = events[1].blob
    assert blob is not None and (blob.name, blob.format, blob.size, blob.data) == ("B", ".txt", 3, b"abc")
    events = tell(mirror, picture.format("<oneBLOB name='B' size='0' format=''/>"))
    assert kinds(events) == ["updated Mount.PIC"]
    assert mirror.devices["Mount"].properties["PIC"].elements["B"].value is blob


def test_deletion_of_a_property_and_of_a_device(mirror: Mirror) -> None:
    assert kinds(tell(mirror, "<delProperty device='Mount' name='GOTO' message='Gone.'/>")) == (
        ["deleted Mount.GOTO", "message Mount."]
    )
    assert mirror.find("Mount", "GOTO") is None
    events = tell(mirror, "<delProperty device='Mount'/>")
    assert kinds(events) == [f"deleted Mount.{name}" for name in ("TRACK", "LAMP", "PIC", "")]
    assert not mirror.devices
    assert not tell(mirror, "<delProperty device='Mount'/>")


def test_a_lost_server_deletes_everything(mirror: Mirror) -> None:
    assert [event.kind for event in mirror.clear()] == [EventKind.DELETED] * 5
    assert not mirror.devices


def test_defined_once_more_it_is_the_same_property_with_new_values(mirror: Mirror) -> None:
    goto = mirror.devices["Mount"].properties["GOTO"]
    right = goto.elements["RA"]
    tell(mirror, MOUNT.replace("5.5", "6.5").replace("'DEC'", "'ALT'").replace("Idle", "Busy"))
    assert mirror.devices["Mount"].properties["GOTO"] is goto
    assert goto.elements["RA"] is right and right.value == 6.5
    assert list(goto.elements) == ["RA", "ALT"]
    assert (goto.state, goto.updates, goto.busy_updates) == (PropertyState.BUSY, 1, 1)
    tell(mirror, SWITCH.replace("TRACK", "GOTO"))
    assert mirror.devices["Mount"].properties["GOTO"] is not goto


def test_messages_of_devices_and_of_nobody(mirror: Mirror) -> None:
    events = tell(mirror, "<message device='Mount' timestamp='T' message='Hi'/>", "<message message='All'/>")
    assert [(event.device, event.message) for event in events] == [("Mount", "Hi"), ("", "All")]
    assert (list(mirror.devices["Mount"].messages), list(mirror.messages)) == (["T: Hi"], ["All"])


def test_a_snapshot_has_no_number_that_json_does_not_have(mirror: Mirror) -> None:
    mirror.devices["Mount"].properties["GOTO"].elements["RA"].value = math.nan
    plain = json.loads(json.dumps(snapshot(mirror), allow_nan=False))
    properties = plain["Mount"]["properties"]
    assert properties["GOTO"]["elements"]["RA"]["value"] is None
    assert (properties["TRACK"]["rule"], properties["TRACK"]["elements"]["OFF"]["value"]) == ("OneOfMany", "On")
    assert properties["PIC"]["elements"]["B"]["value"] is None


@pytest.mark.parametrize(
    ("is_only", "said", "expected"),
    [
        (True, [("Also", "A", "")], ["Only A."]),
        (True, [("Also", "A", ""), ("Never", "B", "")], ["Never B.", "Only A."]),
        (False, [("Also", "", ""), ("Never", "B", ""), ("Never", "A", "P")], ["Also .", "Never A.P"]),
        (False, [("Only", "A", "P"), ("Also", "A", "")], ["Also A."]),
        (False, [("Only", "A", ""), ("Never", "A", "P"), ("Never", "", "")], ["Never ."]),
    ],
)
def test_blob_modes_are_said_so_that_the_reference_understands(
    is_only: bool, said: list[tuple[str, str, str]], expected: list[str]
) -> None:
    modes = BlobModes(is_only)
    for mode, device, name in said:
        modes.set(BlobMode(mode), device, name)
    assert [f"{one.value.value} {one.device}.{one.name}" for one in modes.messages()] == expected


def test_the_most_specific_blob_mode_rules() -> None:
    modes = BlobModes(is_only=True)
    assert modes.wants("A", "P") and not modes.rules("A")
    modes.set(BlobMode.NEVER, "A")
    modes.set(BlobMode.ALSO, "A", "P")
    assert modes.rules("A") and not modes.rules("B")
    assert [modes.wants(*scope) for scope in (("A", "P"), ("A", "Q"), ("B", "P"))] == [True, False, True]
