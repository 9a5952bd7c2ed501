"""The guardian process: when the server's end of its pipe closes, the process groups that it knows of end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from indigevent.server.drivers.guardian import Guardian

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pidfd is Linux's")

GONE_S = 5.0
# More than a pipe takes, about a group that cannot be.
FULL_PIPE_LINES = 10_000
NOBODY = 1 << 22
# Each says when it is ready, and has a child in its process group that would stay behind.
LISTENS = "exec 3<&0; cat <&3 & echo ready; wait"
DEAF = "trap '' TERM HUP INT; " + LISTENS


class Victim:
    """A shell that leads a process group; its stdin stays open, so it has no reason to end."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._stdout.readline()
        self._fd = os.pidfd_open(self.process.pid)

    @property
    def group(self) -> int:
        return self.process.pid

    def is_gone(self, within_s: float = GONE_S) -> bool:
        return bool(select.select([self._fd], [], [], within_s)[0])

    def group_is_gone(self) -> bool:
        """Whether all that held its stdout have ended: the reader sees the end."""
        readable, _, _ = select.select([self._stdout], [], [], GONE_S)
        return bool(readable) and self._stdout.read() == b""

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)
        self.process.wait()
        self._stdin.close()
        self._stdout.close()
        os.close(self._fd)


@pytest.fixture
def victims() -> Iterator[list[Victim]]:
    found: list[Victim] = []
    yield found
    for victim in found:
        victim.close()


def test_it_ends_the_groups_that_it_knows_whatever_they_do(victims: list[Victim]) -> None:
    scripts = [LISTENS, DEAF, LISTENS, DEAF, LISTENS]
    victims += [Victim(script) for script in scripts]
    listens, deaf, stopped, forgotten, unknown = victims
    os.kill(stopped.group, signal.SIGSTOP)
    guardian = Guardian()
    for victim in (listens, forgotten, deaf, stopped):
        guardian.watch(victim.group)
    guardian.forget(forgotten.group)
    guardian.close()
    for victim in (listens, stopped, deaf):
        assert victim.is_gone()
        assert victim.group_is_gone()
    assert not forgotten.is_gone(0)
    assert not unknown.is_gone(0)


def test_a_group_whose_number_contains_a_forgotten_one_is_not_forgotten(victims: list[Victim]) -> None:
    victims.append(Victim(LISTENS))
    (victim,) = victims
    guardian = Guardian()
    guardian.watch(victim.group)
    for shorter in (str(victim.group)[:-1], str(victim.group)[1:], f"{victim.group}0"):
        guardian.forget(int(shorter))
    guardian.close()
    assert victim.is_gone()


def test_it_outlives_the_process_group_that_it_was_started_in(victims: list[Victim]) -> None:
    victims.append(Victim(LISTENS))
    (victim,) = victims
    program = (
        "import sys; from indigevent.server.drivers.guardian import Guardian; guardian = Guardian();"
        f"guardian.watch({victim.group}); print('ready', flush=True); sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    assert server.stdin is not None
    server.stdout.readline()
    assert not victim.is_gone(0)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    server.stdin.close()
    server.stdout.close()
    assert victim.is_gone()


def test_one_that_is_stopped_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    before = ours()
    guardian = Guardian()
    (shell,) = ours() - before
    shell.suspend()
    try:
        for _ in range(FULL_PIPE_LINES):
            guardian.watch(NOBODY)
            guardian.forget(NOBODY)
    finally:
        shell.kill()
        guardian.close()
    (told,) = caplog.messages
    assert told.startswith("The guardian process is gone or stopped")


def ours() -> set[psutil.Process]:
    """The processes whose stdin is the other end of a pipe of ours."""
    pipes = {link for fd in os.listdir("/proc/self/fd") if (link := target(f"/proc/self/fd/{fd}")).startswith("pipe:")}
    shells = (one for one in psutil.process_iter(["name"]) if one.info["name"] == "sh")
    return {one for one in shells if target(f"/proc/{one.pid}/fd/0") in pipes}


def target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
