"""A play's stage: a laboratory with the echo driver and the pulse, and the words for what was measured."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import LabTimeout
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define

from .pulse import Figures, Pulse

HERE = Path(__file__).resolve().parent
MEGABYTE = 1 << 20


class Stage:
    """One play's servers, drivers and clients; `close` ends them."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.lab = Lab(kind, folder)
        self.folder = folder
        self.echo = self.program("echo", HERE / "echo_driver.py")

    @property
    def is_reference(self) -> bool:
        """Whether it is the reference's turn."""
        return self.lab.is_reference

    def program(self, name: str, path: Path, **environment: object) -> Path:
        """Make an executable of a Python file, with variables set for it."""
        program = self.folder / name
        variables = " ".join(f"{key}={value}" for key, value in environment.items())
        program.write_text(f"#!/bin/sh\nexec env {variables} {sys.executable} -SE {path}\n")
        program.chmod(0o755)
        return program

    def script(self, name: str, text: str) -> Path:
        """Make an executable shell script."""
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        return program

    def ours_only(self, *options: object) -> tuple[object, ...]:
        """Options that the reference has not."""
        return () if self.is_reference else options

    def serve(self, *arguments: object) -> Server:
        """Start a server with the echo driver and these drivers; wait until it listens."""
        return self.lab.server(*arguments, self.echo)

    def device(self, name: str, server: Server | None = None) -> ScriptedDriver:
        """Make a scripted driver; once a server runs it, it owns device NAME."""
        driver = self.lab.driver(name)
        if server is not None:
            introduce(driver)
        return driver

    def watcher(self, server: Server, *messages: str) -> ScriptedClient:
        """Connect a client that wants everything, or says this instead."""
        return self.lab.client(server, f"client {len(self.lab.clients)}", *(messages or (EVERYTHING,)))

    def within(self, deadline_s: float, condition: Callable[[], object]) -> float | None:
        """Wait until something is so; return how many seconds that took, None when it is not so at the deadline."""
        began = time.monotonic()
        try:
            self.lab.pump.poll(condition, "", deadline_s)
        except LabTimeout:
            return None
        return time.monotonic() - began

    def pause(self, seconds: float) -> None:
        """Let things take their course."""
        self.within(seconds, lambda: False)

    @contextlib.contextmanager
    def pulse(self, server: Server) -> Iterator[list[Figures]]:
        """Measure meanwhile; the figures are in the list at the end."""
        measured: list[Figures] = []
        pulse = Pulse(server.port)
        try:
            yield measured
        finally:
            measured.append(pulse.stop())

    def close(self) -> None:
        """End everything."""
        self.lab.close()


def introduce(driver: ScriptedDriver) -> None:
    """Have a driver define its device, which has its name."""
    driver.latest.send(define(driver.name))


def fate(server: Server) -> str:
    """Whether the server runs; how it ended where it does not."""
    status = server.process.poll()
    if status is None:
        return "survived"
    return f"**server ended** (signal {-status})" if status < 0 else f"**server ended** (status {status})"


def ended(server: Server) -> bool:
    """Whether it has."""
    return server.process.poll() is not None


def logged(server: Server, text: str) -> bool:
    """Whether this is in its log."""
    return text in server.log


def has_more(client: ScriptedClient, text: bytes, than: int) -> bool:
    """Whether a client has received this more often than that."""
    return client.received.count(text) > than


def memory(server: Server) -> int:
    """Resident bytes; 0 when it has ended."""
    try:
        resident: int = psutil.Process(server.pid).memory_info().rss
    except psutil.Error:
        return 0
    return resident


def peak_memory(server: Server) -> int:
    """The most resident bytes that it has had; 0 when it has ended."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{server.pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return 0


def megabytes(size: int) -> str:
    """In words."""
    return f"{size / MEGABYTE:.0f} MB"


def seconds(taken_s: float | None, never: str) -> str:
    """In words."""
    return never if taken_s is None else f"after {taken_s:.1f} s"
