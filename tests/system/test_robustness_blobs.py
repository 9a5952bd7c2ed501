"""BLOBs that are not what they say, or larger than what a server would keep: they cost their sender, nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, define, enable_blob, set_blob, update

from .robustness import ends_well

MEGABYTE = 1 << 20
DECLARED = 2000


def a_pipe(_: Path) -> int:
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def a_socket(_: Path) -> int:
    one, other = socket.socketpair()
    other.close()
    return one.detach()


def an_eventfd(_: Path) -> int:
    return os.eventfd(0)


def a_directory(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY)


def a_device(_: Path) -> int:
    return os.open("/dev/zero", os.O_RDONLY)


def a_file(folder: Path) -> int:
    path = folder / "secrets"
    path.write_bytes(bytes(DECLARED))
    return os.open(path, os.O_RDONLY)


def memory(size: int) -> int:
    fd = os.memfd_create("lab")
    os.ftruncate(fd, size)
    return fd


def write_only_memory(_: Path) -> int:
    fd = memory(DECLARED)
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)
    finally:
        os.close(fd)


def too_short_memory(_: Path) -> int:
    return memory(DECLARED - 1)


NO_MEMORY: tuple[Callable[[Path], int], ...] = (
    a_pipe,
    a_socket,
    an_eventfd,
    a_directory,
    a_device,
    a_file,
    write_only_memory,
    too_short_memory,
)


class Readers:
    """A server with drivers alpha (device A) and beta (device B), and a client of either kind that wants BLOBs."""

    def __init__(self, lab: Lab, *options: object) -> None:
        self.alpha, self.beta = lab.driver("alpha"), lab.driver("beta")
        self.server: Server = lab.server("-v", *options, self.alpha, self.beta)
        self.alpha.send(define("A"))
        self.beta.send(define("B"))
        for driver in (self.alpha, self.beta):
            driver.ping()
        self.tcp: ScriptedClient = lab.client(self.server, "tcp", EVERYTHING, enable_blob("Also"))
        self.local: ScriptedClient = lab.local_client(self.server, "local", EVERYTHING, enable_blob("Also"))

    def go_on(self, driver: ScriptedDriver, device: str) -> None:
        """Check that both clients are served."""
        driver.send(update(device, "P", 77))
        for client in (self.tcp, self.local):
            client.expect("setNumberVector", device=device)

    def saw_no_blob(self) -> bool:
        """Whether no BLOB came to a client."""
        return not any(client.has("setBLOBVector") for client in (self.tcp, self.local))


@pytest.mark.parametrize("made", NO_MEMORY, ids=lambda made: made.__name__)
def test_a_driver_that_attaches_no_memory_is_started_again(
    lab: Lab, tmp_path: Path, made: Callable[[Path], int]
) -> None:
    room = Readers(lab)
    send_with(room.alpha.latest.write, made(tmp_path), "set", DECLARED)
    for client in (room.tcp, room.local):
        client.expect("delProperty", device="A")
    room.alpha.incarnation(2).expect("getProperties")
    room.go_on(room.beta, "B")
    assert len(room.beta.incarnations) == 1
    assert room.saw_no_blob()
    ends_well(room.server)


@pytest.mark.parametrize("made", NO_MEMORY, ids=lambda made: made.__name__)
def test_a_client_that_attaches_no_memory_is_closed(lab: Lab, tmp_path: Path, made: Callable[[Path], int]) -> None:
    room = Readers(lab)
    intruder = lab.local_client(room.server, "intruder")
    send_with(intruder.write, made(tmp_path), "new", DECLARED)
    intruder.expect_closed()
    room.go_on(room.alpha, "A")
    assert not room.alpha.latest.has("newBLOBVector")
    assert len(room.alpha.incarnations) == 1
    ends_well(room.server)


def test_memory_that_was_never_written_is_not_sent(lab: Lab) -> None:
    room = Readers(lab)
    intruder = lab.local_client(room.server, "intruder")
    before = psutil.Process(room.server.pid).memory_info().rss
    send_with(intruder.write, memory(64 << 30), "new", 64 << 30)
    intruder.expect_closed()
    send_with(room.alpha.latest.write, memory(64 << 30), "set", 64 << 30)
    room.alpha.incarnation(2).expect("getProperties")
    room.go_on(room.beta, "B")
    assert psutil.Process(room.server.pid).memory_info().rss - before < 32 * MEGABYTE
    assert room.saw_no_blob()
    ends_well(room.server)


def send_with(write: Callable[[bytes, list[int]], None], fd: int, tag: str, size: int) -> None:
    """Send a BLOB of device A that is attached in this descriptor."""
    try:
        write(blob_vector(tag, "A", "BLOB", attached(size)).encode(), [fd])
    finally:
        os.close(fd)


def test_a_blob_larger_than_m_and_what_follows_reach_who_reads(lab: Lab) -> None:
    room = Readers(lab, "-m", 1)
    payload = os.urandom(3 * MEGABYTE)
    for number in range(3):
        room.alpha.send(set_blob("A", "BLOB", payload) + update("A", "P", number) * 3)
        for client in (room.tcp, room.local):
            (blob,) = client.expect("setBLOBVector").children
            assert blob.payload() == payload
            client.expect("setNumberVector", device="A")
            client.ping()
            assert not client.closed
    ends_well(room.server)
    assert "behind" not in room.server.log


def test_who_does_not_read_is_closed_after_m_all_the_same(lab: Lab) -> None:
    room = Readers(lab, "-m", 1)
    room.tcp.stop_reading()
    # The kernel's buffers take some megabytes of it.
    for _ in range(10):
        room.alpha.send(set_blob("A", "BLOB", bytes(MEGABYTE)))
    room.alpha.ping()
    room.server.wait_for_log(r"Client \d+: closed: \d+ bytes behind, which is more than -m 1 MB")
    room.alpha.send(update("A"))
    room.local.expect("setNumberVector", device="A")


def test_the_log_of_a_blob_is_short(lab: Lab) -> None:
    room = Readers(lab, "-vvv")
    payload = os.urandom(3 * MEGABYTE)
    room.alpha.send(set_blob("A", "BLOB", payload))
    room.alpha.send_attached(blob_vector("set", "A", "BLOB", attached(len(payload))), payload)
    for client in (room.tcp, room.local):
        client.expect("setBLOBVector")
        client.expect("setBLOBVector")
    ends_well(room.server)
    assert "read <setBLOBVector device='A'" in room.server.log
    assert len(room.server.log) < MEGABYTE
    assert max(map(len, room.server.log.splitlines())) < 16384
