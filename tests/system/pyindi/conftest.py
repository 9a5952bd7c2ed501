"""Fixtures: simulated telescope and camera, switched on, served by either server; and scripts that run there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.device_client import DeviceClient
from tests.lab.fits import read_header, size_from_header
from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, REFERENCE, Server, clean_environment
from tests.lab.vocabulary import EVERYTHING
from tests.system.conftest import NO_REFERENCE

FOLDER = Path(__file__).parent
SCRIPTS = FOLDER / "scripts"
RUNNER = ("-m", "indigevent.compat")


class Observatory:
    """A server with a simulated telescope and a simulated camera."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.lab = Lab(kind, folder)
        simulators = ("indi_simulator_telescope", "indi_simulator_ccd")
        self.server: Server = self.lab.launch(*simulators, HOME=str(folder))

    def open(self) -> None:
        """Wait for the server, and switch on what it serves."""
        self.server.wait_until_listening()
        self.camera = self.visit("CCD Simulator")
        self.telescope = self.visit("Telescope Simulator")
        self.camera.definition("CCD_EXPOSURE")
        self.telescope.definition("EQUATORIAL_EOD_COORD")
        self.telescope.switch("TELESCOPE_PARK", UNPARK=True)
        self.telescope.told("TELESCOPE_PARK")

    def visit(self, device: str) -> DeviceClient:
        """Connect a client that has switched a device on."""
        visitor = DeviceClient(self.lab.client(self.server, f"user of {device}", EVERYTHING), device)
        visitor.definition("CONNECTION")
        visitor.connect()
        return visitor

    def start(self, *words: object, interpreter: str = sys.executable, folder: Path | None = None) -> Started:
        """Start Python in an empty folder, where connections to INDI's port lead to this server."""
        where = folder or self.lab.folder
        variables = clean_environment(PYTHONPATH=str(FOLDER / "redirect"), LAB_INDI_PORT=str(self.server.port))
        return Started([interpreter, "-u", *map(str, words)], where, variables)


class Started:
    """A running script."""

    def __init__(self, words: list[str], folder: Path, variables: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.folder = folder
        self.process = subprocess.Popen(words, cwd=folder, env=variables, stdout=pipe, stderr=pipe, text=True)

    def finish(self, status: int = 0) -> tuple[str, str]:
        """Wait for its end with this exit status; return what it printed to stdout and stderr."""
        try:
            output, errors = self.process.communicate(timeout=60)
        finally:
            self.process.kill()
        assert self.process.returncode == status, errors
        return output, errors


Observatories = tuple[Observatory, Observatory]


def at_both(observatories: Observatories, *words: object) -> list[Started]:
    """Start Python at both servers."""
    return [each.start(*words) for each in observatories]


def stop_once(running: Started, logged: str) -> None:
    """Press Ctrl-C when a script has logged something; it must end well, and have printed nothing."""
    assert running.process.stderr is not None
    assert any(logged in line for line in running.process.stderr)
    running.process.send_signal(signal.SIGINT)
    output, errors = running.finish()
    assert output == ""
    assert "Traceback" not in errors


def check_image(finished: Started, pattern: str) -> str:
    """Wait for the script's end; it must have saved one FITS image. Return what it printed."""
    output, errors = finished.finish()
    (path,) = finished.folder.glob(pattern)
    header = read_header(path.read_bytes())
    assert path.stat().st_size >= size_from_header(header) > 0
    assert "Traceback" not in errors
    path.unlink()
    return output


@pytest.fixture(scope="module")
def observatories(tmp_path_factory: pytest.TempPathFactory, reference_installed: bool) -> Iterator[Observatories]:
    """Give both servers; scripts that take their time run at both at once."""
    if not reference_installed:
        pytest.skip(NO_REFERENCE)
    ours, theirs = (Observatory(kind, tmp_path_factory.mktemp(kind)) for kind in (CANDIDATE, REFERENCE))
    try:
        ours.open()
        theirs.open()
        yield ours, theirs
    finally:
        ours.lab.close()
        theirs.lab.close()
