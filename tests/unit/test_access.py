"""Access rules: whom they are for, what they let pass, and what a routing table does about them."""

from __future__ import annotations

import ipaddress

import pytest

from indigevent.routing.access import EVERYTHING, AccessRule, Visitor, is_within, rule_for
from indigevent.routing.peers import Client
from tests.unit.house import ALSO, DEF, DEVICE_TAGS, NEW, SET, House, drivers, labels

LAN = ipaddress.ip_network("10.0.0.0/8")
SIX = ipaddress.ip_network("fe80::/10")
WATCHER = AccessRule("watcher", read_only=True)
ONLY_A = AccessRule("only A", devices=("A*",))


def test_the_first_rule_that_fits_holds() -> None:
    rules = (
        AccessRule("root", uid=(0,)),
        AccessRule("staff", certificate=("Ann", "Bob")),
        AccessRule("ann's network", network=(LAN,), certificate=("Ann",)),
        AccessRule("lan", network=(LAN, SIX), deny=True),
    )
    found = {
        Visitor(uid=0): "root",
        Visitor(uid=1): "everybody",
        Visitor("10.1.2.3", certificate="Ann"): "staff",
        Visitor("10.1.2.3", certificate="Eve"): "lan",
        Visitor("::ffff:10.1.2.3"): "lan",
        Visitor("fe80::1%eth0"): "lan",
        Visitor("192.168.0.1"): "everybody",
    }
    for visitor, name in found.items():
        rule = rule_for(visitor, rules)
        assert rule is not None, visitor
        assert rule.name == name, visitor


def test_all_conditions_of_a_rule_have_to_fit() -> None:
    rule = AccessRule("both", network=(LAN,), certificate=("Ann",))
    assert rule.fits(Visitor("10.0.0.1", certificate="Ann"))
    assert not rule.fits(Visitor("10.0.0.1"))
    assert not rule.fits(Visitor("11.0.0.1", certificate="Ann"))


def test_what_depends_on_a_certificate_waits_for_it() -> None:
    rules = (AccessRule("lan", network=(LAN,)), AccessRule("staff", certificate=("Ann",)), AccessRule("all", deny=True))
    assert rule_for(Visitor("10.0.0.1", certificate=None), rules) is rules[0]
    assert rule_for(Visitor("11.0.0.1", certificate=None), rules) is None
    assert rule_for(Visitor("11.0.0.1", certificate=None), ()) is EVERYTHING


def test_addresses_and_networks() -> None:
    assert is_within("::ffff:10.0.0.1", (LAN,))
    assert is_within("fe80::1%2", (SIX,))
    assert not is_within("", (LAN, SIX))
    assert not is_within("11.0.0.1", (LAN, SIX))


@pytest.mark.parametrize("tag", ["getProperties", "enableBLOB", "pingRequest", "pingReply"])
def test_who_watches_may_ask(tag: str) -> None:
    assert WATCHER.passes(tag, "A")
    assert WATCHER.passes(tag, "")
    assert ONLY_A.passes(tag, "")
    assert ONLY_A.passes(tag, "*")


@pytest.mark.parametrize("tag", DEVICE_TAGS)
def test_who_watches_changes_nothing(tag: str) -> None:
    if tag != "pingReply":
        assert not WATCHER.passes(tag, "A")
    assert ONLY_A.passes(tag, "A 2")
    assert not ONLY_A.passes(tag, "B")
    assert ONLY_A.passes(tag, "") == (tag == "pingReply")


def limited(house: House, rule: AccessRule, *scopes: str) -> Client:
    """A client with a rule."""
    client = house.client(rule.name)
    client.interest.rule = rule
    for scope in scopes:
        house.ask(client, scope)
    return client


@pytest.mark.parametrize("scope", ["", "*", "B"])
@pytest.mark.parametrize("tag", DEVICE_TAGS)
def test_nothing_of_a_hidden_device_reaches_a_client(tag: str, scope: str) -> None:
    house = House()
    drivers(house)
    a, b = list(house.table.drivers)[:2]
    client = limited(house, ONLY_A, scope, "A")
    house.table.set_blob_mode(client, "", "", ALSO)
    other = house.client("other", "")
    assert "only A" not in house.say(b, tag, "B", "P")
    assert "only A" not in house.tell(other, tag, "B", "P")
    assert "only A" in house.say(a, tag, "A", "P")


def test_the_end_of_a_hidden_device_is_not_told_and_a_snoop_on_it_goes_to_no_upstream() -> None:
    house = House()
    drivers(house)
    a, b = list(house.table.drivers)[:2]
    limited(house, ONLY_A, "*")
    house.client("all", "*")
    assert house.snoop(b, "A", "P") == ["only A", "all", "a"]
    assert house.snoop(a, "B", "P") == ["all", "b"]
    ends = dict(house.remove(b))
    assert "only A" not in ends["B"]
    assert "all" in ends["B"]


@pytest.mark.parametrize("tag", [NEW, SET, "delProperty", "message", "getProperties", "unknown"])
def test_a_client_reaches_no_hidden_device(tag: str) -> None:
    house = House()
    drivers(house)
    a = next(iter(house.table.drivers))
    house.snoop(a, "B")
    house.client("other", "")
    client = limited(house, ONLY_A, "")
    assert house.tell(client, tag, "B", "P") == []
    assert [(labels([who]), what.tag) for who, what in house.table.take_forbidden()] == [(["only A"], tag)]
    assert house.tell(client, tag, "A", "P")[0] == "a"
    assert not house.table.take_forbidden()


def test_a_request_for_everything_reaches_the_drivers_that_a_client_may_know_of() -> None:
    house = House()
    drivers(house)
    house.local("not yet")
    everybody = house.client("everybody")
    limited_client = limited(house, ONLY_A)
    for _ in range(2):  # from the routes that are remembered, too
        assert house.ask(everybody) == ["a", "b", "r", "t", "not yet"]
        assert house.ask(limited_client) == ["a", "not yet"]


def test_a_remote_server_is_reached_through_the_device_that_is_shown() -> None:
    house = House()
    drivers(house)
    assert house.ask(limited(house, AccessRule("only S", devices=("S",)))) == ["s"]


def test_a_watchers_commands_go_nowhere_and_others_are_as_ever() -> None:
    house = House()
    drivers(house)
    watcher = limited(house, WATCHER, "")
    other = house.client("other", "")
    assert house.tell(watcher, NEW, "A", "P") == []
    assert house.tell(watcher, "newNumberVector") == []
    assert len(house.table.take_forbidden()) == 2
    assert house.tell(other, NEW, "A", "P") == ["a", "watcher"]
    assert house.ask(watcher, "A") == ["a"]
    assert house.say(next(iter(house.table.drivers)), DEF, "A", "Q") == ["watcher", "other"]


def test_blobs_of_hidden_devices_are_not_asked_of_remotes() -> None:
    house = House()
    client = limited(house, ONLY_A)
    for device in ("A", "B"):
        house.table.set_blob_mode(client, device, "", ALSO)
    assert house.table.wanted_blob_scopes() == [("A", "")]
