"""`indigevent-ctl status --watch` at a terminal and into a pipe: what an operator sees, and what is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S, Pump
from tests.lab.server import clean_environment
from tests.lab.vocabulary import define

from .operating import CTL, Operator
from .robustness import ends_well

ENTER, LEAVE, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H"


@pytest.fixture
def operator(lab: Lab) -> Operator:
    return Operator(lab)


class Terminal:
    """A terminal window in which indigevent-ctl runs."""

    def __init__(self, pump: Pump, words: list[str], columns: int = 120, rows: int = 20) -> None:
        self.pump = pump
        self.output = ""
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        environment = clean_environment(TERM="xterm-256color", PYTHONUTF8="1")
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        # A job of its own, as from a shell: only such a one can be suspended.
        job = [sys.executable, "-c", "import os, sys; os.setpgrp(); os.execv(sys.argv[1], sys.argv[1:])", *words]
        self.process = subprocess.Popen(job, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        pump.watch(self._master, self._readable)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def frames(self) -> list[list[str]]:
        """What was drawn each time, in lines, without colours."""
        plain = re.sub(r"\x1b\[[\d;]*[mKJ]|\r", "", self.output)
        return [frame.split("\n") for frame in plain.split(HOME)[1:]]

    def wait_for(self, text: str) -> None:
        """Wait until a text is in the latest drawing."""
        self.pump.wait(
            lambda: self.frames() and any(text in line for line in self.frames()[-1]),
            lambda: f"the terminal shows {text!r}: {self.frames()[-1:]}",
        )

    def close(self) -> None:
        """Close the window."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with self.pump.changed:
            self.pump.forget(self._master)
            os.close(self._master)

    def _readable(self) -> None:
        try:
            self.output += os.read(self._master, 1 << 16).decode()
        except OSError:  # nobody has the other end open any more
            self.pump.forget(self._master)


@contextlib.contextmanager
def watching(operator: Operator, interval_s: float = 0.1) -> Iterator[Terminal]:
    words = [*CTL, "--control", str(operator.path), "status", "--watch", str(interval_s)]
    terminal = Terminal(operator.lab.pump, words)
    try:
        yield terminal
    finally:
        terminal.close()


def test_watching_draws_in_place_and_leaves_the_terminal_as_it_was(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    operator.server(alpha)
    with watching(operator) as terminal:
        terminal.wait_for("RUNNING")
        alpha.send(define("Dome"))
        terminal.wait_for("Dome")
        assert terminal.output.startswith(ENTER)
        assert "\x1b[2J" not in terminal.output  # clearing would flicker
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(DEADLINE_S) == 0
        terminal.pump.wait(lambda: terminal.output.endswith("\x1b[?25h" + LEAVE), "the terminal is given back")
    assert all(len(frame) <= 20 and max(map(len, frame)) <= 120 for frame in terminal.frames()[:-1])


def test_watching_follows_the_size_of_the_window(operator: Operator) -> None:
    operator.server(operator.lab.driver("alpha"))
    with watching(operator, interval_s=1000) as terminal:
        terminal.wait_for("RUNNING")
        terminal.resize(30, 4)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.wait_for("more lines; a higher")
        assert [len(terminal.frames()[-1]), max(map(len, terminal.frames()[-1]))] == [4, 30]


def test_watching_outlives_the_server_and_finds_the_next_one(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    server = operator.server(alpha)
    with watching(operator) as terminal:
        terminal.wait_for("RUNNING")
        ends_well(server)
        terminal.wait_for("no server answers on")
        operator.server(operator.lab.driver("beta"))
        terminal.wait_for("beta")
        terminal.process.terminate()
        assert terminal.process.wait(DEADLINE_S) == 128 + signal.SIGTERM
        terminal.pump.wait(lambda: terminal.output.endswith(LEAVE), "the terminal is given back")


def test_ctrl_z_gives_the_terminal_back_until_the_watching_goes_on(operator: Operator) -> None:
    operator.server(operator.lab.driver("alpha"))
    with watching(operator) as terminal:
        terminal.wait_for("RUNNING")
        terminal.process.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        terminal.pump.wait(lambda: terminal.output.endswith(LEAVE), "the terminal is given back")
        terminal.process.send_signal(signal.SIGCONT)
        terminal.pump.wait(
            lambda: HOME in terminal.output.rpartition(ENTER)[2] and terminal.output.count(ENTER) == 2,
            "the status is drawn again",
        )
        terminal.process.send_signal(signal.SIGQUIT)  # as Ctrl and backslash do
        assert terminal.process.wait(DEADLINE_S) == 128 + signal.SIGQUIT
        terminal.pump.wait(lambda: terminal.output.endswith(LEAVE), "the terminal is given back")


def test_watching_into_a_pipe_appends_until_nobody_reads(operator: Operator) -> None:
    operator.server(operator.lab.driver("alpha"))
    words = [*CTL, "--control", str(operator.path), "status", "--watch", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None and watch.stderr is not None
        shown = ""
        while shown.count("\nlistens on") < 3:
            shown += watch.stdout.readline()
        watch.stdout.close()
        assert watch.wait(DEADLINE_S) == 0
        assert watch.stderr.read() == ""
    assert "\x1b" not in shown
