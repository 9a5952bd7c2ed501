"""The observatory of a soak: our server with eight real drivers, a ticker and a flapping remote, and its troubles."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.lab.server import clean_environment, free_port

HERE = Path(__file__).resolve().parent
SIMULATORS = ("telescope", "ccd", "focus", "wheel", "dome", "guide", "weather", "gps")
DEVICES = (
    "Telescope Simulator",
    "CCD Simulator",
    "Focuser Simulator",
    "Filter Simulator",
    "Dome Simulator",
    "Guide Simulator",
    "Weather Simulator",
    "GPS Simulator",
)
_START_S = 20.0
# It neither reads nor speaks; what echoes its input, as cat does, asks every driver for everything for ever.
_EXTRA = "[driver extra]\ncommand = sleep\narguments = 1000000\n"


@dataclass(frozen=True)
class Figures:
    """What the server uses."""

    descriptors: int
    greenlets: int
    processes: int
    threads: int
    memory_bytes: int

    def __str__(self) -> str:
        return (
            f"descriptors {self.descriptors}, greenlets {self.greenlets}, driver processes {self.processes}, "
            f"threads {self.threads}, memory {self.memory_bytes / (1 << 20):.1f} MB"
        )


class Site:
    """Both servers and all their drivers, in process groups of their own; `close` ends them.

    Arguments:
        folder: for configuration, home and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.far_port = free_port(), free_port()
        self.local = f"/tmp/soak-{os.getpid()}"
        self._config = folder / "site.conf"
        self._control = folder / "control"
        (folder / "home").mkdir()
        self._far: subprocess.Popen[bytes] | None = None
        self.write_config(with_extra=False)
        self.start_far()
        control = ["--control", str(self._control)]
        self.server = self._start("server.log", ["--config", str(self._config), *control], self.port, self.local)
        _wait_until(lambda: self._answers(self.port), "the server listens")

    def connect(self, local: bool) -> socket.socket:
        """A client's connection."""
        if not local:
            return socket.create_connection(("127.0.0.1", self.port), 20)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect("\0" + self.local)
        return sock

    def write_config(self, with_extra: bool) -> None:
        """What the server is to run: with another driver or without it."""
        drivers = [f"[driver indi_simulator_{kind}]\n" for kind in SIMULATORS]
        drivers.append(f"[driver ticker]\ncommand = {self._program('ticker')}\n")
        remote = f"[remote far]\nhost = 127.0.0.1\nport = {self.far_port}\n"
        extra = _EXTRA if with_extra else ""
        text = f"restarts = 1000000\nrestart-delay = 0.2\nstable-time = 1\n{''.join(drivers)}{remote}{extra}"
        self._config.write_text(text)

    def start_far(self) -> None:
        """The remote server, with an echo driver."""
        if self._far is None:
            local = f"{self.local}-far"
            self._far = self._start("far.log", [str(self._program("echo"))], self.far_port, local)

    def kill_far(self) -> None:
        """As a power failure does."""
        if self._far is not None:
            self._far.kill()
            self._far.wait()
            self._far = None

    def reload(self) -> None:
        """As `systemctl reload` does."""
        self.server.send_signal(signal.SIGHUP)

    def drivers(self) -> list[psutil.Process]:
        """The real drivers that run now."""
        found = []
        for child in psutil.Process(self.server.pid).children():
            with contextlib.suppress(psutil.Error):
                if child.name().startswith("indi_simulator"):
                    found.append(child)
        return found

    def figures(self) -> Figures:
        """What the server uses now."""
        process = psutil.Process(self.server.pid)
        status = self._status()["server"]
        return Figures(
            process.num_fds(),
            int(status["greenlets"]),
            len(process.children(recursive=True)),
            process.num_threads(),
            process.memory_info().rss,
        )

    def is_complete(self) -> bool:
        """Whether every driver and the remote run and have shown their devices."""
        drivers = self._status()["drivers"]
        known = {device for driver in drivers for device in driver["devices"]}
        return len(drivers) == len(SIMULATORS) + 2 and set(DEVICES) | {"Ticker", "Echo"} <= known

    def settle(self) -> None:
        """Wait until everything runs again as at the beginning."""
        self.write_config(with_extra=False)
        self.reload()
        self.start_far()
        _wait_until(self.is_complete, "every driver runs again", deadline_s=60)

    def close(self) -> None:
        """End everything."""
        below = []
        for process in filter(None, [self.server, self._far]):
            with contextlib.suppress(psutil.Error):
                below += psutil.Process(process.pid).children(recursive=True)
            process.terminate()
        for process in filter(None, [self.server, self._far]):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        for child in below:
            with contextlib.suppress(psutil.Error):
                child.kill()

    def _start(self, log: str, words: list[str], port: int, local: str) -> subprocess.Popen[bytes]:
        environment = clean_environment(HOME=str(self.folder / "home"))
        with (self.folder / log).open("ab") as output:
            command = [sys.executable, "-m", "indigevent", "-p", str(port), "-u", local, *words]
            quiet = subprocess.DEVNULL
            return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=output, env=environment)

    def _program(self, name: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nexec {sys.executable} -SE {HERE / f'{name}_driver.py'}\n")
        path.chmod(0o755)
        return path

    def _answers(self, port: int) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False

    def _status(self) -> dict[str, Any]:
        words = [sys.executable, "-m", "indigevent.cli.ctl", "--control", str(self._control), "status", "--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


@dataclass
class Troubles:
    """What happens to a site, one thing after another, chosen by dice; `step` does what is due."""

    site: Site
    dice: random.Random
    done: dict[str, int] = field(default_factory=dict)
    _next: float = 0.0
    _undo: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _has_extra: bool = False

    def step(self) -> None:
        """Undo what has lasted long enough, and do the next thing when it is time."""
        now = time.monotonic()
        for entry in [one for one in self._undo if one[0] <= now]:
            self._undo.remove(entry)
            entry[1]()
        if now >= self._next:
            self._next = now + self.dice.uniform(0.5, 2.0)
            trouble = self.dice.choice((self._kill, self._stop, self._flap, self._reload, self._stop_client))
            trouble(now)
            name = trouble.__name__.strip("_").replace("_", " ")
            self.done[name] = self.done.get(name, 0) + 1

    def end(self) -> None:
        """Undo everything that is left."""
        for _, undo in self._undo:
            undo()
        self._undo.clear()

    def _kill(self, _: float) -> None:
        drivers = self.site.drivers()
        if drivers:
            with contextlib.suppress(psutil.Error):
                self.dice.choice(drivers).kill()

    def _stop(self, now: float) -> None:
        drivers = self.site.drivers()
        if drivers:
            driver = self.dice.choice(drivers)
            with contextlib.suppress(psutil.Error):
                driver.suspend()
            self._undo.append((now + self.dice.uniform(0.5, 3.0), lambda: _resume(driver)))

    def _flap(self, now: float) -> None:
        self.site.kill_far()
        self._undo.append((now + self.dice.uniform(0.2, 3.0), self.site.start_far))

    def _reload(self, _: float) -> None:
        self._has_extra = not self._has_extra
        self.site.write_config(self._has_extra)
        self.site.reload()

    def _stop_client(self, now: float) -> None:
        """A client that wants everything, BLOBs too, and is stopped for a while before it is killed."""
        program = (
            "import os, socket, sys\n"
            "client = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "client.sendall(b\"<getProperties version='1.7'/><enableBLOB>Also</enableBLOB>\")\n"
            "os.kill(os.getpid(), 19)\n"
        )
        client = subprocess.Popen([sys.executable, "-c", program, str(self.site.port)])

        def end() -> None:
            client.kill()
            client.wait()

        self._undo.append((now + self.dice.uniform(1.0, 5.0), end))


def _resume(driver: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        driver.resume()


def _wait_until(condition: Callable[[], bool], what: str, deadline_s: float = _START_S) -> None:
    until = time.monotonic() + deadline_s
    while True:
        with contextlib.suppress(subprocess.SubprocessError, ValueError):
            if condition():
                return
        if time.monotonic() > until:
            raise RuntimeError(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(0.2)
