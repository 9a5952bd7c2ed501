"""Signals while the server starts and ends, and while commands load: no traceback, and nothing is left behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.lab.pump import DEADLINE_S
from tests.lab.server import clean_environment, free_port
from tests.lab.ways import ROOT

COMMANDS = re.findall(r'"indigevent[a-z-]* = indigevent\.cli\.start:(\w+)"', (ROOT / "setup.py").read_text())
# Runs a command, and has a signal come at the n-th event of a kind.
PROGRAM = """
import os, runpy, sys
from indigevent.cli import start

_, command, wanted, left, number, *words = sys.argv
left = int(left)
sys.argv = [command, *words]

def audit(event, _):
    global left
    left -= event == wanted
    if event == wanted and not left:
        os.kill(os.getpid(), int(number))

sys.addaudithook(audit)
if command == "compat":
    runpy.run_module("indigevent.compat", run_name="__main__", alter_sys=True)
sys.exit(getattr(start, command)())
"""


def begin(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
    )


def server_words(folder: Path) -> list[object]:
    driver = folder / "driver"
    driver.write_text(f"#!/bin/sh\necho $$ >{folder}/pid\nexec cat >/dev/null\n")
    driver.chmod(0o755)
    port = free_port()
    return ["-p", port, "-u", f"/tmp/lab-signals-{port}", "--control", folder / "control", driver]


def assert_nothing_left(folder: Path) -> None:
    assert not (folder / "control").exists()
    pid = folder / "pid"
    assert not pid.exists() or not psutil.pid_exists(int(pid.read_text()))


@pytest.mark.parametrize("command", [*COMMANDS, "compat"])
def test_ctrl_c_while_a_command_loads_ends_it_in_silence(command: str) -> None:
    process = begin(command, "import", 10, signal.SIGINT.value, __file__)
    _, log = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, log) == (-signal.SIGINT, "")


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("socket.bind 1", signal.SIGINT),  # its port
        ("subprocess.Popen 1", signal.SIGINT),  # the guardian
    ],
)
def test_a_signal_before_there_is_anything_to_clear_up_ends_it(
    tmp_path: Path, event: str, number: signal.Signals
) -> None:
    process = begin("server", *event.split(), number.value, "--host", "127.0.0.1", *server_words(tmp_path))
    _, log = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, log) == (-number, "")
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("socket.bind 3", signal.SIGINT),  # the control socket
        ("socket.bind 3", signal.SIGHUP),
        ("subprocess.Popen 2", signal.SIGTERM),  # the driver
    ],
)
def test_a_signal_while_it_starts_ends_it_in_order(tmp_path: Path, event: str, number: signal.Signals) -> None:
    process = begin("server", *event.split(), number.value, "--host", "127.0.0.1", *server_words(tmp_path))
    _, log = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, log
    assert f"{number.name} received" in log and log.endswith("good bye\n") and "Traceback" not in log
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_after_its_last_word_change_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = begin("server", "subprocess.Popen", 2, signal.SIGTERM.value, *server_words(tmp_path))
    assert process.stderr is not None
    log = ""
    while not log.endswith("good bye\n"):
        log += process.stderr.readline()
    while process.poll() is None:
        process.send_signal(number)
    assert (process.returncode, process.stderr.read()) == (0, "")
    assert_nothing_left(tmp_path)
