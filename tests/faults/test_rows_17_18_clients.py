"""Rows 17 and 18: clients that never finish what they say are closed in time, those that wait for an answer are not."""

from __future__ import annotations

import time
from pathlib import Path

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define, enable_blob, note, set_blob, update
from tests.system.robustness import ends_well

from .parties import MEGABYTE, let_pass, one_driver, rss, served

TIMEOUT_S = 1.0
# The kernel's name for "a keepalive timer is set" in the column of timers.
KEEPALIVE = "02"


def test_row_17_who_does_not_finish_a_message_is_closed_and_a_quiet_subscriber_is_not(lab: Lab) -> None:
    server, alpha = one_driver(lab, "--message-timeout", TIMEOUT_S)
    quiet = lab.client(server, "quiet", EVERYTHING)
    slow, silent, stuck = (server.client(name) for name in ("slow", "silent", "stuck"))
    lab.clients += [slow, silent, stuck]
    stuck.send(EVERYTHING, "<newTextVector device='A' name='T'>")
    text = note("A", "one byte after another, for ten seconds in all: not for long" * 2)
    began = time.monotonic()
    for byte in text:
        if slow.closed:
            break
        slow.write(byte.encode())
        let_pass(lab, 0.1, lambda: slow.closed)
    for client in (slow, silent, stuck):
        client.expect_closed()
    assert time.monotonic() - began > TIMEOUT_S / 2
    assert not quiet.closed
    assert served(quiet, alpha)
    ends_well(server)


def test_row_17_an_endless_attribute_costs_little_memory(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    babbler = lab.client(server, "babbler")
    base = rss(server)
    babbler.send("<newTextVector device='")
    babbler.send(*["x" * MEGABYTE] * 40)
    server.wait_for_log("Client .*longer than allowed")
    assert rss(server) - base < 20 * MEGABYTE
    assert served(client, alpha)
    ends_well(server)


def test_row_17_the_kernel_looks_after_clients_whose_machine_may_be_gone(lab: Lab) -> None:
    server, _ = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    client.ping()
    lab.pump.poll(lambda: timer(server) == KEEPALIVE, "only the keepalive timer is left")


def timer(server: Server) -> str:
    """The timer of the server's end of its only TCP connection, as the kernel shows it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (found,) = [row[5][:2] for row in rows if row[1].endswith(f":{server.port:04X}") and row[3] == "01"]
    return found


def half_closed(lab: Lab, server: Server, name: str, local: bool) -> ScriptedClient:
    """Connect a client that asks for everything and says that it will say no more."""
    connect = lab.local_client if local else lab.client
    client = connect(server, name, EVERYTHING)
    client.half_close()
    return client


def test_row_18_who_has_said_all_still_gets_the_answers(lab: Lab) -> None:
    server, alpha = one_driver(lab, "-v")
    clients = [half_closed(lab, server, "tcp", False), half_closed(lab, server, "local", True)]
    server.wait_for_log("read EOF", times=2)
    alpha.send(define("A"), update("A"))
    for client in clients:
        client.expect("defNumberVector", device="A")
        client.expect("setNumberVector", device="A")
    ends_well(server)


def test_row_18_a_client_that_has_half_closed_and_pauses_gets_everything(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server("-v", alpha)
    alpha.send(define("A"))
    paused = lab.client(server, "paused", EVERYTHING, enable_blob("Also"))
    paused.stop_reading()
    payload = bytes(12 << 20)
    alpha.send(set_blob("A", "BLOB", payload) + update("A"))
    alpha.ping()
    paused.half_close()
    server.wait_for_log("read EOF")
    # Another one with nothing to come is let go after its time; the paused one has paused for longer by then.
    quiet = lab.client(server, "quiet", EVERYTHING)
    quiet.half_close()
    quiet.expect_closed()
    paused.read_again()
    (blob,) = paused.expect("setBLOBVector").children
    assert blob.payload() == payload
    paused.expect("setNumberVector")
    ends_well(server)
