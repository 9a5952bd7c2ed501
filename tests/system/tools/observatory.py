"""A server with the notebook's devices (and simulators, where they are installed), and commands run against it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.device_client import command
from tests.lab.lab import Lab
from tests.lab.server import Server, clean_environment
from tests.lab.vocabulary import EVERYTHING
from tests.lab.ways import ROOT

from . import notebook

SIMULATORS = tuple(f"indi_simulator_{kind}" for kind in ("telescope", "ccd", "focus", "wheel"))
MODULES = {name: f"indigevent.cli.{module}" for name, module in
           (("getprop", "getprop"), ("setprop", "setprop"), ("eval", "evaluate"))}  # fmt: skip
DEADLINE_S = 30


@dataclass(frozen=True)
class Done:
    """How a command ended, and the files that it left in its folder."""

    status: int
    output: bytes
    errors: str
    folder: Path

    @property
    def files(self) -> dict[str, bytes]:
        """Names and contents of what it wrote."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


class Observatory:
    """One running server; every command gets a folder of its own to write into."""

    def __init__(self, lab: Lab, with_simulators: bool = False, options: Sequence[object] = ()) -> None:
        self.lab = lab
        self.notes = lab.folder / "notes"
        self.notes.touch()
        driver = lab.folder / "notebook"
        driver.write_text(f"#!/bin/sh\nexec {sys.executable} -m {notebook.__name__} {self.notes}\n")
        driver.chmod(0o755)
        home = lab.folder / "home"
        home.mkdir()
        drivers = (str(driver), *(SIMULATORS if with_simulators else ()))
        self.server: Server = lab.launch(*options, *drivers, HOME=str(home), PYTHONPATH=str(ROOT))
        self.server.wait_until_listening()
        self._folders = 0
        self._wait_for_devices(len(notebook.DEVICES) + len(drivers) - 1)

    def _wait_for_devices(self, count: int) -> None:
        """Wait until all are there, and the notebook has answered everything that it was asked until now."""
        client = self.lab.client(self.server, "watcher", EVERYTHING)

        def introduced() -> bool:
            return len({each.attributes["device"] for each in client.inbox if each.tag.startswith("def")}) >= count

        self.lab.pump.wait(introduced, f"{count} devices appear")
        client.send(command("Number", "Sink", "N", {"a": 1}))
        client.expect("setNumberVector", device="Sink")
        self.notes.write_text("")
        client.close()

    def where(self) -> list[str]:
        """The flags that lead to the server."""
        return ["-h", "127.0.0.1", "-p", str(self.server.port)]

    def folder(self) -> Path:
        """A new empty folder."""
        self._folders += 1
        path = self.lab.folder / f"command{self._folders}"
        path.mkdir()
        return path

    def start(self, tool: str, *words: str, where: list[str] | None = None, **options: object) -> subprocess.Popen:
        """Start one of our tools, as `python -m` does; options are Popen's."""
        command = [*program(tool), *(self.where() if where is None else where), *words]
        kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.folder(), **options}
        environment = clean_environment(PYTHONPATH=str(ROOT), **kept.pop("environment", {}))  # type: ignore[dict-item]
        return subprocess.Popen(command, env=environment, **kept)  # type: ignore[call-overload]

    def run(self, tool: str, *words: str, where: list[str] | None = None, **options: object) -> Done:
        """Run one of our tools to its end."""
        folder = self.folder()
        process = self.start(tool, *words, where=where, cwd=folder, **options)
        output, errors = process.communicate(timeout=DEADLINE_S)
        return Done(process.returncode, output, errors.decode(), folder)

    def run_reference(self, command: str, *words: str) -> Done:
        """Run one of the reference's tools to its end."""
        folder = self.folder()
        done = subprocess.run(
            [command, *self.where(), *words], capture_output=True, cwd=folder, timeout=DEADLINE_S, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr.decode(), folder)


def program(tool: str) -> list[str]:
    """The words that run one of our tools."""
    return [sys.executable, "-m", MODULES[tool]]


def have_reference() -> bool:
    """Whether the reference's tools and simulators are installed."""
    return all(map(shutil.which, ("indi_getprop", "indi_setprop", "indi_eval", *SIMULATORS)))


def interrupt(process: subprocess.Popen) -> None:
    """Press Ctrl-C."""
    os.kill(process.pid, signal.SIGINT)


def at(port: int) -> list[str]:
    """The flags that lead to a server on this machine."""
    return ["-h", "127.0.0.1", "-p", str(port)]


def collect(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """Wait for a process; its status and outputs."""
    output, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, output, errors.decode()
