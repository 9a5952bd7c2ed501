"""However a server ends, its drivers end with it: the deaf ones and the stopped ones, within five seconds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define, note, update

from .robustness import Commands, deaf_driver, ends_well, ignore_eof, watched

# Not for the machine's sake but the requirement; a deaf driver takes 3 s: 1 s after EOF, 2 s after SIGTERM.
ALL_GONE_S = 5.0
# Less than the 3 s that the guardian would take.
AT_ONCE_S = 2.5


def deaf_and_stopped(lab: Lab, *options: object) -> tuple[Server, ScriptedDriver, ScriptedDriver]:
    """Start a server with a driver that ignores EOF and SIGTERM, and one that is stopped."""
    deaf, stopped = deaf_driver(lab, "deaf"), lab.driver("stopped")
    server = lab.server("-v", *options, deaf, stopped)
    ignore_eof(deaf)
    os.kill(stopped.latest.hello["pid"], signal.SIGSTOP)
    return server, deaf, stopped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_drivers_and_then_the_server(lab: Lab, number: signal.Signals) -> None:
    server, deaf, stopped = deaf_and_stopped(lab)
    with watched(deaf, stopped) as drivers:
        server.process.send_signal(number)
        assert server.wait_for_exit(ALL_GONE_S) == 0
        assert drivers.left() == []
    log = server.complete_log()
    assert "Traceback" not in log
    assert "deaf: did not end when told to; killed" in log
    assert "stopped: did not end when told to" not in log


def test_a_second_sigterm_ends_them_at_once(lab: Lab) -> None:
    server, deaf, stopped = deaf_and_stopped(lab)
    with watched(deaf, stopped) as drivers:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("SIGTERM received")
        server.process.send_signal(signal.SIGTERM)
        drivers.wait_until_gone(AT_ONCE_S)
        assert server.wait_for_exit() == 0


def test_a_killed_server_leaves_no_driver(lab: Lab) -> None:
    server, deaf, stopped = deaf_and_stopped(lab)
    with watched(deaf, stopped) as drivers:
        server.process.kill()
        drivers.wait_until_gone(ALL_GONE_S)


def test_the_fifo_stops_deaf_and_stopped_drivers(lab: Lab) -> None:
    commands = Commands(lab)
    server, deaf, stopped = deaf_and_stopped(lab, "-f", commands.path)
    with watched(deaf, stopped) as drivers:
        commands.write(f"stop {deaf.path}", f"stop {stopped.path}")
        drivers.wait_until_gone(ALL_GONE_S)
    lab.client(server, "client", EVERYTHING)
    ends_well(server)


def test_a_guardian_that_is_gone_is_missed_once(lab: Lab) -> None:
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
    pipes = set(map(target, Path(f"/proc/{server.pid}/fd").iterdir())) - {""}
    shells = [one for one in psutil.process_iter(["name"]) if one.info["name"] == "sh"]
    (guardian,) = [one for one in shells if target(Path(f"/proc/{one.pid}/fd/0")) in pipes]
    return guardian


def target(link: Path) -> str:
    """What a link in /proc leads to, "" when it is gone."""
    try:
        return os.readlink(link)
    except OSError:
        return ""


@pytest.mark.parametrize("verbosity", ["-vv", "-vvv"])
def test_a_log_that_nobody_reads_does_not_keep_the_server(lab: Lab, verbosity: str) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(verbosity, alpha)
    alpha.send(define("A"))
    assert server.process.stderr is not None
    lab.pump.forget(server.process.stderr.fileno())
    client = lab.client(server, "client", EVERYTHING)
    client.send(*[note("A", "x" * 2000) + update("A") * 50] * 100)
    client.ping()
    with watched(alpha) as drivers:
        assert server.stop() == 0
        assert drivers.left() == []
