"""Who receives each message: clients by what they asked for, drivers by what they own or snoop on."""

from __future__ import annotations

import pytest

from indigevent.protocol.constants import TOP_LEVEL_TAGS, BlobMode
from indigevent.routing.interest import EVERYTHING

from .house import ALSO, DEF, DEVICE_TAGS, NEVER, NEW, ONLY, SET, House, audience, drivers


@pytest.fixture
def house() -> House:
    return House()


# Messages from drivers to clients

EVERYBODY = ["all", "star", "device", "property", "other property", "other device", "both", "nothing"]
OF_THE_DEVICE = ["all", "star", "device", "both"]
OF_THE_PROPERTY = ["all", "star", "device", "property", "both"]


@pytest.mark.parametrize("tag", [tag for tag in DEVICE_TAGS if tag != "setBLOBVector"])
@pytest.mark.parametrize(
    ("device", "name", "heard"),
    [
        ("A", "P", OF_THE_PROPERTY),
        ("A", "Z", OF_THE_DEVICE),
        ("A", "", OF_THE_DEVICE),
        ("Z", "P", ["all", "star"]),
        ("", "", EVERYBODY),
        ("", "P", EVERYBODY),
    ],
)
def test_a_drivers_message_reaches_those_who_asked(
    house: House, tag: str, device: str, name: str, heard: list[str]
) -> None:
    audience(house)
    assert house.say(house.local("driver"), tag, device, name) == heard


def test_clients_are_served_in_the_order_they_came(house: House) -> None:
    first, second, third = (house.client(label) for label in ("first", "second", "third"))
    house.ask(third, "A")
    house.ask(second, "A", "P")
    house.ask(first)
    assert house.say(house.local("driver"), SET, "A", "P") == ["first", "second", "third"]


def test_a_client_hears_once_however_often_it_asked(house: House) -> None:
    house.client("client", "", "A", "A.P", "A.Q", "A")
    assert house.say(house.local("driver"), SET, "A", "P") == ["client"]


@pytest.mark.parametrize(
    ("mode", "tags"),
    [
        (NEVER, ["defBLOBVector", "defNumberVector", "delProperty", "message", "setNumberVector"]),
        (ALSO, ["defBLOBVector", "defNumberVector", "delProperty", "message", "setBLOBVector", "setNumberVector"]),
        (ONLY, ["defBLOBVector", "delProperty", "setBLOBVector"]),
    ],
)
def test_blob_mode_of_a_client(house: House, mode: BlobMode, tags: list[str]) -> None:
    driver, client = house.local("driver", "A"), house.client("client", "A")
    house.table.set_blob_mode(client, "A", "", mode)
    candidates = ["defBLOBVector", DEF, "delProperty", "message", "setBLOBVector", SET]
    assert [tag for tag in candidates if house.say(driver, tag, "A", "P")] == tags


def test_each_client_has_its_own_blob_mode(house: House) -> None:
    driver = house.local("driver", "A")
    clients = [house.client(mode.value, "") for mode in BlobMode]
    for client, mode in zip(clients, BlobMode, strict=True):
        house.table.set_blob_mode(client, "", "", mode)
    assert house.say(driver, "setBLOBVector", "A", "P") == ["Also", "Only"]
    assert house.say(driver, "message") == ["Never", "Also"]


def test_whether_a_client_asked_for_anything(house: House) -> None:
    clients = [house.client("client", *scopes) for scopes in ([], [""], ["*"], ["A"], ["A.P"])]
    assert [house.table.is_subscribed(client) for client in clients] == [False, True, True, True, True]


# Messages from clients


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS | {"unknown"}))
@pytest.mark.parametrize(
    ("device", "heard"),
    [
        ("A", ["a"]),
        ("B2", ["b"]),
        ("S", ["s"]),
        ("Nobody's", []),
        ("", ["a", "b", "r", "t"]),
        ("*", ["a", "b", "r", "s", "t"]),
    ],
)
def test_a_clients_message_reaches_the_owners(house: House, tag: str, device: str, heard: list[str]) -> None:
    drivers(house)
    assert house.tell(house.client("client"), tag, device, "P") == heard


def test_an_announced_device_is_owned_at_once(house: House) -> None:
    house.remote("far", "far:1", announced="A")
    assert house.ask(house.client("client"), "A") == ["far"]


@pytest.mark.parametrize("tag", DEVICE_TAGS)
def test_any_message_of_a_local_driver_makes_it_owner(house: House, tag: str) -> None:
    house.say(house.local("driver"), tag, "A")
    assert house.ask(house.client("client"), "A") == ["driver"]


@pytest.mark.parametrize("tag", DEVICE_TAGS)
def test_commands_and_deletions_make_no_remote_owner(house: House, tag: str) -> None:
    house.say(house.remote("remote", "far:1"), tag, "A")
    owns = not tag.startswith(("new", "del"))
    assert house.ask(house.client("client"), "A") == (["remote"] if owns else [])


def test_snooping_makes_nobody_owner(house: House) -> None:
    house.snoop(house.local("driver"), "A", "P", ALSO)
    assert house.ask(house.client("client"), "A") == []


@pytest.mark.parametrize("tag", sorted(tag for tag in TOP_LEVEL_TAGS if tag.startswith("new")))
@pytest.mark.parametrize(
    ("device", "name", "heard"),
    [
        ("A", "P", OF_THE_PROPERTY),
        ("A", "Z", OF_THE_DEVICE),
        ("Z", "P", ["all", "star"]),
        ("", "P", EVERYBODY),
    ],
)
def test_commands_are_echoed_to_the_other_clients(
    house: House, tag: str, device: str, name: str, heard: list[str]
) -> None:
    sender = house.client("sender", "")
    audience(house)
    assert house.tell(sender, tag, device, name) == heard


def test_a_command_goes_to_drivers_and_others_but_not_back(house: House) -> None:
    house.local("driver", "A")
    first, second = house.client("first", "A"), house.client("second", "A.P")
    assert house.tell(first, NEW, "A", "P") == ["driver", "second"]
    assert house.tell(second, NEW, "A", "P") == ["driver", "first"]
    assert house.tell(first, NEW, "A", "Q") == ["driver"]


@pytest.mark.parametrize(("mode", "echoed"), [(NEVER, True), (ALSO, True), (ONLY, False)])
def test_blob_commands_are_echoed_unless_only_blobs_are_wanted(house: House, mode: BlobMode, echoed: bool) -> None:
    sender, other = house.client("sender"), house.client("other", "A")
    house.table.set_blob_mode(other, "A", "", mode)
    assert house.tell(sender, "newBLOBVector", "A", "P") == (["other"] if echoed else [])


@pytest.mark.parametrize("tag", [tag for tag in DEVICE_TAGS if not tag.startswith("new")])
@pytest.mark.parametrize("device", ["A", ""])
def test_nothing_else_is_echoed(house: House, tag: str, device: str) -> None:
    audience(house)
    assert house.tell(house.client("sender", ""), tag, device, "P") == []


@pytest.mark.parametrize("tag", sorted(tag for tag in TOP_LEVEL_TAGS if tag.startswith("set")))
def test_set_from_a_client_reaches_snoopers_too(house: House, tag: str) -> None:
    house.local("owner", "A")
    for label, device, name in [("device", "A", ""), ("property", "A", "P"), ("other", "A", "Q"), ("B", "B", "")]:
        house.snoop(house.local(label), device, name, ALSO)
    assert house.tell(house.client("upstream", "*"), tag, "A", "P") == ["owner", "device", "property"]


@pytest.mark.parametrize("tag", [tag for tag in DEVICE_TAGS if not tag.startswith("set")])
def test_only_set_from_a_client_reaches_snoopers(house: House, tag: str) -> None:
    house.snoop(house.local("snooper"), "A", "", ALSO)
    assert house.tell(house.client("client"), tag, "A", "P") == []


@pytest.mark.parametrize("device", ["A", ""])
def test_set_from_a_client_comes_once_to_an_owner_that_snoops_too(house: House, device: str) -> None:
    house.snoop(house.local("driver", "A"), device)
    assert house.tell(house.client("client"), SET, device, "P") == ["driver"]


def test_set_blob_from_a_client_obeys_the_snoopers_mode(house: House) -> None:
    for mode in BlobMode:
        house.snoop(house.local(mode.value), "A", "", mode)
    client = house.client("upstream", "*")
    assert house.tell(client, "setBLOBVector", "A", "P") == ["Also", "Only"]
    assert house.tell(client, SET, "A", "P") == ["Never", "Also"]


# Snooping


@pytest.mark.parametrize("tag", [tag for tag in DEVICE_TAGS if tag != "setBLOBVector"])
@pytest.mark.parametrize(
    ("device", "name", "heard"),
    [
        ("A", "P", ["device", "property"]),
        ("A", "Z", ["device"]),
        ("A", "", ["device"]),
        ("B", "P", []),
        ("", "", ["no device"]),
        ("", "P", ["no device"]),
        ("*", "", ["star"]),
    ],
)
def test_snooping_drivers_hear_what_they_asked_for(
    house: House, tag: str, device: str, name: str, heard: list[str]
) -> None:
    scopes = {"device": ("A", ""), "property": ("A", "P"), "no device": ("", ""), "star": ("*", "")}
    for label, scope in scopes.items():
        house.snoop(house.local(label), *scope)
    assert house.say(house.local("driver"), tag, device, name) == heard


def test_clients_come_before_snooping_drivers(house: House) -> None:
    house.snoop(house.local("snooper"), "A")
    house.client("client", "A")
    assert house.say(house.local("driver"), SET, "A", "P") == ["client", "snooper"]


def test_snooping_on_ones_own_device(house: House) -> None:
    driver = house.local("driver", "A")
    assert house.say(driver, SET, "A", "P") == []
    assert house.snoop(driver, "A") == ["driver"]
    assert house.say(driver, SET, "A", "P") == ["driver"]


def test_a_driver_that_snoops_twice_hears_once(house: House) -> None:
    snooper = house.local("snooper")
    for name in ("", "P", "Q", ""):
        house.snoop(snooper, "A", name)
    assert house.say(house.local("driver"), SET, "A", "P") == ["snooper"]


@pytest.mark.parametrize(
    ("modes", "blob", "number"),
    [
        ({("A", ""): None}, False, True),
        ({("A", ""): NEVER}, False, True),
        ({("A", ""): ALSO}, True, True),
        ({("A", ""): ONLY}, True, False),
        ({("A", "P"): ALSO}, True, True),
        ({("A", "Q"): ALSO}, False, False),
        ({("A", ""): ALSO, ("A", "P"): NEVER}, False, True),
        ({("A", ""): NEVER, ("A", "P"): ALSO}, True, True),
        ({("A", ""): ONLY, ("A", "P"): ALSO}, True, True),
        ({("A", ""): ALSO, ("A", "P"): ONLY}, True, False),
    ],
    ids=str,
)
def test_blob_mode_of_a_snoop(
    house: House, modes: dict[tuple[str, str], BlobMode | None], blob: bool, number: bool
) -> None:
    snooper, driver = house.local("snooper"), house.local("driver")
    for (device, name), mode in modes.items():
        house.snoop(snooper, device, name, mode)
    assert house.say(driver, "setBLOBVector", "A", "P") == ["snooper"] * blob
    assert house.say(driver, SET, "A", "P") == ["snooper"] * number


def test_blob_mode_without_a_snoop_is_nothing(house: House) -> None:
    snooper, driver = house.local("snooper"), house.local("driver")
    house.snoop(snooper, "A", "P")
    for scope in [("A", ""), ("B", ""), ("A", "Q"), EVERYTHING]:
        house.table.set_snoop_blob_mode(snooper, *scope, ALSO)
    places = [("A", "P"), ("A", "Q"), ("B", "P"), ("", "P")]
    assert [place for place in places if house.say(driver, "setBLOBVector", *place)] == []


def test_a_policy_for_one_property_is_that_of_the_device_snoop_that_covers_it(house: House) -> None:
    snooper, driver = house.local("snooper"), house.local("driver")
    house.snoop(snooper, "A")
    house.table.set_snoop_blob_mode(snooper, "A", "P", ALSO)
    assert house.say(driver, "setBLOBVector", "A", "P") == ["snooper"]
    assert house.say(driver, "setBLOBVector", "A", "Q") == ["snooper"]


def test_asking_again_keeps_the_blob_mode(house: House) -> None:
    snooper, driver = house.local("snooper"), house.local("driver")
    house.snoop(snooper, "A", "", ALSO)
    house.snoop(snooper, "A")
    assert house.say(driver, "setBLOBVector", "A", "P") == ["snooper"]


def test_a_server_relays_between_its_own_devices_itself(house: House) -> None:
    sender = house.remote("r", "far:1", "R")
    for label, server in [("same", "far:1"), ("other port", "far:2"), ("other host", "further:1")]:
        house.snoop(house.remote(label, server), "R")
    house.snoop(house.local("local"), "R")
    assert house.say(sender, SET, "R", "P") == ["other port", "other host", "local"]
    assert house.say(house.local("driver"), SET, "R2") == []
    assert house.tell(house.client("client"), SET, "R", "P") == ["r", "same", "other port", "other host", "local"]


@pytest.mark.parametrize(
    ("device", "heard"),
    [
        ("A", ["star", "a"]),
        ("R", ["star", "r"]),
        ("Nobody's", ["star"]),
        ("", ["star", "a", "b", "r", "t", "snooper"]),
        ("*", ["star", "a", "b", "r", "s", "t", "snooper"]),
    ],
)
def test_a_request_to_snoop_goes_to_owners_and_upstream(house: House, device: str, heard: list[str]) -> None:
    drivers(house)
    audience(house)
    assert house.snoop(house.local("snooper"), device) == heard


def test_a_remotes_request_is_not_sent_back_to_its_server(house: House) -> None:
    drivers(house)
    snooper = house.remote("snooper", "far:1")
    assert house.snoop(snooper, "R") == []
    assert house.snoop(snooper, "T") == ["t"]
    assert house.snoop(snooper, "A", "P") == ["a"]
    assert house.snoop(snooper) == ["a", "b", "t"]
