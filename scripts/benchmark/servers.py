"""The servers that are compared, started with the same drivers, and what they cost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS, REFERENCE, RELAY, INDIPYSERVER = "indigevent", "indiserver", "relay", "indipyserver"
_START_DEADLINE_S = 20.0
# The reference answers the ping after a BLOB at once, so all of them wait in its queue: more than -m allows by default.
_PATIENT = ("-m", "4000")


def available() -> list[str]:
    """The kinds that can run here."""
    found = [OURS]
    if shutil.which("indiserver"):
        found.append(REFERENCE)
    if relay_path().exists() or build_relay():
        found.append(RELAY)
    probe = [sys.executable, "-c", "import indipyserver"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        found.append(INDIPYSERVER)
    return found


def relay_path() -> Path:
    """Where the compiled relay is."""
    return Path(tempfile.gettempdir()) / f"indigevent-bench-relay-{os.getuid()}"


def build_relay() -> bool:
    """Compile the relay; False where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return False
    words = [compiler, "-D_GNU_SOURCE", "-O2", "-o", str(relay_path()), str(HERE / "relay.c")]
    return subprocess.run(words, check=False).returncode == 0


@dataclass
class Cost:
    """What a server used between two moments: seconds of CPU, and its memory in bytes."""

    cpu_s: float = 0.0
    peak_bytes: int = 0
    base_bytes: int = 0


@dataclass
class Bench:
    """One server (or a chain of two) with its drivers, ready to be measured; everything ends with `close`."""

    kind: str
    plans: list[dict[str, Any]]
    is_chained: bool = False
    profile: str = ""
    port: int = 0
    local: str = ""
    orders: list[socket.socket] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="indigevent-bench-")
        folder = Path(self._folder.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "orders"))
        self._listener.listen(8)
        self._listener.settimeout(_START_DEADLINE_S)
        os.environ["BENCH_ORDERS"] = str(folder / "orders")
        self.port, self.local = free_port(), str(folder / "local")
        if self.is_chained:
            upstream, self.port = self.port, free_port()
            self._start(upstream, self.local, self._drivers(folder))
            self._get_ready()
            self._start(self.port, self.local + "2", [f"@127.0.0.1:{upstream}"])
            _wait_until_listening(self.port)
        else:
            self._start(self.port, self.local, self._drivers(folder))
            self._get_ready()
        self._cpu_before = self._cpu_s()
        self.base_bytes = sum(_memory(each.pid, "VmRSS") for each in self.processes)

    def order(self, driver: int = 0) -> None:
        """Have a driver do its work."""
        self.orders[driver].sendall(b"go\n")

    def wait_for_driver(self, driver: int = 0) -> None:
        """Wait until a driver says that it is done."""
        self.orders[driver].settimeout(120)
        if not self.orders[driver].recv(100):
            raise RuntimeError("the driver ended")

    def start_clock(self) -> None:
        """Costs count from now on."""
        self._cpu_before = self._cpu_s()
        if self.profile:
            self.processes[0].send_signal(signal.SIGUSR1)

    def cost(self) -> Cost:
        """What the server has cost since `start_clock`."""
        peak = sum(_memory(each.pid, "VmHWM") for each in self.processes)
        return Cost(self._cpu_s() - self._cpu_before, peak, self.base_bytes)

    def close(self) -> None:
        """End everything."""
        for line in self.orders:
            line.close()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._listener.close()
        self._folder.cleanup()

    def _drivers(self, folder: Path) -> list[str]:
        paths = []
        for number in range(len(self.plans)):
            path = folder / f"driver{number}"
            path.write_text(f"#!/bin/sh\nexec {sys.executable} {HERE / 'load_driver.py'}\n")
            path.chmod(0o755)
            paths.append(str(path))
        return paths

    def _start(self, port: int, local: str, drivers: list[str]) -> None:
        words = {
            OURS: [sys.executable, "-m", "indigevent", *_PATIENT, "-p", str(port), "-u", local, *drivers],
            REFERENCE: ["indiserver", *_PATIENT, "-p", str(port), "-u", local, *drivers],
            RELAY: [str(relay_path()), str(port), *drivers],
            INDIPYSERVER: [sys.executable, str(HERE / "indipyserver_program.py"), str(port), *drivers],
        }[self.kind]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if self.profile and self.kind == OURS:
            words[1:3] = [str(HERE / "profiled_server.py")]
            environment["BENCH_PROFILE"] = self.profile
        quiet = subprocess.DEVNULL
        self.processes.append(subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, env=environment))

    def _get_ready(self) -> None:
        for plan in self.plans:
            line, _ = self._listener.accept()
            line.sendall(json.dumps({**plan, "pings": self.kind not in (RELAY, INDIPYSERVER)}).encode() + b"\n")
            self.orders.append(line)
        for line in self.orders:
            line.settimeout(_START_DEADLINE_S)
            line.recv(100)
        _wait_until_listening(self.port if not self.is_chained else 0)

    def _cpu_s(self) -> float:
        return sum(_cpu_s(each.pid) for each in self.processes)


def free_port() -> int:
    """A TCP port that nobody has, and that the kernel gives to no outgoing connection."""
    for port in random.sample(range(10_000, 32_000), 1000):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise OSError("no TCP port from 10000 to 32000 is free")


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + _START_DEADLINE_S
    while port:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise


def _cpu_s(pid: int) -> float:
    """CPU time of all threads, from the scheduler's own count in nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def _memory(pid: int, key: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition(f"{key}:")[2].split()[0]) * 1024
