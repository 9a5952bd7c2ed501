"""What the routing table remembers: routes that are never out of date, groups that are one object, BLOBs wanted."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.protocol.constants import BlobMode
from indigevent.routing.interest import EVERYTHING
from indigevent.routing.peers import Client, Driver
from indigevent.routing.table import Recipients

from .house import ALSO, DEF, NEVER, NEW, ONLY, SET, House, message

# As many routes as a table may remember.
MAX_ROUTES = 16384


@pytest.fixture
def house() -> House:
    return House()


# BLOBs wanted of remotes


def test_wanted_blob_scopes_are_those_of_clients_and_snoopers(house: House) -> None:
    assert house.table.wanted_blob_scopes() == []
    first, second, third = (house.client(label, "") for label in ("first", "second", "third"))
    house.table.set_blob_mode(first, "A", "P", ALSO)
    house.table.set_blob_mode(second, "A", "P", ONLY)
    house.table.set_blob_mode(second, "B", "", NEVER)
    snooper = house.local("snooper")
    house.snoop(snooper, "C", "P", ALSO)
    house.snoop(snooper, "D")
    assert house.table.wanted_blob_scopes() == [("A", "P"), ("C", "P")]
    house.table.set_blob_mode(third, "", "", ALSO)
    house.table.remove_client(first)
    assert house.table.wanted_blob_scopes() == [("A", "P"), EVERYTHING, ("C", "P")]
    house.table.remove_client(second)
    house.remove(snooper)
    assert house.table.wanted_blob_scopes() == [EVERYTHING]


# What is remembered


def test_equal_groups_are_one_object(house: House) -> None:
    house.client("client", "")
    drivers = house.local("first", "A"), house.local("second", "B")
    by_property = [house.table.from_driver(drivers[0], message(SET, "A", name)) for name in "PQ"]
    of_the_other = house.table.from_driver(drivers[1], message(SET, "B", "P"))
    assert len({id(group) for group in [*by_property, of_the_other]}) == 1


def test_other_groups_are_other_objects(house: House) -> None:
    house.client("client", "")
    house.snoop(house.local("snooper"), "C")
    driver = house.local("driver", "A", "C")
    groups = [house.table.from_driver(driver, message(SET, device, "P")) for device in ("A", "C")]
    assert groups[0] is not groups[1]


def test_groups_of_nobody_are_one_object(house: House) -> None:
    driver = house.local("driver", "A")
    groups = [house.table.from_driver(driver, message(SET, "A", name)) for name in "PQ"]
    assert groups == [(), ()]
    assert groups[0] is groups[1]


def test_a_repeated_message_has_the_very_same_recipients(house: House) -> None:
    house.client("client", "")
    driver, sender = house.local("driver", "A"), house.client("sender", "A")

    def groups() -> list[Recipients]:
        return [
            house.table.from_driver(driver, message(SET, "A", "P")),
            house.table.from_client(sender, message(NEW, "A", "")),
        ]

    assert [id(group) for group in groups()] == [id(group) for group in groups()]


def test_ever_new_names_do_not_fill_the_memory(house: House) -> None:
    """Each remembered route refers to its group, and all of these have the same one."""
    house.client("client", "A")
    driver = house.local("driver", "A")
    most = 0
    for number in range(3 * MAX_ROUTES):
        group = house.table.from_driver(driver, message(SET, "A", str(number)))
        most = max(most, sys.getrefcount(group))
    assert group[0].label == "client"
    assert most <= MAX_ROUTES + 10


OLD = {"upstream": "*", "client": "A.P", "third": "B"}


def stage() -> tuple[House, dict[str, Client], dict[str, Driver]]:
    house = House()
    clients = {label: house.client(label, scope) for label, scope in OLD.items()}
    drivers = {
        "local": house.local("local", "A"),
        "remote": house.remote("remote", "far:1", "R"),
        "second": house.local("second", "B"),
    }
    return house, clients, drivers


PEERS = st.sampled_from(sorted(OLD))
OWNERS = st.sampled_from(["local", "remote", "second"])
DEVICES = st.sampled_from(["A", "B", "R", "", "*"])
NAMES = st.sampled_from(["", "P", "Q"])
MODES = st.sampled_from(BlobMode)
changes = st.lists(
    st.tuples(st.just("subscribe"), PEERS, DEVICES, NAMES)
    | st.tuples(st.just("mode"), PEERS, DEVICES.filter(bool), NAMES, MODES)
    | st.tuples(st.just("snoop"), OWNERS, DEVICES, NAMES)
    | st.tuples(st.just("snoop mode"), OWNERS, DEVICES, NAMES, MODES)
    | st.tuples(st.just("own"), OWNERS, DEVICES.filter(bool))
    | st.tuples(st.just("client gone"), PEERS)
    | st.tuples(st.just("driver gone"), OWNERS)
    | st.tuples(st.just("come"), DEVICES),
    min_size=1,
    max_size=6,
)


class Play:
    """A table that lives through changes; the same changes make the same table."""

    def __init__(self) -> None:
        self.house, self.clients, self.drivers = stage()

    def change(self, kind: str, who: str, *rest: object) -> None:
        """One change, unless who it is about is gone."""
        client, driver = self.clients.get(who), self.drivers.get(who)
        table = self.house.table
        if kind == "come":
            self.house.client("new client", who)
            self.house.local("new driver", who)
        elif client is not None:
            if kind == "subscribe":
                self.house.ask(client, *rest)  # type: ignore[arg-type]
            elif kind == "mode":
                table.set_blob_mode(client, *rest)  # type: ignore[arg-type]
            elif kind == "client gone":
                table.remove_client(self.clients.pop(who))
        elif driver is not None:
            if kind == "snoop":
                table.snoop(driver, *rest)  # type: ignore[arg-type]
            elif kind == "snoop mode":
                table.set_snoop_blob_mode(driver, *rest)  # type: ignore[arg-type]
            elif kind == "own":
                self.house.say(driver, "message", str(rest[0]))
            elif kind == "driver gone":
                table.remove_driver(self.drivers.pop(who))

    def routes(self) -> dict[str, list[str]]:
        """The recipients of messages that change nothing themselves."""
        found = {}
        for label, driver in self.drivers.items():
            for device in ["", *driver.devices]:
                for tag in (DEF, SET, "setBLOBVector"):
                    for name in ("P", ""):
                        found[f"{label} {tag} {device}.{name}"] = self.house.say(driver, tag, device, name)
        for label, client in self.clients.items():
            for device, name in [EVERYTHING, *sorted(client.interest.scopes)]:
                for tag in (NEW, SET, "setBLOBVector"):
                    found[f"{label} {tag} {device}.{name}"] = self.house.tell(client, tag, device, name)
        return found


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(changes)
def test_remembered_routes_are_those_found_anew(sequence: list[tuple[str, ...]]) -> None:
    warm = Play()
    warm.routes()
    for number, change in enumerate(sequence, 1):
        warm.change(*change)
        cold = Play()
        for again in sequence[:number]:
            cold.change(*again)
        assert warm.routes() == cold.routes()


def test_routes_change_with_each_kind_of_change(house: House) -> None:
    driver, snooper = house.local("driver", "A"), house.local("snooper")
    client = house.client("client")

    def routes() -> list[list[str]]:
        return [house.say(driver, tag, "A", "P") for tag in (SET, "setBLOBVector")]

    assert routes() == [[], []]
    house.ask(client, "A", "P")
    assert routes() == [["client"], []]
    house.table.set_blob_mode(client, "A", "P", ALSO)
    assert routes() == [["client"], ["client"]]
    house.snoop(snooper, "A")
    assert routes() == [["client", "snooper"], ["client"]]
    house.table.set_snoop_blob_mode(snooper, "A", "", ONLY)
    assert routes() == [["client"], ["client", "snooper"]]
    house.table.remove_client(client)
    assert routes() == [[], ["snooper"]]
    house.remove(snooper)
    assert routes() == [[], []]


def test_messages_for_everybody_reach_who_just_came(house: House) -> None:
    driver, client = house.local("driver"), house.client("client")
    assert (house.say(driver, "message"), house.tell(client, "message")) == (["client"], ["driver"])
    house.client("silent client")
    assert house.say(driver, "message") == ["client", "silent client"]
    assert house.tell(client, NEW) == ["driver", "silent client"]
    house.local("silent driver")
    assert house.tell(client, "message") == ["driver", "silent driver"]
    assert house.tell(client, NEW) == ["driver", "silent driver", "silent client"]


def test_commands_follow_the_owners(house: House) -> None:
    client = house.client("client", "A")
    assert house.tell(client, NEW, "A", "P") == []
    first = house.local("first", "A")
    assert house.tell(client, NEW, "A", "P") == ["first"]
    second = house.local("second", "A")
    assert house.tell(client, NEW, "A", "P") == ["first", "second"]
    assert house.tell(client, "message") == ["first", "second"]
    house.remove(first)
    assert house.tell(client, NEW, "A", "P") == ["second"]
    assert house.tell(client, "message") == ["second"]
    house.remove(second)
    house.remote("far", "far:1", announced="A")
    assert house.tell(client, NEW, "A", "P") == ["far"]
    assert house.tell(client, "message") == ["far"]
