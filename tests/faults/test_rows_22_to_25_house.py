"""Rows 22 to 25: what drivers inherit, doors that are taken, drivers that take too much, and failures of our own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.server import COMMANDS, free_port
from tests.lab.vocabulary import EVERYTHING, define, note
from tests.system.robustness import Commands, ends_well, watched

from .parties import config_file, one_driver, served

CLIENTS = 150
LEAK = "import sys, time\nkept = bytearray(b'x') * (200 << 20)\nsys.stdin.read()\n"


def leaking_program(lab: Lab) -> Path:
    """Make a program that takes 200 MB."""
    path = lab.folder / "greedy.py"
    path.write_text(LEAK)
    return path


def test_row_22_a_driver_that_is_restarted_among_many_clients_has_three_descriptors(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    with ExitStack() as leaving:
        for number in range(CLIENTS):
            connect = server.client if number % 2 else server.local_client
            lab.clients.append(connect(f"client {number}"))
            leaving.callback(lab.clients[-1].close)
        lab.clients[-1].send(EVERYTHING)
        lab.clients[-1].ping()
        alpha.latest.kill()
        again = alpha.incarnation(2)
    assert again.hello["descriptors"] == [0, 1, 2]
    ends_well(server)


def test_row_23_a_port_that_is_taken_costs_one_line_and_status_1(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = lab.launch("/bin/cat", port=port)
        assert server.wait_for_exit() == 1
    (line,) = [line for line in server.complete_log().splitlines() if "startup" not in line]
    assert f"port {port} is in use (pid {os.getpid()}" in line
    assert "choose another with --port" in line


def test_row_23_a_local_socket_that_is_taken_costs_one_line_and_status_1(lab: Lab) -> None:
    first, alpha = one_driver(lab)
    client = lab.client(first, "client", EVERYTHING)
    port = free_port()
    second = lab.launch_bare("-p", port, "-u", first.local, "/bin/cat", port=port, local=first.local)
    assert second.wait_for_exit() == 1
    (line,) = [line for line in second.complete_log().splitlines() if "startup" not in line]
    assert f"local socket {first.local} is in use (pid {first.pid}" in line
    assert "choose another with --local-socket" in line
    assert served(client, alpha)


def test_row_24_a_driver_over_its_memory_is_warned_about(lab: Lab) -> None:
    text = f"[driver greedy]\ncommand = {sys.executable}\narguments = {leaking_program(lab)}\nmax-memory = 100\n"
    server, alpha = one_driver(lab, "--sample-interval", 0.2, "--config", config_file(lab, text))
    client = lab.client(server, "client", EVERYTHING)
    server.wait_for_log("Driver greedy: .*memory")
    assert served(client, alpha)
    assert "restart" not in server.log
    ends_well(server)


def test_row_24_a_driver_over_its_memory_is_restarted_where_the_config_says_so(lab: Lab) -> None:
    path = leaking_program(lab)
    limits = "max-memory = 100\nover-limit = restart\nrestart-delay = 0\n"
    text = f"[driver greedy]\ncommand = {sys.executable}\narguments = {path}\n{limits}"
    server, alpha = one_driver(lab, "--sample-interval", 0.2, "--config", config_file(lab, text))
    client = lab.client(server, "client", EVERYTHING)
    server.wait_for_log("Driver greedy: restart #0")
    assert served(client, alpha)
    assert len(alpha.incarnations) == 1
    ends_well(server)


@pytest.fixture
def broken(open_lab: Callable[[str], Lab]) -> Iterator[Callable[[str], Lab]]:
    """Give a function that opens a laboratory whose servers have a part that fails."""
    kinds: list[str] = []

    def open_broken(part: str) -> Lab:
        kinds.append(f"broken {part}")
        COMMANDS[kinds[-1]] = [sys.executable, str(Path(__file__).with_name("broken_server.py")), part]
        return open_lab(kinds[-1])

    yield open_broken
    for kind in kinds:
        del COMMANDS[kind]


def test_row_25_a_clients_greenlet_that_fails_costs_that_client(broken: Callable[[str], Lab]) -> None:
    lab = broken("client")
    server, alpha = one_driver(lab)
    client, culprit = (lab.client(server, name, EVERYTHING) for name in ("client", "culprit"))
    culprit.send(note("A", "boom"))
    culprit.expect_closed()
    server.wait_for_log("RuntimeError: the server's own fault")
    assert "Greenlet 'client" in server.log
    assert served(client, alpha)
    assert server.stop() == 0


def test_row_25_serving_a_driver_that_fails_costs_that_run(broken: Callable[[str], Lab]) -> None:
    lab = broken("driver")
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, beta)
    client = lab.client(server, "client", EVERYTHING)
    beta.send(define("B"))
    client.expect("defNumberVector", device="B")
    beta.send(note("B", "boom"))
    client.expect("delProperty", device="B")
    beta.incarnation(2).expect("getProperties")
    server.wait_for_log("RuntimeError: the server's own fault")
    assert "beta: serving it failed" in server.log
    assert served(client, alpha)
    assert server.stop() == 0


def test_row_25_a_part_that_the_server_cannot_be_without_ends_it(broken: Callable[[str], Lab]) -> None:
    lab = broken("FIFO")
    commands = Commands(lab)
    server, alpha = one_driver(lab, "-f", commands.path)
    with watched(alpha) as drivers:
        commands.write("start boom")
        assert server.wait_for_exit() == 1
        assert drivers.left() == []
    assert "Greenlet 'FIFO' failed" in server.complete_log()


def test_row_25_a_supervisor_that_fails_ends_the_server(broken: Callable[[str], Lab]) -> None:
    lab = broken("supervisor")
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, beta)
    with watched(alpha) as drivers:
        beta.latest.kill()
        assert server.wait_for_exit() == 1
        assert drivers.left() == []
    assert "Greenlet 'supervisor of " in server.complete_log()
