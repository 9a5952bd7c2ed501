"""Rows 10 and 11: drivers that are killed come back, and those that never run are given up in the end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, define, get, update
from tests.system.robustness import Commands, ends_well

from .parties import let_pass, one_driver, served

STABLE_S = 1.0
NEVER_RUNS = "#!/bin/sh\ndate +%s.%N >>{folder}/starts\nexit 1\n"


def test_row_10_a_killed_driver_is_deleted_for_everybody_and_comes_back(lab: Lab) -> None:
    alpha, beta, snooper = (lab.driver(name) for name in ("alpha", "beta", "snooper"))
    server = lab.server(alpha, beta, snooper)
    alpha.send(define("A"))
    beta.send(define("B"))
    snooper.send(get("A"))
    snooper.ping()
    clients = [
        lab.client(server, "of everything", EVERYTHING),
        lab.client(server, "of the device", get("A")),
        lab.client(server, "of a property", get("A", "P")),
        lab.local_client(server, "local", EVERYTHING),
    ]
    for number in range(1, 4):
        alpha.send(update("A") * 2000)  # under load: most of this is on its way when the process is killed
        alpha.latest.kill()
        again = alpha.incarnation(number + 1)
        again.expect("getProperties")
        for party in (*clients, snooper.latest):
            party.expect("delProperty", device="A")
        again.send(define("A"))
        for party in (*clients, snooper.latest):
            party.expect("defNumberVector", device="A")
        assert served(clients[0], beta, "B")
    assert not any(client.has("delProperty", device="B") for client in clients)
    ends_well(server)


def never_running(lab: Lab) -> tuple[Path, Path]:
    """Make a program that writes down when it was started and exits; return both paths."""
    program = lab.folder / "never"
    program.write_text(NEVER_RUNS.format(folder=lab.folder))
    program.chmod(0o755)
    return program, lab.folder / "starts"


def test_row_11_a_driver_that_always_exits_is_started_ever_more_seldom_and_given_up(lab: Lab) -> None:
    program, starts = never_running(lab)
    server, alpha = one_driver(lab, "-r", 4, program)
    client = lab.client(server, "client", EVERYTHING)
    server.wait_for_log(r"never: Terminated after #4 restarts\.")
    times = [float(line) for line in starts.read_text().split()]
    delays = [later - earlier for earlier, later in pairwise(times)]
    assert len(delays) == 4
    assert delays[3] > 2 * delays[0]
    assert sum(delays) > 1.0
    assert served(client, alpha)
    ends_well(server)


def test_row_11_a_missing_program_is_named_once_and_given_up(lab: Lab) -> None:
    server, alpha = one_driver(lab, "-r", 3, "/nowhere/indi_nothing")
    client = lab.client(server, "client", EVERYTHING)
    server.wait_for_log("indi_nothing: Terminated after #3 restarts")
    assert server.log.count("/nowhere/indi_nothing cannot be executed: No such file or directory") == 1
    assert served(client, alpha)
    ends_well(server)


def test_row_11_a_stable_run_forgives_the_restarts_before_it(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-r", 1, "--stable-time", STABLE_S, "-f", commands.path, alpha)
    for number in (2, 3):
        let_pass(lab, 1.2 * STABLE_S)
        alpha.latest.kill()
        alpha.incarnation(number).expect("getProperties")
    alpha.latest.kill()
    server.wait_for_log(r"alpha: Terminated after #1 restarts\.")
    ends_well(server)
