"""Ctrl-C is never lost and leaves nothing locked, wherever between two steps of Python it hits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.server import Server, clean_environment
from tests.lab.ways import ROOT

# The fewest instants that each of them has: fewer would mean that nothing was interrupted.
SCENARIOS = {"waiting": 20, "nested": 20, "event": 15, "life": 150, "tool": 30}
WITHOUT_SERVER = {"driver": 50, "embedded": 15, "watch": 50}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_stays_locked(cameras: Server, scenario: str) -> None:
    interrupt(scenario, cameras.port, SCENARIOS[scenario])


@pytest.mark.parametrize("scenario", WITHOUT_SERVER)
def test_nothing_stays_locked_where_no_server_is_needed(scenario: str) -> None:
    interrupt(scenario, 0, WITHOUT_SERVER[scenario])


def interrupt(scenario: str, port: int, least: int) -> None:
    words = [sys.executable, "-m", "tests.system.client.ctrl_c_program", scenario, str(port)]
    done = subprocess.run(
        words, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=100, check=False
    )
    *wrong, count = done.stdout.splitlines()
    assert not wrong and int(count.split()[0]) >= least, done.stdout + done.stderr
