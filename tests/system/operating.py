"""Somebody who operates a server by `indigevent-ctl`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server, clean_environment

CTL = [sys.executable, "-m", "indigevent.cli.ctl"]


class Operator:
    """Somebody who operates a server that is started here, by its control socket."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.path = lab.folder / "control"

    def server(self, *arguments: object) -> Server:
        """Start a server with the control socket."""
        server = self.lab.server("--control", self.path, *arguments)
        self.lab.pump.poll(self.path.exists, "the control socket is there")
        return server

    def ctl(self, *words: object, status: int = 0) -> str:
        """Call indigevent-ctl, which has to end with `status`; return what it printed, to stderr when it failed."""
        done = subprocess.run(
            [*CTL, "--control", str(self.path), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=clean_environment(),
        )
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr if status else done.stdout

    def status(self) -> dict[str, Any]:
        """The whole status."""
        return dict(json.loads(self.ctl("status", "--json")))

    def state(self, driver: ScriptedDriver) -> str:
        """The state of a driver."""
        return next(row["state"] for row in self.status()["drivers"] if row["name"] == str(driver.path))

    def wait_for_state(self, driver: ScriptedDriver, state: str) -> None:
        """Wait until a driver has come to a state."""
        self.lab.pump.poll(lambda: self.state(driver) == state, f"driver {driver.name} is {state}")

    def connect(self) -> socket.socket:
        """A bare connection to the control socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(DEADLINE_S)
        sock.connect(str(self.path))
        return sock
