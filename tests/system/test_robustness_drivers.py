"""Starting, stopping and reaching drivers when names, commands, remotes and descriptors are not as they should be."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define, note

from .robustness import Commands, ends_well, ignore_eof, watched

NO_HOSTS = ("X@foo..bar", f"X@{'a' * 70}.example", "X@.", "@-.invalid")
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


def test_names_that_are_no_host_names_cost_only_their_remotes(lab: Lab) -> None:
    commands, alpha = Commands(lab), lab.driver("alpha")
    server = lab.server("-f", commands.path, alpha, *NO_HOSTS)
    commands.write("start Y@foo..bar", "start Z@.")
    for remote in (*NO_HOSTS, "Y@foo..bar", "Z@."):
        server.wait_for_log(rf"Driver {remote}: .* cannot be reached")
    lab.client(server, "client", EVERYTHING)
    alpha.ping()
    ends_well(server)


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


@pytest.mark.parametrize("free", [0, 2])
def test_a_shortage_of_descriptors_is_no_exit_of_the_driver(lab: Lab, free: int) -> None:
    """Three become free when the driver ends: with two more there are enough to begin a start, not to finish it."""
    alpha = lab.driver("alpha")
    server = lab.server("-r", 1, alpha)
    alpha.send(define("A"))
    client = lab.client(server, "client", EVERYTHING)
    with descriptors_limited(server, free):
        alpha.latest.kill()
        client.expect("delProperty", device="A")
        server.wait_for_log("Driver .*alpha: waits for a free file descriptor")
        client.ping()
    alpha.incarnation(2).expect("getProperties")
    alpha.send(define("A"))
    client.expect("defNumberVector", device="A")
    assert server.log.count("restart #") == 1
    ends_well(server)


@contextlib.contextmanager
def descriptors_limited(server: Server, free: int) -> Iterator[None]:
    """Leave the process so many free descriptors meanwhile."""
    process = psutil.Process(server.pid)
    soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
    used = {int(path.name) for path in Path(f"/proc/{server.pid}/fd").iterdir()}
    unused = [number for number in range(len(used) + free + 1) if number not in used]
    process.rlimit(psutil.RLIMIT_NOFILE, (unused[free], hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))


class Crowded:
    """A listening socket whose queue is full: who connects gets no answer, until `welcome`."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: int = self.listener.getsockname()[1]
        self._crowd = [socket.socket() for _ in range(4)]
        for one in self._crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))

    def is_tried_by(self, server: Server) -> bool:
        """Whether a process is connecting."""
        found = psutil.Process(server.pid).net_connections("tcp")
        return any(one.status == psutil.CONN_SYN_SENT and one.raddr.port == self.port for one in found)

    def close(self) -> None:
        for one in (self.listener, *self._crowd):
            one.close()


@pytest.fixture
def crowded() -> Iterator[Crowded]:
    found = Crowded()
    yield found
    found.close()


def test_a_remote_that_is_stopped_while_it_connects_is_given_up(lab: Lab, crowded: Crowded) -> None:
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


def test_the_server_ends_while_a_remote_connects(lab: Lab, crowded: Crowded) -> None:
    server = lab.server(f"X@127.0.0.1:{crowded.port}")
    lab.pump.poll(lambda: crowded.is_tried_by(server), "the server tries to connect")
    ends_well(server)


def test_a_remote_that_accepts_and_closes_is_not_taken_for_alive(lab: Lab) -> None:
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


def test_an_islog_that_does_not_take_messages_does_not_stop_the_server(lab: Lab) -> None:
    islog, alpha = Commands(lab, "2026-01-02.islog"), lab.driver("alpha")
    server = lab.server("-l", islog.path.parent, alpha)
    alpha.send("<message device='A' timestamp='2026-01-02T03:04:05' message='nobody reads this'/>" * 3)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(note("A", "after"))
    client.expect("message", message="after")
    with watched(alpha) as drivers:
        assert server.stop() == 0
        assert drivers.left() == []
