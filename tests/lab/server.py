"""Servers under test: the reference `indiserver` and `indigevent`, started with the same command line."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from .client import ScriptedClient
from .pump import DEADLINE_S, LabTimeout, Pump

REFERENCE = "reference"
CANDIDATE = "indigevent"
COMMANDS = {REFERENCE: ["indiserver"], CANDIDATE: [sys.executable, "-m", "indigevent"]}


# Below the range from which the kernel gives ports to outgoing connections, which would take them before a server does.
_FIRST_PORT, _BLOCKS, _BLOCK = 10_000, 220, 100
_reserved: list[socket.socket] = []


def _own_ports() -> Iterator[int]:
    """The ports of blocks that no other test process has: an abstract socket's name stands for a block."""
    for number in itertools.count(os.getpid() * 7):
        block = number % _BLOCKS
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0lab-ports-{block}")
        except OSError:
            reservation.close()
            continue
        _reserved.append(reservation)
        yield from range(_FIRST_PORT + block * _BLOCK, _FIRST_PORT + (block + 1) * _BLOCK)


_ports = _own_ports()


def free_port() -> int:
    """Return a TCP port that is free on the loopback interface now, and has not been given before."""
    for port in _ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("the ports never end")


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment with `extra` and without anything else that steers a server or a driver."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INDI")}
    return {**kept, **extra}


class Server:
    """A running server process, its log and its resources."""

    def __init__(
        self,
        kind: str,
        pump: Pump,
        name: str,
        arguments: Sequence[str],
        port: int,
        local: str,
        folder: Path,
        environment: dict[str, str],
    ) -> None:
        self.kind, self.name, self.port, self.local = kind, name, port, local
        self.log = ""
        self._pump = pump
        self._log_open = True
        self.process = subprocess.Popen(
            [*COMMANDS[kind], *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self._stderr = self.process.stderr
        pump.watch(self._stderr.fileno(), self._readable)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def wait_for_log(self, pattern: str, times: int = 1, deadline_s: float = DEADLINE_S) -> re.Match[str]:
        """Wait until the log matches `pattern` (multi-line regular expression) `times` times; return the last match."""
        expression = re.compile(pattern, re.MULTILINE)
        found: list[re.Match[str]] = []

        def logged() -> bool:
            found[:] = expression.finditer(self.log)
            return len(found) >= times

        try:
            self._pump.wait(logged, lambda: f"{self.name} logs {pattern!r}", deadline_s)
        except LabTimeout as error:
            raise LabTimeout(f"{error}; its log:\n{self.log}") from None
        return found[times - 1]

    def wait_for_exit(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait until the process has ended and its log is complete; return the exit status."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise LabTimeout(f"{self.name} has not ended within {deadline_s} s; its log:\n{self.log}") from None

    def complete_log(self) -> str:
        """Wait until nobody can write to the log any more; return it."""
        self._pump.wait(lambda: not self._log_open, lambda: f"the log of {self.name} ends")
        return self.log

    def stop_reading_log(self) -> None:
        """Leave what the process writes to stderr in the pipe."""
        self._pump.forget(self._stderr.fileno())

    def read_log_again(self) -> None:
        """Undo `stop_reading_log`."""
        self._pump.watch(self._stderr.fileno(), self._readable)

    def wait_until_listening(self) -> None:
        """Return when the TCP port and the local socket accept connections (seen from outside, not by connecting)."""
        self._pump.poll(self.is_listening, f"{self.name} listens on port {self.port}")

    def client(self, name: str) -> ScriptedClient:
        """Connect a client over TCP."""
        sock = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ScriptedClient(name, self._pump, sock)

    def local_client(self, name: str) -> ScriptedClient:
        """Connect a client over the local socket (abstract namespace)."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect("\0" + self.local)
        return ScriptedClient(name, self._pump, sock)

    def descriptors(self) -> int:
        """Return the number of open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_for_descriptors(self, count: int) -> None:
        """Wait until the number of open descriptors is `count`."""
        self._pump.poll(lambda: self.descriptors() == count, f"{self.name} has {count} descriptors open")

    def children(self) -> list[psutil.Process]:
        """Return the processes below this one."""
        return psutil.Process(self.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status (negative: ended by that signal)."""
        self.process.send_signal(number)
        return self.wait_for_exit()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Hold the process meanwhile, so that all that is sent to it now arrives at once."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self._pump.poll(lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED, "the server stops")
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the process group, whatever its state."""
        children: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = self.children()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        with self._pump.changed:
            if not self._stderr.closed:
                self._pump.forget(self._stderr.fileno())
                self._stderr.close()

    def is_listening(self) -> bool:
        """Whether the TCP port and the local socket accept connections; LabTimeout when the process has ended."""
        if self.process.poll() is not None:
            raise LabTimeout(f"{self.name} ended with status {self.process.returncode}; its log:\n{self.log}")
        listens = f":{self.port:04X} 00000000:0000 0A "
        tcp, unix = (Path(f"/proc/net/{kind}").read_text(errors="replace") for kind in ("tcp", "unix"))
        return listens in tcp and f"@{self.local}\n" in unix

    def _readable(self) -> None:
        data = os.read(self._stderr.fileno(), 1 << 16)
        self.log += data.decode(errors="replace")
        if not data:
            self._log_open = False
            self._pump.forget(self._stderr.fileno())
