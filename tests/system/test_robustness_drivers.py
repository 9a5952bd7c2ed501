"""Starting, stopping and reaching drivers when names, commands, remotes and descriptors are not as they should be."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING

from .robustness import Commands, ends_well, ignore_eof, watched

ODD_COMMANDS = (
    b"start foo\0bar",
    b'start foo -n "a\0b"',
    b"start foo\x1b[2J",
    b"start /tmp",
    b"start \xff\xfe",
    b'start "',
    b"start a:b",
    b"start @a..b",
    b"start " + b"a" * 9000,
    b"bogus foo",
    b"\0" * 100,
)


def test_odd_commands_cost_nothing(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path, "-r", 0)
    for command in ODD_COMMANDS:
        commands.write_bytes(command + b"\n")
    commands.write(f"start {alpha.path}")
    alpha.expect("getProperties")
    ends_well(server)
    assert "File name too long" not in server.log


def test_odd_commands_in_one_write_do_not_hide_the_next_one(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path, "-r", 0)
    commands.write_bytes(b"\n".join([*ODD_COMMANDS, f"start {alpha.path}\n".encode()]))
    alpha.expect("getProperties")
    ends_well(server)


def test_a_flood_without_line_ends_does_not_stop_the_server(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path)
    client = lab.client(server, "client", EVERYTHING)
    with flooded(commands.path) as floods:
        for flood in floods:
            lab.pump.poll(partial(has_written, flood, 1 << 20), "the FIFO is read")
        for _ in range(5):
            client.ping()
        assert psutil.Process(server.pid).memory_info().rss < 128 << 20
    commands.write("", f"start {alpha.path}")
    alpha.expect("getProperties")
    ends_well(server)
    assert server.log.count("FIFO: a line is longer than") == 1


@contextlib.contextmanager
def flooded(path: Path) -> Iterator[list[psutil.Process]]:
    """Have processes write zeros to a FIFO meanwhile, as fast as it is read, so that it is never empty."""
    with path.open("wb") as fifo, contextlib.ExitStack() as floods:
        started = [floods.enter_context(subprocess.Popen(["cat", "/dev/zero"], stdout=fifo)) for _ in range(3)]
        try:
            yield [psutil.Process(one.pid) for one in started]
        finally:
            for one in started:
                one.kill()


def has_written(process: psutil.Process, count: int) -> bool:
    """Whether a process has written so many bytes."""
    written: int = process.io_counters().write_chars
    return written > count


def test_every_stop_finds_another_driver(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-v", "-f", commands.path, alpha)
    with watched(alpha) as first:
        commands.write(f"stop {alpha.path}", f"start {alpha.path}", f"stop {alpha.path}", f"stop {alpha.path}")
        server.wait_for_log("FIFO: no driver .*alpha is running")
        first.wait_until_gone()
    lab.pump.poll(lambda: not server.children(), "the server has no driver any more")
    assert len(alpha.incarnations) == 1
    assert server.log.count("FIFO: Shutting down driver") == 2
    ends_well(server)


def test_a_driver_starts_when_its_namesake_has_ended(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path, alpha)
    ignore_eof(alpha)
    with watched(alpha) as first:
        commands.write(f"stop {alpha.path}", f"start {alpha.path}")
        alpha.incarnation(2)
        assert first.left() == []
    ends_well(server)
