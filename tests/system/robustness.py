"""What the tests of robustness share: drivers that do not listen, processes that must be gone, servers in a ring."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S, LabTimeout
from tests.lab.server import Server, free_port
from tests.lab.vocabulary import EVERYTHING, define, note


class Processes:
    """Processes that are to end; they are held by descriptor, so a number that is used again does not deceive."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._fds = {os.pidfd_open(pid): pid for pid in pids}

    def left(self) -> list[int]:
        """The ids of those that have not ended."""
        ended, _, _ = select.select(list(self._fds), [], [], 0)
        return [pid for fd, pid in self._fds.items() if fd not in ended]

    def wait_until_gone(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until all have ended, whoever their parent is."""
        end = time.monotonic() + deadline_s
        for fd, pid in self._fds.items():
            ended, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
            if not ended:
                raise LabTimeout(f"process {pid} has not ended within {deadline_s} s")

    def close(self) -> None:
        """Kill those that are left."""
        for fd in self._fds:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.close(fd)


@contextlib.contextmanager
def watched(*drivers: ScriptedDriver) -> Iterator[Processes]:
    """Give the latest processes of the drivers, which are killed at the end if need be."""
    processes = Processes([driver.latest.hello["pid"] for driver in drivers])
    try:
        yield processes
    finally:
        processes.close()


def deaf_driver(lab: Lab, name: str) -> ScriptedDriver:
    """Make a driver that ignores SIGTERM, and with `ignore_eof` the end of its stdin."""
    driver = lab.driver(name)
    inner = driver.path.with_suffix(".listens")
    driver.path.rename(inner)
    driver.path.write_text(f"#!/bin/sh\ntrap '' TERM\nexec '{inner}'\n")
    driver.path.chmod(0o755)
    return driver


def ignore_eof(driver: ScriptedDriver) -> None:
    """Have a driver that was started go on when its stdin is closed."""
    driver.latest.exits_at_eof = False


def ends_well(server: Server) -> None:
    """End a server by SIGTERM: status 0, and no traceback in its log."""
    assert server.stop() == 0
    before, traceback, after = server.complete_log().partition("Traceback")
    assert not traceback, before[-300:] + traceback + after[:2000]


class Commands:
    """A FIFO for commands to a server."""

    def __init__(self, lab: Lab, name: str = "fifo") -> None:
        self.path: Path = lab.folder / name
        os.mkfifo(self.path)

    def write(self, *lines: str) -> None:
        """Write commands at once, as one writer."""
        self.write_bytes("".join(f"{line}\n" for line in lines).encode())

    def write_bytes(self, data: bytes) -> None:
        """Write anything."""
        self.path.write_bytes(data)


class Ring:
    """Servers 0 to n-1, each with a driver and a client of its own and with the next server as its remote.

    Driver `driverI` owns device `DI`. When the ring is made, every client knows every device.
    """

    def __init__(self, lab: Lab, size: int, *options: object) -> None:
        self._laps = 0
        ports = [free_port() for _ in range(size)]
        fifos = [Commands(lab, f"fifo{number}") for number in range(size)]
        self.drivers = [lab.driver(f"driver{number}") for number in range(size)]
        rows = zip(fifos, self.drivers, ports, strict=True)
        self.servers = [lab.server("-v", "-f", fifo.path, *options, driver, port=port) for fifo, driver, port in rows]
        for number, fifo in enumerate(fifos):
            fifo.write(f"start @127.0.0.1:{ports[(number + 1) % size]}")
        for driver in self.drivers:
            driver.expect("getProperties", device="*")
        rooms = enumerate(self.servers)
        self.clients = [lab.client(server, f"client{number}", EVERYTHING) for number, server in rooms]
        for number, driver in enumerate(self.drivers):
            driver.send(define(f"D{number}"))
            for client in self.clients:
                client.expect("defNumberVector", device=f"D{number}")

    def lap(self) -> None:
        """Return when everything that was on its way has come one server further, or has come to rest.

        Links keep the order of messages, so what goes round in circles is ahead of the note that each driver sends.
        """
        self._laps += 1
        for number, driver in enumerate(self.drivers):
            driver.send(note(f"D{number}", f"lap {self._laps}"))
        for client in self.clients:
            for number in range(len(self.drivers)):
                heard = partial(client.has, "message", device=f"D{number}", message=f"lap {self._laps}")
                client.pump.wait(heard, f"{client.name} hears of lap {self._laps} from D{number}")

    def laps(self) -> None:
        """Give what goes round in circles the time for three rounds."""
        for _ in range(3 * len(self.servers)):
            self.lap()


def copies(client: ScriptedClient, pattern: str) -> int:
    """How often a client has received what matches a regular expression."""
    return len(re.findall(pattern.encode(), client.received))
