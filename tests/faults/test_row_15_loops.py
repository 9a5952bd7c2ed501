"""Row 15: servers that serve each other in a ring: each client sees one copy of everything, and then there is peace."""

from __future__ import annotations

from functools import partial

import pytest

from tests.lab.lab import Lab
from tests.lab.vocabulary import command, define, note, update
from tests.system.robustness import Ring, copies, ends_well

SIZES = pytest.mark.parametrize("size", [2, 3])


def one_copy_each(ring: Ring, pattern: str) -> None:
    """Check that every client has one copy, now and after some rounds."""
    for client in ring.clients:
        client.pump.wait(partial(copies, client, pattern), f"{client.name} has {pattern}")
    ring.laps()
    assert [copies(client, pattern) for client in ring.clients] == [1] * len(ring.clients)
    for server in ring.servers:
        ends_well(server)


@SIZES
def test_row_15_an_update_comes_once(lab: Lab, size: int) -> None:
    ring = Ring(lab, size)
    ring.drivers[0].send(update("D0", "P", 4711))
    one_copy_each(ring, "4711")


@SIZES
def test_row_15_a_message_without_device_comes_once(lab: Lab, size: int) -> None:
    ring = Ring(lab, size)
    ring.drivers[0].send(note(None, "of nobody"))
    one_copy_each(ring, "of nobody")


@SIZES
def test_row_15_a_command_for_nobodys_device_is_echoed_at_most_once(lab: Lab, size: int) -> None:
    ring = Ring(lab, size)
    sender = lab.client(ring.servers[0], "sender")
    sender.send(command("Nobody", "P", 4711))
    sender.ping()
    ring.clients[0].expect("newNumberVector", device="Nobody")
    ring.laps()
    assert copies(ring.clients[0], "4711") == 1
    assert all(copies(client, "4711") <= 1 for client in ring.clients)
    assert [driver.latest.has("newNumberVector") for driver in ring.drivers] == [False] * size
    for server in ring.servers:
        ends_well(server)


@SIZES
def test_row_15_a_dead_drivers_device_is_deleted_once_and_owned_again(lab: Lab, size: int) -> None:
    ring = Ring(lab, size)
    ring.drivers[0].latest.kill()
    for client in ring.clients:
        client.expect("delProperty", device="D0")
    ring.drivers[0].incarnation(2).expect("getProperties")
    ring.laps()
    again = ring.drivers[0].incarnation(2)
    again.send(define("D0"))
    for client in ring.clients:
        client.expect("defNumberVector", device="D0")
        client.send(command("D0", "P", 4711))
        again.expect("newNumberVector", device="D0")
    ring.laps()
    assert [copies(client, "<delProperty") for client in ring.clients] == [1] * size
    assert sum(message.matches("newNumberVector") for message in again.inbox) == size
    assert "device D0 is driver @" not in "".join(server.log for server in ring.servers)
    for server in ring.servers:
        ends_well(server)
