"""What becomes of drivers that end, hang or take too much, what their clients are told, and what an operator can do."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, command, define, get, update
from tests.lab.ways import ROOT

from .robustness import ends_well, ignore_eof, watched

MALFORMED = "<setNumberVector device='A' device='A' name='P'/>"


class Supervised:
    """A server with a config file and a control socket."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.config = lab.folder / "indigevent.conf"
        self._control = lab.folder / "control"

    def write(self, **sections: str) -> None:
        """Write the config file: a driver's section for each name, its lines separated by `; `."""
        texts = [f"[driver {name}]\n" + lines.replace("; ", "\n") for name, lines in sections.items()]
        self.config.write_text("\n".join(texts) + "\n")

    def serve(self, *arguments: object, **sections: str) -> Server:
        """Start a server with these drivers in its config file."""
        self.write(**sections)
        words = ("-v", "--control", self._control, "--config", self.config, *arguments)
        server = self.lab.server(*words, HOME=str(self.lab.folder), PYTHONPATH=str(ROOT))
        self.lab.pump.poll(self._control.exists, "the control socket is there")
        return server

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request to the control socket; returns the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE_S)
            sock.connect(str(self._control))
            sock.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(sock.makefile().readline())
        return answer

    def status(self, name: str) -> dict[str, Any]:
        """A driver's status."""
        rows = self.ask(command="status")["status"]["drivers"]
        found: dict[str, Any] = next(row for row in rows if row["name"] == name)
        return found

    def wait_for(self, name: str, state: str) -> dict[str, Any]:
        """Wait until a driver is in this state; returns its status."""
        self.lab.pump.poll(lambda: self.status(name)["state"] == state, f"{name} is {state}")
        return self.status(name)

    def restarts(self) -> dict[str, int]:
        """The restarts of all drivers, by reason."""
        counted: dict[str, int] = self.ask(command="status")["status"]["counters"]["restarts"]
        return counted


@pytest.fixture
def supervised(lab: Lab) -> Supervised:
    return Supervised(lab)


def section(driver: ScriptedDriver, *lines: str) -> str:
    return "; ".join((f"command = {driver.path}", *lines))


def test_a_driver_that_ends_is_started_again_and_its_clients_are_told(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "restart-delay = 0"))
    alpha.send(define("A"))
    client, stranger = lab.client(server, "client", get("A")), lab.client(server, "stranger", get("B"))
    alpha.latest.exit(3)
    client.expect("delProperty", device="A")
    message = client.expect("message", device="A").attributes
    assert message["message"] == "The driver alpha has ended (status 3) and is started again now."
    assert abs(time.time() - time.mktime(time.strptime(message["timestamp"] + " UTC", "%Y-%m-%dT%H:%M:%S %Z"))) < 60
    alpha.incarnation(2).expect("getProperties")
    row = supervised.status("alpha")
    assert (row["state"], row["restarts"], row["last_exit"]) == ("RUNNING", 1, "status 3")
    assert supervised.restarts() == {"exit": 1}
    stranger.ping()
    assert not stranger.has("message")
    ends_well(server)


def test_a_driver_that_is_given_up_can_be_started_again(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "restart-delay = 0", "restarts = 1"))
    alpha.send(define("A"))
    client = lab.client(server, "client", EVERYTHING)
    alpha.latest.exit(1)
    alpha.incarnation(2).kill()
    row = supervised.wait_for("alpha", "FATAL")
    assert (row["pid"], row["last_exit"], row["devices"]) == (None, "killed by SIGKILL", [])
    sentence = "and is given up after 1 restarts; an operator can start it again."
    client.expect("message", device="A", message=f"The driver alpha has ended (killed by SIGKILL) {sentence}")
    server.wait_for_log("Driver alpha: Terminated after #1 restarts.")
    assert supervised.ask(command="reset", driver="alpha")["ok"]
    alpha.incarnation(3).exit(1)
    alpha.incarnation(4).expect("getProperties")
    assert supervised.status("alpha")["restarts"] == 1
    ends_well(server)


def test_a_program_that_is_missing_ends_fatal(supervised: Supervised) -> None:
    server = supervised.serve(gone="command = /nowhere/gone; restart-delay = 0; restarts = 2")
    row = supervised.wait_for("gone", "FATAL")
    assert "/nowhere/gone cannot be executed" in row["last_exit"]
    assert server.log.count("cannot be executed") == 1
    assert server.log.count("restart #") == 2
    ends_well(server)


def test_a_driver_that_waits_can_be_started_at_once_or_stopped(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "restart-delay = 100"))
    alpha.latest.exit(0)
    row = supervised.wait_for("alpha", "BACKOFF")
    assert 90 < row["next_start_s"] <= 120
    assert supervised.ask(command="restart", driver="alpha")["ok"]
    alpha.incarnation(2).exit(0)
    supervised.wait_for("alpha", "BACKOFF")
    assert supervised.ask(command="stop", driver="alpha")["ok"]
    assert supervised.wait_for("alpha", "STOPPED")["next_start_s"] is None
    refused = supervised.ask(command="stop", driver="alpha")["error"]
    assert refused == "driver alpha is STOPPED and cannot be ended; reset starts it when it has ended"
    assert "there is no driver beta; there are: alpha" in supervised.ask(command="stop", driver="beta")["error"]
    assert supervised.ask(command="reset", driver="alpha")["ok"]
    alpha.incarnation(3).expect("getProperties")
    ends_well(server)


def test_an_operator_restarts_a_driver_and_its_clients_are_told(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha))
    alpha.send(define("A"))
    client = lab.client(server, "client", EVERYTHING)
    assert supervised.ask(command="restart", driver="alpha")["ok"]
    client.expect("message", device="A", message="The driver alpha is restarted by an operator.")
    client.expect("delProperty", device="A")
    alpha.incarnation(2).expect("getProperties")
    assert supervised.restarts() == {"operator": 1}
    assert supervised.status("alpha")["restarts"] == 0
    ends_well(server)


def flood(sender: Any, until: Callable[[], bool], what: str) -> None:
    """Send commands for device A until something has happened."""
    pad, end_s = "x" * 100_000, time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < end_s, f"{what} has not happened"
        sender.send(command("A").replace("<newNumberVector", f"<newNumberVector pad='{pad}'", 1))
        sender.ping()


def test_a_driver_that_reads_nothing_is_restarted(lab: Lab, supervised: Supervised) -> None:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = supervised.serve("-m", 1, alpha=section(alpha, "stall-timeout = 0.5"), beta=section(beta))
    alpha.send(define("A"))
    beta.send(define("B"))
    client, sender = lab.client(server, "client", get("A"), get("B")), lab.client(server, "sender")
    alpha.latest.stop_reading()
    with watched(alpha) as first:
        os.kill(alpha.latest.hello["pid"], signal.SIGSTOP)
        flood(sender, lambda: "alpha: does not read" in server.log, "the driver's stall")
        text = "The driver alpha has read nothing for 0.5 s, while 1 MB wait; it is ended to be started again."
        client.expect("message", device="A", message=text)
        client.expect("delProperty", device="A")
        first.wait_until_gone()
    alpha.incarnation(2).expect("getProperties")
    assert supervised.restarts() == {"stalled": 1}
    beta.send(update("B"))
    client.expect("setNumberVector", device="B")
    assert len(beta.incarnations) == 1
    ends_well(server)


def test_a_driver_that_reads_again_in_time_is_left_alone_until_the_next_time(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve("-m", 1, alpha=section(alpha, "stall-timeout = 2"))
    alpha.send(define("A"))
    sender = lab.client(server, "sender")
    alpha.latest.stop_reading()
    flood(sender, lambda: "alpha: does not read" in server.log, "the driver's stall")
    alpha.latest.read_again()
    lab.pump.poll(lambda: supervised.status("alpha")["queue_bytes"] == 0, "all was read")
    alpha.ping()
    alpha.latest.stop_reading()
    flood(sender, lambda: len(alpha.incarnations) > 1, "the restart")
    assert supervised.restarts() == {"stalled": 1}
    ends_well(server)


def test_a_libindi_driver_is_watched_without_its_clients_noticing(lab: Lab, supervised: Supervised) -> None:
    """Takes 4 s: the driver is silent for half of its watchdog's time again and again."""
    server = supervised.serve(scope="command = indi_simulator_telescope; watchdog = 1.5; trace = yes")
    client = lab.client(server, "client", EVERYTHING)
    client.expect("defTextVector", name="DRIVER_INFO")
    question = r'sending <getProperties version="1.7" device="Telescope Simulator" name='
    server.wait_for_log(question)
    definitions = client.received.count(b"<def")
    server.wait_for_log(question, times=3)
    client.ping()
    assert client.received.count(b"<def") == definitions
    late = lab.client(server, "late", EVERYTHING)
    late.expect("defTextVector", name="DRIVER_INFO")
    pid = supervised.status("scope")["pid"]
    os.kill(pid, signal.SIGSTOP)
    text = "The driver scope has not answered for 1.5 s; it is ended to be started again."
    client.expect("message", device="Telescope Simulator", message=text)
    client.expect("defTextVector", name="DRIVER_INFO")
    assert supervised.status("scope")["pid"] not in (None, pid)
    assert supervised.restarts() == {"watchdog": 1}
    ends_well(server)


def test_who_asks_at_the_same_time_as_the_watchdog_gets_the_answer(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "watchdog = 4"))
    alpha.expect("getProperties")
    alpha.send(define("A"))
    alpha.expect("getProperties", device="A", name="P")
    client = lab.client(server, "client", get("A"))
    alpha.expect("getProperties", device="A")
    alpha.send(define("A"), define("A"))
    client.expect("defNumberVector", device="A", name="P")
    ends_well(server)


def test_a_python_driver_is_pinged(lab: Lab, supervised: Supervised) -> None:
    """Takes 4 s, as the other one."""
    server = supervised.serve(sleeper="command = tests.drivers.faulty:Sleeper; watchdog = 2; trace = yes")
    client = lab.client(server, "client", EVERYTHING)
    client.expect("defTextVector", name="ECHO")
    server.wait_for_log("read <pingReply", times=1)
    client.ping()
    assert b"indigevent/watchdog" not in client.received
    element = "<oneSwitch name='LIGHT'>On</oneSwitch>"
    client.send(f"<newSwitchVector device='Sleeper' name='SLEEP'>{element}</newSwitchVector>")
    server.wait_for_log("asleep")
    text = "The driver sleeper has not answered for 2 s; it is ended to be started again."
    client.expect("message", device="Sleeper", message=text)
    client.expect("defTextVector", name="ECHO")
    assert supervised.restarts() == {"watchdog": 1}
    ends_well(server)


def test_too_much_memory_is_a_warning(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve("--sample-interval", 0.1, alpha=section(alpha, "max-memory = 1"))
    server.wait_for_log(r"Driver alpha: uses \d+ MB of memory, more than the 1 MB of its max-memory$")
    supervised.lab.pump.poll(lambda: supervised.status("alpha")["cpu_percent"] is not None, "alpha is measured twice")
    supervised.lab.pump.poll(lambda: supervised.status("alpha")["descriptors"] >= 4, "its line to the test is seen")
    row = supervised.status("alpha")
    assert row["memory_bytes"] > 1 << 20
    assert row["threads"] >= 1
    assert server.log.count("more than the 1 MB") == 1
    assert len(alpha.incarnations) == 1
    ends_well(server)


def test_too_much_memory_is_a_reason_to_restart_where_the_file_says_so(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    lines = ("max-memory = 1", "over-limit = restart", "restarts = 1", "restart-delay = 0")
    server = supervised.serve("--sample-interval", 0.1, alpha=section(alpha, *lines))
    server.wait_for_log("Driver alpha: uses .*; it is ended")
    server.wait_for_log("Driver alpha: restart #0")
    assert supervised.restarts() == {"memory": 1}
    ends_well(server)


def test_a_driver_that_keeps_a_processor_busy_is_started_again(lab: Lab, supervised: Supervised) -> None:
    """It has a minute for that, which is made short in this server."""
    program = lab.folder / "busy"
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    program.chmod(0o755)
    hasty = "from indigevent.supervision.limits import LimitWatch\nLimitWatch.__init__.__defaults__ = (0.2,)\n"
    (lab.folder / "sitecustomize.py").write_text(hasty)
    lines = ("max-cpu = 1", "over-limit = restart", "restarts = 1", "restart-delay = 0", "stop-timeout = 0")
    supervised.write(busy="; ".join((f"command = {program}", *lines)))
    path = f"{lab.folder}:{ROOT}"
    words = ("--config", supervised.config, "--control", lab.folder / "control", "--sample-interval", 0.1)
    server = lab.server(*words, PYTHONPATH=path)
    server.wait_for_log(r"Driver busy: has used \d+ % CPU, more than the 1 % of its max-cpu, for 0 s; it is ended")
    server.wait_for_log("Driver busy: restart #0")
    server.wait_for_log("Driver busy: Terminated after #1 restarts")
    assert supervised.restarts() == {"cpu": 1}
    assert supervised.status("busy")["last_exit"] == "killed by SIGTERM"
    ends_well(server)


@pytest.mark.parametrize("reaction", ["warn", "restart"])
def test_a_driver_that_keeps_sending_malformed_elements(lab: Lab, supervised: Supervised, reaction: str) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, f"malformed = {reaction}"))
    alpha.send(define("A"))
    alpha.ping()
    alpha.send(MALFORMED * 150)
    server.wait_for_log("Driver alpha: keeps sending malformed elements")
    if reaction == "restart":
        alpha.incarnation(2).expect("getProperties")
        assert supervised.restarts() == {"malformed": 1}
    else:
        alpha.ping()
        assert supervised.status("alpha")["malformed"] == 150
    ends_well(server)


def test_a_stop_timeout_holds_at_the_servers_end_too(lab: Lab, supervised: Supervised) -> None:
    """Takes 5 s: longer than a server waits for drivers that have no stop timeout of their own."""
    program, done = lab.folder / "slow", lab.folder / "done"
    program.write_text(f"#!/bin/sh\ncat > {lab.folder}/began\nsleep 4.5\necho yes > {done}\n")
    program.chmod(0o755)
    server = supervised.serve(slow=f"command = {program}; stop-timeout = 20")
    lab.pump.poll((lab.folder / "began").exists, "the driver runs")
    ends_well(server)
    assert done.read_text() == "yes\n"


def test_without_time_to_stop_a_driver_gets_sigterm_at_once(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "stop-timeout = 0", "restart-delay = 0"))
    ignore_eof(alpha)
    assert supervised.ask(command="stop", driver="alpha")["ok"]
    assert supervised.wait_for("alpha", "STOPPED")["last_exit"] == "killed by SIGTERM"
    ends_well(server)


def test_a_reload_touches_only_what_differs(lab: Lab, supervised: Supervised) -> None:
    same, other, gone, new = (lab.driver(name) for name in ("same", "other", "gone", "new"))
    server = supervised.serve(same=section(same), other=section(other), gone=section(gone))
    for driver, device in ((same, "S"), (other, "O"), (gone, "G")):
        driver.latest.send(define(device))
    client = lab.client(server, "client", EVERYTHING)
    pid = supervised.status("same")["pid"]
    supervised.write(same=section(same), other=section(other, "arguments = --again"), new=section(new))
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("SIGHUP received: .*new started; other restarted; gone stopped")
    client.expect_deletion("O")
    client.expect_deletion("G")
    assert other.incarnation(2).hello["arguments"] == ["--again"]
    new.expect("getProperties")
    same.send(update("S"))
    client.expect("setNumberVector", device="S")
    assert not client.has("delProperty", device="S")
    names = [row["name"] for row in supervised.ask(command="status")["status"]["drivers"]]
    assert (supervised.status("same")["pid"], names) == (pid, ["same", "other", "new"])
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("SIGHUP received: .*no driver differs")
    ends_well(server)


def test_a_driver_that_is_renamed_is_started_when_it_has_ended_under_its_old_name(
    lab: Lab, supervised: Supervised
) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(one=section(alpha, "stop-timeout = 1"))
    ignore_eof(alpha)
    with watched(alpha) as first:
        supervised.write(two=section(alpha))
        assert supervised.ask(command="reload")["text"].endswith(": two started; one stopped")
        alpha.incarnation(2)
        assert first.left() == []
    assert [row["name"] for row in supervised.ask(command="status")["status"]["drivers"]] == ["two"]
    ends_well(server)


@pytest.mark.parametrize("is_stopped", [False, True], ids=["runs", "was stopped"])
def test_what_an_operator_has_started_is_not_started_again_when_it_is_configured(
    lab: Lab, supervised: Supervised, is_stopped: bool
) -> None:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    name = str(alpha.path)
    server = supervised.serve(beta=section(beta))
    assert supervised.ask(command="start", driver=name)["ok"]
    alpha.incarnation(1).expect("getProperties")
    if is_stopped:
        supervised.ask(command="stop", driver=name)
        supervised.wait_for(name, "STOPPED")
    supervised.write(beta=section(beta), **{name: section(alpha)})
    text = supervised.ask(command="reload")["text"]
    assert text.endswith(f"{name} started" if is_stopped else "no driver differs")
    assert supervised.ask(command="reload")["text"].endswith("no driver differs")
    supervised.wait_for(name, "RUNNING")
    assert [row["name"] for row in supervised.ask(command="status")["status"]["drivers"]] == ["beta", name]
    supervised.write(beta=section(beta))
    assert supervised.ask(command="reload")["text"].endswith(f"{name} stopped")
    ends_well(server)


def test_a_reload_while_the_server_ends_is_too_late(lab: Lab, supervised: Supervised) -> None:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = supervised.serve(alpha=section(alpha, "stop-timeout = 1"))
    ignore_eof(alpha)
    supervised.write(alpha=section(alpha), beta=section(beta))
    with watched(alpha) as first:
        server.process.send_signal(signal.SIGTERM)
        alpha.latest.expect_closed()
        server.process.send_signal(signal.SIGHUP)
        assert server.wait_for_exit() == 0
        assert first.left() == []
    assert "good bye" in server.complete_log()
    assert "SIGHUP received" not in server.log
    assert not beta.incarnations


def test_a_config_file_that_is_none_at_a_reload_changes_nothing(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha))
    alpha.expect("getProperties")
    supervised.config.write_text("# half of a file\n")
    file = f"config file {supervised.config}"
    assert supervised.ask(command="reload")["error"] == f"{file} names no driver, and nothing else does"
    supervised.config.unlink()
    assert f"{file}: No such file" in supervised.ask(command="reload")["error"]
    supervised.config.write_bytes(b"islog = ~\0\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log(f"SIGHUP received: the configuration stays as it is: {supervised.config}:1: there is a byte 0")
    supervised.config.unlink()
    os.mkfifo(supervised.config)
    assert supervised.ask(command="reload")["error"] == f"{file} is no regular file, and cannot be read again"
    assert supervised.status("alpha")["state"] == "RUNNING"
    assert len(alpha.incarnations) == 1
    ends_well(server)


def test_a_reload_changes_what_is_logged(lab: Lab, supervised: Supervised) -> None:
    alpha = lab.driver("alpha")
    supervised.config.write_text(f"[driver alpha]\ncommand = {alpha.path}\n")
    server = lab.server("--config", supervised.config, "--control", lab.folder / "control")
    alpha.send(define("A"))
    supervised.config.write_text("verbose = 2\n" + supervised.config.read_text())
    assert supervised.ask(command="reload")["ok"]
    alpha.send(update("A"))
    server.wait_for_log("Driver alpha: read <setNumberVector device='A'")
    assert "defNumberVector" not in server.log
    ends_well(server)


def test_a_driver_that_has_defined_nothing_hangs_only_if_it_does_not_read(lab: Lab, supervised: Supervised) -> None:
    """Takes 2 s: the driver is asked four times. Such is a camera's driver without its camera."""
    alpha = lab.driver("alpha")
    server = supervised.serve(alpha=section(alpha, "watchdog = 0.8", "trace = yes"))
    server.wait_for_log("sending <getProperties", times=5)
    assert len(alpha.incarnations) == 1
    alpha.latest.stop_reading()
    server.wait_for_log("Driver alpha: has not answered for 0.8 s; it is ended")
    alpha.incarnation(2).expect("getProperties")
    ends_well(server)
