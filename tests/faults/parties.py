"""What the rows share: drivers and clients in real processes that can be stopped, floods, and what to measure."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import psutil

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import command, define, update

MEGABYTE = 1 << 20
# What a user would call frozen; who is served takes milliseconds, on a busy machine tens of them.
FROZEN_S = 2.0
# It reads with read(2), which the kernel counts for each process.
_READER = """
import os, socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(sys.argv[2].encode())
print(open("/proc/self/io").readline().split()[1], flush=True)
while os.read(client.fileno(), 65536):
    pass
"""
_values = count(1000)


def one_driver(lab: Lab, *options: object, device: str = "A") -> tuple[Server, ScriptedDriver]:
    """Start a server with driver alpha, which owns a device."""
    alpha = lab.driver("alpha")
    server = lab.server(*options, alpha)
    alpha.send(define(device))
    alpha.ping()
    return server, alpha


def config_file(lab: Lab, text: str) -> Path:
    """Write a config file for a server."""
    path = lab.folder / f"server{len(lab.servers)}.conf"
    path.write_text(text)
    return path


def flood_driver(lab: Lab, device: str = "Flood") -> Path:
    """Make a program that numbers updates of its device as fast as it is read; it ends when nobody reads any more."""
    path = lab.folder / "flood"
    numbered = update(device).replace(">1<", ">%.0f<")
    path.write_text(f'#!/bin/sh\nexec seq -f "{numbered}" 1 1000000000\n')
    path.chmod(0o755)
    return path


def rss(server: Server) -> int:
    """The server's resident memory in bytes."""
    memory: int = psutil.Process(server.pid).memory_info().rss
    return memory


def peak_rss(server: Server) -> int:
    """The most resident memory that the server has had, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def round_trip_s(client: ScriptedClient, driver: ScriptedDriver, device: str = "A") -> float:
    """Send a command and wait for what its driver answers; return how many seconds that took."""
    value = next(_values)
    began = time.monotonic()
    client.send(command(device, "P", value))
    client.pump.wait(partial(_has_value, driver.latest.received, value), f"{driver.name} gets command {value}")
    driver.send(update(device, "P", value))
    client.pump.wait(partial(_has_value, client.received, value), f"{client.name} gets update {value}")
    return time.monotonic() - began


def served(client: ScriptedClient, driver: ScriptedDriver, device: str = "A", times: int = 3) -> bool:
    """Whether most commands are answered in less time than a user calls frozen; one may meet a busy machine."""
    return statistics.median(round_trip_s(client, driver, device) for _ in range(times)) < FROZEN_S


def _has_value(received: bytearray, value: int) -> bool:
    return f">{value}<".encode() in received


def let_pass(lab: Lab, seconds: float, unless: Callable[[], object] = lambda: False) -> None:
    """Wait until so much time has passed, which is what the test is about, or something is so."""
    until = time.monotonic() + seconds
    lab.pump.poll(lambda: unless() or time.monotonic() > until, f"{seconds} s pass")


class Reader:
    """A client in a process of its own, and how many bytes it has taken from the server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.pid = process.pid
        self._before = int(process.stdout.readline())  # what Python itself has read, of its modules
        self._process = psutil.Process(process.pid)

    @property
    def taken(self) -> int:
        """Bytes that came until now."""
        read: int = self._process.io_counters().read_chars
        return read - self._before

    def has_taken(self, size: int) -> bool:
        """Whether more than that has come."""
        return self.taken > size


@contextlib.contextmanager
def reader_process(server: Server, *messages: str) -> Iterator[Reader]:
    """Give a client in a process of its own, which says this and then reads as long as it runs."""
    words = [sys.executable, "-c", _READER, str(server.port), "".join(messages)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Reader(process)
        finally:
            process.kill()


@contextlib.contextmanager
def stopped(lab: Lab, pid: int) -> Iterator[None]:
    """Hold a process meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        lab.pump.poll(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, f"process {pid} stops")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def free_descriptors(server: Server, free: int) -> Iterator[None]:
    """Leave the server so many free descriptors meanwhile."""
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
    """A listening socket whose queue is full: who connects gets no answer."""

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
        """Let everybody go."""
        for one in (self.listener, *self._crowd):
            one.close()
