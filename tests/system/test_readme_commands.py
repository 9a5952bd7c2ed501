"""The README's commands, run as they stand there, a section at a time, in a folder of their own.

A block marked `serve` starts a server that stays until its section ends; one marked `run` must end with its status
and print the `text` block that follows it directly, if one does. Ports and local sockets are free ones: those that a
block names are replaced, and the default ones come from the environment and, for INDI's tools, from scripts on PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import psutil
import pytest

from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import clean_environment, free_port
from tests.system.conftest import NO_REFERENCE
from tests.unit.test_readme import README, blocks

ORIGINALS = ("indi_getprop", "indi_setprop", "indi_eval")
TOOLS = (*ORIGINALS, *(f"indigevent-{name}" for name in ("getprop", "setprop", "eval", "record")))
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
LISTEN = psutil.CONN_LISTEN
SECTIONS = {
    title: list(group)
    for title, group in groupby(blocks(README.read_text(encoding="utf-8")), key=lambda block: block.section)
}
RUNNABLE = [title for title, found in SECTIONS.items() if any(b.marker.startswith(("run", "serve")) for b in found)]


class Session:
    """One section's folder, environment and servers."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.port = free_port()
        self.second_port = free_port()
        self.metrics_port = free_port()
        self.second_socket = lab.local_name()
        self.servers: list[subprocess.Popen[str]] = []
        tools = lab.folder / "tools"
        tools.mkdir()
        for tool in TOOLS:
            path = tools / tool
            path.write_text(f'#!/bin/sh\nexec {shutil.which(tool, path=PATH)} -p {self.port} "$@"\n')
            path.chmod(0o755)
        self.environment = clean_environment(
            HOME=str(lab.folder),
            PATH=f"{tools}:{PATH}",
            INDIGEVENT_PORT=str(self.port),
            INDIGEVENT_LOCAL_SOCKET=lab.local_name(),
        )

    def start(self, text: str) -> subprocess.Popen[str]:
        """Start a block's commands with names that are free here."""
        text = text.replace("7625", str(self.second_port)).replace("9624", str(self.metrics_port))
        text = re.sub(r"(?<=-u )\S+", self.second_socket, text)
        return subprocess.Popen(
            ["sh", "-euc", text],
            cwd=self.lab.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def write(self, name: str, text: str) -> None:
        """Write a block's file, with the session's port where a program has the default one."""
        text = text.replace('Client("localhost"', f'Client("localhost", {self.port}')
        text = text.replace('setServer("localhost", 7624)', f'setServer("localhost", {self.port})')
        (self.lab.folder / name).write_text(text, encoding="utf-8")

    def serve(self, text: str) -> None:
        """Start a block's server; return when it listens and has its FIFO."""
        server = self.start(text)
        self.servers.append(server)
        port = self.second_port if "-p 7625" in text else self.port
        fifo = re.search(r"--fifo (\S+)", text)
        self.lab.pump.poll(lambda: self._listens(server, port), f"a server listens: {text}", 2 * DEADLINE_S)
        if fifo:
            self.lab.pump.poll((self.lab.folder / fifo[1]).is_fifo, f"{fifo[1]} is a FIFO")

    def run(self, text: str, status: int) -> str:
        """Run a block to its end; return what it printed."""
        process = self.start(text)
        try:
            output, _ = process.communicate(timeout=4 * DEADLINE_S)
        finally:
            self._end(process, signal.SIGKILL)
        assert process.returncode == status, f"{text}\n{output}"
        return output

    def close(self) -> None:
        """End the servers, which end their drivers."""
        for server in reversed(self.servers):
            self._end(server, signal.SIGTERM)
            server.communicate(timeout=DEADLINE_S)

    def _end(self, process: subprocess.Popen[str], number: int) -> None:
        if process.poll() is None:
            os.killpg(process.pid, number)

    def _listens(self, server: subprocess.Popen[str], port: int) -> bool:
        assert server.poll() is None, f"the server ended with status {server.returncode}: {server.communicate()[0]}"
        return any(c.laddr.port == port and c.status == LISTEN for c in psutil.net_connections("tcp4"))


@pytest.fixture
def session(lab: Lab) -> Iterator[Session]:
    if shutil.which("indi_getprop") is None:
        pytest.skip(NO_REFERENCE)
    opened = Session(lab)
    yield opened
    opened.close()


@pytest.mark.parametrize("title", RUNNABLE)
def test_commands_of(title: str, session: Session) -> None:
    output: str | None = None
    for block in SECTIONS[title]:
        printed, output = output, None
        if block.language == "text" and printed is not None:
            assert printed == block.text
        elif block.marker.startswith("file: "):
            session.write(block.marker.removeprefix("file: "), block.text)
        elif block.marker == "serve":
            session.serve(block.text)
        elif block.marker.startswith("run"):
            output = session.run(block.text, int(block.marker.removeprefix("run").removeprefix(": status ") or 0))


def test_sections_that_show_commands_are_run() -> None:
    assert {"First steps", "Configuration", "FIFO", "Chaining", "Logs"} <= set(RUNNABLE)
