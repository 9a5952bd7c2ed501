"""Devices with two owners, and what remains of peers that are gone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from indigevent.routing.peers import Client, Driver, Peer
from indigevent.routing.table import Conflict

from .house import ALSO, DEF, DEVICE_TAGS, NEW, SET, House, audience, drivers

# How long after a device was lost a remote's word for it may be an echo.
ECHO_S = 10.0


@pytest.fixture
def house() -> House:
    return House()


# Two owners


def test_two_local_owners_both_get_commands_and_are_both_heard(house: House) -> None:
    first, second = house.local("first", "A"), house.local("second", "A")
    client = house.client("client", "A")
    assert house.table.take_conflicts() == [Conflict("A", first, second)]
    assert house.tell(client, NEW, "A", "P") == ["first", "second"]
    assert [house.say(driver, SET, "A", "P") for driver in (first, second)] == [["client"], ["client"]]


def test_a_local_owner_wins_over_a_remote_that_comes_later(house: House) -> None:
    local, remote = house.local("local", "A"), house.remote("remote", "far:1", "A", "B")
    client = house.client("client", "")
    house.snoop(house.local("snooper"), "A", "", ALSO)
    assert house.table.take_conflicts() == [Conflict("A", local, remote)]
    assert house.tell(client, NEW, "A", "P") == ["local"]
    assert house.say(local, SET, "A", "P") == ["client", "snooper"]
    assert [house.say(remote, tag, "A", "P") for tag in DEVICE_TAGS] == [[]] * len(DEVICE_TAGS)
    assert house.say(remote, SET, "B", "P") == ["client"]
    assert house.say(remote, "message") == ["client"]


def test_a_local_owner_wins_over_a_remote_that_was_first(house: House) -> None:
    remote = house.remote("remote", "far:1", "A")
    client = house.client("client", "A")
    assert house.say(remote, SET, "A", "P") == ["client"]
    local = house.local("local", "A")
    assert house.table.take_conflicts() == [Conflict("A", remote, local)]
    assert house.say(local, SET, "A", "P") == ["client"]
    assert house.say(remote, SET, "A", "P") == []
    assert house.tell(client, NEW, "A", "P") == ["remote", "local"]


def test_of_two_remotes_the_first_is_heard(house: House) -> None:
    first, second = house.remote("first", "far:1", "A"), house.remote("second", "far:2", "A")
    client = house.client("client", "A")
    assert house.table.take_conflicts() == [Conflict("A", first, second)]
    assert (house.say(first, SET, "A", "P"), house.say(second, SET, "A", "P")) == (["client"], [])
    assert house.tell(client, NEW, "A", "P") == ["first"]


def test_a_third_owner_is_a_conflict_with_the_first(house: House) -> None:
    first, second, third = (house.local(label, "A") for label in ("first", "second", "third"))
    assert house.table.take_conflicts() == [Conflict("A", first, second), Conflict("A", first, third)]


def test_a_remote_is_heard_when_the_local_owner_is_gone(house: House) -> None:
    local, remote = house.local("local", "A"), house.remote("remote", "far:1", "A")
    client = house.client("client", "A")
    assert house.say(remote, SET, "A", "P") == []
    house.remove(local)
    house.now_s += ECHO_S
    assert house.say(remote, SET, "A", "P") == ["client"]
    assert house.tell(client, NEW, "A", "P") == ["remote"]
    assert len(house.table.take_conflicts()) == 1
    again = house.local("local again", "A")
    assert house.say(remote, SET, "A", "P") == []
    assert house.table.take_conflicts() == [Conflict("A", remote, again), Conflict("A", again, remote)]


def test_a_lost_device_is_not_taken_over_by_its_own_echo(house: House) -> None:
    """In a ring of servers the last words of a lost device come back from a remote."""
    local, remote = house.local("local", "A"), house.remote("remote", "far:1")
    client = house.client("client", "A")
    house.remove(local)
    house.now_s += ECHO_S - 0.001
    assert [house.say(remote, tag, "A", "P") for tag in DEVICE_TAGS] == [[]] * len(DEVICE_TAGS)
    assert house.tell(client, NEW, "A", "P") == []
    house.local("local again", "A")
    assert house.tell(client, NEW, "A", "P") == ["local again"]


def test_a_device_returns_at_once_with_its_remote(house: House) -> None:
    house.client("client", "A")
    house.remove(house.remote("remote", "far:1", "A"))
    again = house.remote("again", "far:1")
    assert house.say(again, DEF, "A", "P") == ["client"]


def test_an_announced_device_is_heard_at_once_after_another_owner(house: House) -> None:
    house.client("client", "A")
    house.remove(house.remote("remote", "far:1", "A"))
    other = house.remote("other", "far:2", announced="A")
    assert house.say(other, DEF, "A", "P") == ["client"]


@pytest.mark.parametrize(
    ("tag", "device", "heard"),
    [
        (SET, "A", ["plain", "marking"]),
        ("message", "A", ["plain", "marking"]),
        ("delProperty", "A", ["plain", "marking"]),
        (NEW, "A", ["plain"]),
        (NEW, "B", ["plain"]),
        ("message", "B", ["plain", "marking"]),
        ("delProperty", "B", ["plain"]),
        (DEF, "B", ["plain", "marking"]),
    ],
)
def test_what_no_owner_answers_for_does_not_go_round_a_ring(
    house: House, tag: str, device: str, heard: list[str]
) -> None:
    remote = house.remote("remote", "far:1", "A")
    house.client("plain", "")
    house.client("marking", "*").interest.marks_requests = True
    assert house.say(remote, tag, device, "P") == heard


def test_what_a_local_driver_says_goes_to_every_server(house: House) -> None:
    driver = house.local("driver")
    house.client("marking", "*").interest.marks_requests = True
    assert [house.say(driver, tag, "A", "P") for tag in (NEW, "message")] == [["marking"], ["marking"]]


def test_an_announced_device_conflict_is_reported_like_any_other(house: House) -> None:
    local, remote = house.local("local", "A"), house.remote("remote", "far:1", announced="A")
    house.client("client", "A")
    assert house.say(remote, SET, "A", "P") == []
    assert house.table.take_conflicts() == [Conflict("A", local, remote)]


@pytest.mark.parametrize("server", ["", "far:1"], ids=["local", "remote"])
def test_a_conflict_is_reported_once(house: House, server: str) -> None:
    house.local("first", "A")
    second = house.remote("second", server, "A")
    assert len(house.table.take_conflicts()) == 1
    for number, tag in enumerate(DEVICE_TAGS):
        house.say(second, tag, "A", f"P{number}")
        house.client("one more", "")
    assert house.table.take_conflicts() == []


def test_devices_of_different_drivers_are_no_conflict(house: House) -> None:
    drivers(house)
    for driver in house.table.drivers:
        for device in list(driver.devices):
            house.say(driver, SET, device, "Q")
    assert house.table.take_conflicts() == []


# Somebody is gone


def test_all_who_know_a_device_hear_that_its_driver_is_gone(house: House) -> None:
    audience(house)
    driver = house.local("driver", "A")
    for label, device, name in [("device snoop", "A", ""), ("property snoop", "A", "P"), ("other snoop", "B", "")]:
        house.snoop(house.local(label), device, name)
    clients = ["all", "star", "device", "property", "other property", "both"]
    assert house.remove(driver) == [("A", [*clients, "device snoop", "property snoop"])]


def test_a_server_tells_its_own_devices_of_a_lost_one_itself(house: House) -> None:
    lost = house.remote("lost", "far:1", "A")
    for label, server in [("same", "far:1"), ("other", "far:2"), ("local", "")]:
        house.snoop(house.remote(label, server), "A")
    assert house.remove(lost) == [("A", ["other", "local"])]


def test_devices_go_in_the_order_they_came(house: House) -> None:
    house.client("B only", "B")
    house.client("all", "")
    driver = house.local("driver", "C", "A", "B", "A")
    assert house.remove(driver) == [("C", ["all"]), ("A", ["all"]), ("B", ["B only", "all"])]


def test_a_driver_without_devices_goes_silently(house: House) -> None:
    house.client("all", "")
    assert house.remove(house.local("driver")) == []


def test_a_gone_driver_is_not_told_of_its_own_end(house: House) -> None:
    driver = house.local("driver", "A")
    house.snoop(driver, "A")
    assert house.remove(driver) == [("A", [])]


def test_a_gone_driver_gets_nothing(house: House) -> None:
    client, owner = house.client("client", "*"), house.local("owner", "A")
    house.snoop(house.local("other", "B"), "A")
    house.table.set_blob_mode(client, "", "", ALSO)
    gone = house.local("gone", "A", "B")
    house.snoop(gone, "A", "", ALSO)
    house.remove(gone)
    assert house.say(owner, "setBLOBVector", "A", "P") == ["client"]
    assert house.tell(client, SET, "A", "P") == ["owner", "other"]
    assert house.tell(client, NEW, "B", "P") == ["other"]
    assert house.tell(client, "message") == ["owner", "other"]


def test_the_end_of_one_owner_is_told_though_the_other_lives(house: House) -> None:
    first, second = house.local("first", "A"), house.local("second", "A")
    client = house.client("client", "A")
    assert house.remove(first) == [("A", ["client"])]
    assert house.tell(client, NEW, "A", "P") == ["second"]
    assert house.remove(second) == [("A", ["client"])]
    assert house.tell(client, NEW, "A", "P") == []


def test_a_remote_that_was_never_heard_takes_no_device_away(house: House) -> None:
    house.local("local", "A")
    remote = house.remote("remote", "far:1", "A", announced="A")
    house.client("client", "A")
    assert house.remove(remote) == []


def test_a_gone_client_gets_nothing(house: House) -> None:
    driver = house.local("driver", "A")
    gone, stays = house.client("gone", "", "A", "A.P", "B"), house.client("stays", "A")
    assert house.say(driver, SET, "A", "P") == ["gone", "stays"]
    house.table.remove_client(gone)
    assert [house.say(driver, SET, "A", "P"), house.say(driver, "message")] == [["stays"], ["stays"]]
    assert house.say(driver, SET, "B", "P") == []
    assert house.tell(stays, NEW, "A", "P") == ["driver"]
    assert house.remove(driver) == [("A", ["stays"]), ("B", [])]


def busy(house: House, peer: Peer) -> None:
    """Traffic that involves a peer in every way."""
    driver, client = house.local("driver", "A", "*"), house.client("client", "A", "*")
    for tag in DEVICE_TAGS:
        for device in ("A", "*", ""):
            house.say(driver, tag, device, "P")
            house.tell(client, tag, device, "P")
            if isinstance(peer, Client):
                house.tell(peer, tag)
            elif isinstance(peer, Driver):
                house.say(peer, tag, device, "P")


@pytest.mark.parametrize(
    "make",
    [
        lambda house: house.client("gone"),
        lambda house: house.client("gone", ""),
        lambda house: house.client("gone", "*"),
        lambda house: house.client("gone", "A", "A.P", "B"),
        lambda house: house.local("gone", "C", "A"),
        lambda house: house.remote("gone", "far:1", "C", announced="R"),
    ],
    ids=["silent client", "client", "upstream", "subscriber", "local driver", "remote"],
)
def test_nothing_is_kept_of_who_is_gone(house: House, make: Callable[[House], Peer]) -> None:
    peer = make(house)
    busy(house, peer)
    if isinstance(peer, Driver):
        for device in ("A", "", "*"):
            house.snoop(peer, device, "", ALSO)
        house.remove(peer)
    elif isinstance(peer, Client):
        house.table.set_blob_mode(peer, "A", "", ALSO)
        house.table.remove_client(peer)
    house.table.take_conflicts()
    left = weakref.ref(peer)
    del peer
    gc.collect()
    assert left() is None
