"""The server as a service of systemd, whose part a datagram socket of the test plays."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab.lab import Lab

DEADLINE_S = 20.0
PING_S = 0.1
SERVICE = Path(__file__).resolve().parents[2] / "conf" / "indigevent.service"


class Systemd:
    """A socket that takes notifications."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + name[1:] if name.startswith("@") else name)

    def next(self, deadline_s: float = DEADLINE_S) -> dict[str, str]:
        """Wait for a notification; TimeoutError when none comes."""
        self.sock.settimeout(deadline_s)
        return dict(line.split("=", 1) for line in self.sock.recv(4096).decode().split("\n"))

    def next_but_pings(self) -> dict[str, str]:
        while (told := self.next()) == {"WATCHDOG": "1"}:
            pass
        return told

    def forget_what_came(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.next(0.0)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    one = Systemd(str(tmp_path / "notify"))
    yield one
    one.sock.close()


@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_hears_when_clients_can_connect_and_when_the_server_ends(
    lab: Lab, tmp_path: Path, is_abstract: bool
) -> None:
    systemd = Systemd(f"@{tmp_path}" if is_abstract else str(tmp_path / "notify"))
    with systemd.sock:
        server = lab.launch("--stop-timeout", 40, lab.driver("alpha"), NOTIFY_SOCKET=systemd.name)
        told = systemd.next()
        socket.create_connection(("127.0.0.1", server.port)).close()
        assert told["READY"] == "1"
        assert told["STATUS"].startswith(f"listening on 127.0.0.1:{server.port}")
        server.process.terminate()
        told = systemd.next()
        assert told["STOPPING"] == "1"
        assert int(told["EXTEND_TIMEOUT_USEC"]) > 42_000_000
        assert server.wait_for_exit() == 0
        with pytest.raises(BlockingIOError):
            systemd.next(0.0)


def test_what_systemd_means_for_the_server_does_not_reach_drivers(lab: Lab, systemd: Systemd) -> None:
    alpha = lab.driver("alpha")
    ours = {"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}
    ours |= {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
    lab.server(alpha, **ours, KEPT="1")
    environment = psutil.Process(alpha.latest.hello["pid"]).environ()
    assert not ours.keys() & environment.keys()
    assert environment["KEPT"] == "1"


def test_the_watchdog_hears_of_a_hub_that_turns_and_of_no_other(lab: Lab, systemd: Systemd) -> None:
    server = lab.launch(lab.driver("alpha"), NOTIFY_SOCKET=systemd.name, WATCHDOG_USEC=str(int(2 * PING_S * 1_000_000)))
    assert systemd.next_but_pings()["READY"] == "1"
    for _ in range(3):
        assert systemd.next() == {"WATCHDOG": "1"}
    with server.stopped():
        systemd.forget_what_came()
        with pytest.raises(TimeoutError):
            systemd.next(5 * PING_S)
    assert systemd.next() == {"WATCHDOG": "1"}


def test_a_watchdog_of_another_process_is_left_alone(lab: Lab, systemd: Systemd) -> None:
    lab.launch(lab.driver("alpha"), NOTIFY_SOCKET=systemd.name, WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    assert systemd.next()["READY"] == "1"
    with pytest.raises(TimeoutError):
        systemd.next(3 * PING_S)


def test_systemd_hears_of_a_reload(lab: Lab, systemd: Systemd) -> None:
    server = lab.launch("--log-file", lab.folder / "log", lab.driver("alpha"), NOTIFY_SOCKET=systemd.name)
    assert systemd.next()["READY"] == "1"
    begun = time.monotonic_ns() // 1000
    os.kill(server.pid, signal.SIGHUP)
    told = systemd.next()
    assert told["RELOADING"] == "1"
    assert begun <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert systemd.next()["READY"] == "1"


def test_a_systemd_that_does_not_listen_costs_a_warning(lab: Lab, tmp_path: Path) -> None:
    server = lab.server(
        lab.driver("alpha"), NOTIFY_SOCKET=str(tmp_path / "nobody"), WATCHDOG_USEC=str(int(2 * PING_S * 1_000_000))
    )
    lab.client(server, "client")
    assert server.stop() == 0
    assert server.complete_log().count("systemd is not told") == 1


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "indigevent"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "indigevent.service"
    unit.write_text(SERVICE.read_text().replace("/usr/local/bin/indigevent", str(program)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    about_ours = [line for line in verified.stderr.splitlines() if "indigevent" in line]
    assert (verified.returncode, about_ours) == (0, [])
