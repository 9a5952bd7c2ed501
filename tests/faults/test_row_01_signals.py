"""Row 1: however a server ends, its drivers end with it within five seconds: deaf ones, stopped ones, busy ones."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING
from tests.system.robustness import Commands, Processes, deaf_driver, ends_well, ignore_eof, watched

from .parties import MEGABYTE, flood_driver, reader_process

# Not for the machine's sake but the requirement; a deaf driver takes 3 s: 1 s after EOF, 2 s after SIGTERM.
ALL_GONE_S = 5.0
# Less than the 3 s that the guardian would take.
AT_ONCE_S = 2.5


@contextlib.contextmanager
def busy_server(lab: Lab, *options: object) -> Iterator[tuple[Server, Processes]]:
    """Start a server with a driver that ignores EOF and SIGTERM, one that is stopped, and one that floods a client.

    Gives the server, and the processes of the deaf and the stopped one.
    """
    deaf, stopped = deaf_driver(lab, "deaf"), lab.driver("stopped")
    server = lab.server("-v", *options, deaf, stopped, flood_driver(lab))
    ignore_eof(deaf)
    os.kill(stopped.latest.hello["pid"], signal.SIGSTOP)
    with reader_process(server, EVERYTHING) as reader, watched(deaf, stopped) as drivers:
        lab.pump.poll(partial(reader.has_taken, MEGABYTE), "a client is flooded")
        yield server, drivers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_row_01_a_signal_ends_the_drivers_and_then_the_server(lab: Lab, number: signal.Signals) -> None:
    with busy_server(lab) as (server, drivers):
        server.process.send_signal(number)
        assert server.wait_for_exit(ALL_GONE_S) == 0
        assert drivers.left() == []
    log = server.complete_log()
    assert "Traceback" not in log
    assert "deaf: did not end when told to; killed" in log
    assert "stopped: did not end when told to" not in log


def test_row_01_a_second_sigterm_ends_them_at_once(lab: Lab) -> None:
    with busy_server(lab) as (server, drivers):
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("SIGTERM received")
        server.process.send_signal(signal.SIGTERM)
        drivers.wait_until_gone(AT_ONCE_S)
        assert server.wait_for_exit() == 0


def test_row_01_a_killed_server_leaves_no_driver(lab: Lab) -> None:
    with busy_server(lab) as (server, drivers):
        server.process.kill()
        drivers.wait_until_gone(ALL_GONE_S)


def test_row_01_the_fifo_stops_deaf_and_stopped_drivers(lab: Lab) -> None:
    commands = Commands(lab)
    with busy_server(lab, "-f", commands.path) as (server, drivers):
        commands.write(f"stop {lab.drivers['deaf'].path}", f"stop {lab.drivers['stopped'].path}")
        drivers.wait_until_gone(ALL_GONE_S)
        lab.client(server, "client")
        ends_well(server)


def test_row_01_a_guardian_that_is_gone_is_missed_once(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    guardian_of(server).kill()
    for number in (1, 2):
        alpha.latest.kill()
        alpha.incarnation(number + 1).expect("getProperties")
    ends_well(server)
    assert server.log.count("The guardian process is gone") == 1


def guardian_of(server: Server) -> psutil.Process:
    """Find the shell that reads from a pipe of the server's."""
    links = map(target, Path(f"/proc/{server.pid}/fd").iterdir())
    pipes = {link for link in links if link.startswith("pipe:")}
    shells = [one for one in psutil.process_iter(["name"]) if one.info["name"] == "sh"]
    (guardian,) = [one for one in shells if target(Path(f"/proc/{one.pid}/fd/0")) in pipes]
    return guardian


def target(link: Path) -> str:
    """What a link in /proc leads to, "" when it is gone."""
    try:
        return os.readlink(link)
    except OSError:
        return ""
