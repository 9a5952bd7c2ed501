"""Rows 13 and 14: a log that nobody reads, lines without end and a full disk never stop the routing."""

from __future__ import annotations

import pytest

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, note
from tests.system.robustness import Commands, ends_well, watched

from .parties import MEGABYTE, one_driver, served

# 8 MB: its line in the log is long at any verbosity, of which names are cut to 200 characters.
LOGGED = [note("A", "long", "n" * 200)] * 40_000
DATED = "<message device='A' timestamp='2026-01-02T03:04:05' message='nobody has room for this'/>"


@pytest.mark.parametrize("verbosity", ["-vv", "-vvv"])
def test_row_13_a_log_that_nobody_reads_does_not_stop_the_routing_nor_the_end(lab: Lab, verbosity: str) -> None:
    server, alpha = one_driver(lab, verbosity)
    server.stop_reading_log()
    client = lab.client(server, "client", EVERYTHING)
    client.send(*LOGGED)
    client.ping()
    assert served(client, alpha)
    server.read_log_again()
    lab.pump.poll(lambda: served(client, alpha, times=1) and "lines were lost" in server.log, "lost lines are counted")
    server.wait_for_log(r"\d+ log lines were lost because nobody read them")
    server.stop_reading_log()
    client.send(*LOGGED)
    client.ping()
    with watched(alpha) as drivers:
        assert server.stop() == 0
        assert drivers.left() == []


def test_row_14_a_line_of_stderr_without_end_is_logged_in_parts(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    alpha.latest.write_stderr(b"x" * MEGABYTE)
    server.wait_for_log(r"alpha: x{4096}\n", times=250)
    alpha.latest.write_stderr(b"\nafterwards\n")
    server.wait_for_log("alpha: afterwards")
    assert served(client, alpha)
    ends_well(server)


def test_row_14_a_full_disk_costs_one_warning(lab: Lab) -> None:
    """The islog of that day leads to /dev/full, where every write fails as on a full disk."""
    islog = lab.folder / "islog"
    islog.mkdir()
    (islog / "2026-01-02.islog").symlink_to("/dev/full")
    server, alpha = one_driver(lab, "-l", islog)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(DATED * 100)
    server.wait_for_log("No space left on device")
    assert served(client, alpha)
    ends_well(server)
    assert server.log.count("No space left on device") == 1


def test_row_14_an_islog_that_does_not_take_messages_does_not_stop_the_server(lab: Lab) -> None:
    islog, alpha = Commands(lab, "2026-01-02.islog"), lab.driver("alpha")
    server = lab.server("-l", islog.path.parent, alpha)
    alpha.send("<message device='A' timestamp='2026-01-02T03:04:05' message='nobody reads this'/>" * 3)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(note("A", "after"))
    client.expect("message", message="after")
    with watched(alpha) as drivers:
        assert server.stop() == 0
        assert drivers.left() == []
