"""The benchmark runs: what it prints is for people, that it runs at all is checked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and b"python3" in path.read_bytes()[:30]]


def test_a_scenario_runs_on_our_server(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["scripts/bench", "--runs", "1", "--only", "burst-1", "--servers", "indigevent", "--json", str(figures)]
    ran = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert "10,000 small messages to 1 client" in ran.stdout
    assert "burst-1" in figures.read_text()
    json.loads(figures.read_text())


@pytest.mark.parametrize("script", [path.name for path in SCRIPTS])
def test_a_script_says_what_its_python_has_not(script: str) -> None:
    words = [sys.executable, "-I", "-S", str(ROOT / "scripts" / script)]  # without the installed packages
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert "psutil" in ran.stderr and ran.stderr.endswith("; run ./scripts/venv test, then . .venv/bin/activate\n")
    assert ran.stderr.count("\n") == 1


def test_a_profile_says_where_the_time_went(tmp_path: Path) -> None:
    words = ["scripts/bench", "--only", "commands-1", "--profile", str(tmp_path)]
    ran = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert "%" in (tmp_path / "commands-1.txt").read_text()


def test_clients_are_measured_with_what_is_there() -> None:
    words = ["scripts/bench-client", "--runs", "1", "--blobs", "2", "--updates", "500", "--pyindi", sys.executable]
    ran = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == f"PyIndi is left out: {sys.executable} cannot import it\n"
    assert "2 BLOBs of 16 MB" in ran.stdout
    assert "updates/s" in ran.stdout
