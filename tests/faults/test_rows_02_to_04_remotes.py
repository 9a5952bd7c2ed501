"""Rows 2 to 4: remotes that are absent, die, flap, do not answer or have no name cost nobody else anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import Server, free_port
from tests.lab.vocabulary import EVERYTHING, define, update
from tests.system.robustness import Commands, ends_well

from .parties import Crowded, one_driver, served

NO_HOSTS = ("X@foo..bar", f"X@{'a' * 70}.example", "X@.", "@-.invalid")
NO_NAME = "X@no-such-host.invalid"
FLAPS = 3


def far_server(lab: Lab, port: int, device: str = "Far") -> tuple[Server, ScriptedDriver]:
    """Start the remote server, whose driver owns this device."""
    far = lab.driver("far")
    server = lab.server(far, port=port)
    far.send(define(device))
    return server, far


def sees_again(lab: Lab, client: ScriptedClient, times: int) -> None:
    """Wait until device Far was defined so often."""
    lab.pump.wait(lambda: client.received.count(b"defNumberVector device='Far'") >= times, f"Far is back, time {times}")


def test_row_02_a_remote_that_is_absent_is_served_when_it_comes(lab: Lab) -> None:
    commands, ports = Commands(lab), (free_port(), free_port())
    server, alpha = one_driver(lab, "-f", commands.path, f"Far@127.0.0.1:{ports[0]}")
    commands.write(f"start @127.0.0.1:{ports[1]}")
    for port in ports:
        server.wait_for_log(f"127.0.0.1:{port} cannot be reached .*; trying again, ever more seldom")
    client = lab.client(server, "client", EVERYTHING)
    assert served(client, alpha)
    for port, device in zip(ports, ("Far", "Farther"), strict=True):
        _, far = far_server(lab, port, device)
        far.expect("getProperties")
        far.send(define(device))
        client.expect("defNumberVector", device=device)
    assert server.log.count("cannot be reached") == len(ports)
    ends_well(server)


def test_row_03_a_flapping_remote_costs_nobody_else_a_message(lab: Lab) -> None:
    port = free_port()
    far_side, far = far_server(lab, port)
    server, alpha = one_driver(lab, f"Far@127.0.0.1:{port}")
    client = lab.client(server, "client", EVERYTHING)
    for number in range(FLAPS):
        far.expect("getProperties", device="Far")
        far.send(define("Far"))
        sees_again(lab, client, number + 1)
        alpha.send(*[update("A", value=number)] * 100)
        far_side.process.kill()
        far_side.wait_for_exit()
        client.expect("delProperty", device="Far")
        assert served(client, alpha)
        far_side, far = far_server(lab, port)
    client.expect_count(100 * FLAPS, "setNumberVector", device="A")
    assert not client.has("delProperty", device="A")
    assert len(alpha.incarnations) == 1
    ends_well(server)


@pytest.fixture
def crowded() -> Iterator[Crowded]:
    found = Crowded()
    yield found
    found.close()


def test_row_04_nobody_waits_for_a_remote_that_does_not_answer(lab: Lab, crowded: Crowded) -> None:
    server, alpha = one_driver(lab, f"X@127.0.0.1:{crowded.port}", NO_NAME)
    lab.pump.poll(lambda: crowded.is_tried_by(server), "the server tries to connect")
    client = lab.client(server, "client", EVERYTHING)
    assert served(client, alpha, times=20)
    server.wait_for_log("no-such-host.invalid:7624 cannot be reached")
    assert served(client, alpha)
    assert crowded.is_tried_by(server)
    ends_well(server)


def test_row_04_a_remote_that_is_stopped_while_it_connects_is_given_up(lab: Lab, crowded: Crowded) -> None:
    commands = Commands(lab)
    server = lab.server("-v", "-f", commands.path)
    remote = f"X@127.0.0.1:{crowded.port}"
    commands.write(f"start {remote}")
    lab.pump.poll(lambda: crowded.is_tried_by(server), "the server tries to connect")
    commands.write(f"stop {remote}", f"stop {remote}")
    server.wait_for_log(f"FIFO: no driver {remote} is running")
    # Less than the 10 s after which an attempt ends by itself.
    lab.pump.poll(lambda: not crowded.is_tried_by(server), "the attempt is given up", deadline_s=5.0)
    ends_well(server)


def test_row_04_the_server_ends_while_a_remote_connects(lab: Lab, crowded: Crowded) -> None:
    server = lab.server(f"X@127.0.0.1:{crowded.port}")
    lab.pump.poll(lambda: crowded.is_tried_by(server), "the server tries to connect")
    ends_well(server)


def test_row_03_a_remote_that_accepts_and_closes_is_not_taken_for_alive(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        server = lab.server("-v", f"X@127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(10)
                while connection.recv(4096):
                    pass
    lab.client(server, "client")
    server.wait_for_log("Client .*new arrival")
    ends_well(server)
    assert server.log.count("the connection was lost") == 1


def test_row_04_names_that_are_no_host_names_cost_only_their_remotes(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path, alpha, *NO_HOSTS)
    commands.write("start Y@foo..bar", "start Z@.")
    for remote in (*NO_HOSTS, "Y@foo..bar", "Z@."):
        server.wait_for_log(rf"Driver {remote}: .* cannot be reached")
    lab.client(server, "client", EVERYTHING)
    alpha.ping()
    ends_well(server)
