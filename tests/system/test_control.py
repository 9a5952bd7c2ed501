"""Operating a running server: the control socket, and `indigevent-ctl` as an operator types it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S, Pump
from tests.lab.server import Server, clean_environment
from tests.lab.vocabulary import EVERYTHING, define, get

from .robustness import ends_well

CTL = [sys.executable, "-m", "indigevent.cli.ctl"]
ENTER, LEAVE, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H"
DRIVER_KEYS = (
    *("name", "kind", "state", "command", "pid", "uptime_s", "restarts", "next_start_s", "last_exit", "devices"),
    *("received_messages", "received_bytes", "sent_messages", "sent_bytes", "queue_bytes", "malformed", "repaired"),
    *("cpu_percent", "memory_bytes", "descriptors", "threads"),
)
CLIENT_KEYS = (
    *("number", "address", "kind", "user", "certificate", "connected_s", "rule", "read_only", "subscriptions"),
    *("received_messages", "received_bytes", "sent_messages", "sent_bytes", "queue_bytes"),
)


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


@pytest.fixture
def operator(lab: Lab) -> Operator:
    return Operator(lab)


def test_the_status_says_what_runs_and_who_is_connected(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    server = operator.server(alpha)
    client = operator.lab.client(server, "client", EVERYTHING, get("Telescope", "COORD"))
    alpha.send(define("CCD"))
    client.expect("defNumberVector")
    found = operator.status()
    assert found["server"]["pid"] == server.pid
    assert f"127.0.0.1:{server.port}" in found["server"]["listening"]
    assert [found["drivers"][0][key] for key in ("state", "pid", "devices")] == [
        "RUNNING",
        alpha.latest.hello["pid"],
        ["CCD"],
    ]
    assert set(found["drivers"][0]) == set(DRIVER_KEYS) and set(found["clients"][0]) == set(CLIENT_KEYS)
    shown = operator.ctl("status")
    for word in ("alpha", "RUNNING", "CCD", "127.0.0.1:", "everything", "nothing was refused", "listens on"):
        assert word in shown
    assert "everything" in operator.ctl("clients")


def test_drivers_are_stopped_started_and_restarted(operator: Operator) -> None:
    alpha, beta = operator.lab.driver("alpha"), operator.lab.driver("beta")
    server = operator.server(alpha, beta)
    client = operator.lab.client(server, "client", EVERYTHING)
    alpha.send(define("CCD"))
    client.expect("defNumberVector")
    operator.ctl("stop", alpha.path)
    client.expect_deletion("CCD")
    operator.wait_for_state(alpha, "STOPPED")
    assert "is STOPPED" in operator.ctl("stop", alpha.path, status=1)
    operator.ctl("start", alpha.path)
    alpha.incarnation(2).expect("getProperties")
    assert "RUNNING already" in operator.ctl("start", alpha.path, status=1)
    operator.ctl("restart", alpha.path)
    alpha.incarnation(3).expect("getProperties")
    beta.ping()
    assert len(beta.incarnations) == 1
    server.wait_for_log(r"control: pid \d+ \(user: \S+\) asked for: restart \S+alpha; ")


def test_a_driver_is_called_by_its_device_when_no_other_has_it(operator: Operator) -> None:
    alpha, beta = operator.lab.driver("alpha"), operator.lab.driver("beta")
    server = operator.server(alpha, beta)
    client = operator.lab.client(server, "client", EVERYTHING)
    alpha.send(define("CCD"), define("Both"))
    beta.send(define("Both"))
    client.expect("defNumberVector", device="CCD")
    operator.lab.pump.poll(lambda: "Both" in operator.status()["drivers"][1]["devices"], "beta has a device")
    assert f"driver {alpha.path} is restarted" in operator.ctl("restart", "CCD")
    alpha.incarnation(2).expect("getProperties")
    alpha.incarnation(2).send(define("Both"))
    operator.lab.pump.poll(lambda: "Both" in operator.status()["drivers"][0]["devices"], "alpha has it again")
    error = operator.ctl("stop", "Both", status=1)
    assert f"several drivers have a device Both; name one: {alpha.path}, {beta.path}" in error


def test_a_reload_without_a_config_file_says_that_there_is_none(operator: Operator) -> None:
    operator.server(operator.lab.driver("alpha"))
    assert "There is no config file to read again" in operator.ctl("reload")


def test_a_driver_that_was_given_up_can_be_started_again(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    operator.server("-r", 0, alpha)
    alpha.latest.exit(3)
    operator.wait_for_state(alpha, "FATAL")
    assert f"{alpha.path}: status 3; indigevent-ctl reset {alpha.path}" in operator.ctl("status")
    operator.ctl("reset", alpha.path)
    alpha.incarnation(2).expect("getProperties")
    operator.wait_for_state(alpha, "RUNNING")


def test_a_driver_that_the_server_did_not_know_is_started_by_its_program(operator: Operator) -> None:
    alpha, beta = operator.lab.driver("alpha"), operator.lab.driver("beta")
    operator.server(alpha)
    operator.ctl("start", beta.path)
    beta.expect("getProperties")
    error = operator.ctl("start", "indi_no_such_program", status=1)
    assert "neither a driver indi_no_such_program here nor a program" in error
    assert "there is no driver gamma; there are: " in operator.ctl("restart", "gamma", status=1)
    assert len(operator.status()["drivers"]) == 2


def test_a_client_is_disconnected_and_hears_why(operator: Operator) -> None:
    server = operator.server(operator.lab.driver("alpha"))
    one, other = (operator.lab.client(server, name, EVERYTHING) for name in ("one", "other"))
    number = operator.status()["clients"][0]["number"]
    operator.ctl("disconnect", number)
    one.expect("message")
    one.expect_closed()
    other.ping()
    assert "there is no client 4711" in operator.ctl("disconnect", 4711, status=1)


def test_the_log_level_and_the_configuration_change_while_it_runs(operator: Operator) -> None:
    config = operator.lab.folder / "indigevent.conf"
    alpha, beta = operator.lab.driver("alpha"), operator.lab.driver("beta")
    config.write_text(f"[driver {alpha.name}]\ncommand = {alpha.path}\n")
    server = operator.server("-c", config)
    alpha.expect("getProperties")
    operator.ctl("log-level", 2)
    operator.lab.client(server, "client", EVERYTHING)
    server.wait_for_log(r"Client \d+: read <getProperties")
    with config.open("a") as file:
        file.write(f"[driver {beta.name}]\ncommand = {beta.path}\n")
    assert "beta started" in operator.ctl("reload")
    beta.expect("getProperties")
    config.write_text("nonsense\n")
    assert str(config) in operator.ctl("reload", status=1)
    alpha.ping()
    events = [(row["command"], row["ok"]) for row in json.loads(operator.ctl("events", "--json"))["events"]]
    assert events == [("log-level 2", True), ("reload", True), ("reload", False)]
    assert "reload" in operator.ctl("events")


def test_garbage_on_the_control_socket_costs_nobody_but_its_sender(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    server = operator.server(alpha)
    client = operator.lab.client(server, "client", EVERYTHING)
    for line in (b"\xff\x00garbage\n", b"[" * 9000 + b"\n", b"1\n", b"{" + b"x" * 40_000):
        with operator.connect() as sock, contextlib.suppress(ConnectionError):
            sock.sendall(line)
            assert b'"ok": false' in sock.recv(1 << 16)
            assert not sock.recv(1)  # such a sender is not waited for
    with operator.connect() as sock:
        for request in ({}, {"command": []}, {"command": "stop"}, {"command": "stop", "driver": "a\0b"}):
            sock.sendall(json.dumps(request).encode() + b"\n")
            assert b'"ok": false' in sock.recv(1 << 16)
        sock.sendall(json.dumps({"command": "disconnect", "number": "\x1b[2J" * 500}).encode() + b"\n")
        assert b'"ok": false' in sock.recv(1 << 16)
    client.ping()
    operator.ctl("status")
    ends_well(server)
    assert "\x1b" not in server.log


def test_who_asks_without_end_and_does_not_read_is_alone_with_that(operator: Operator) -> None:
    server = operator.server(operator.lab.driver("alpha"))
    client = operator.lab.client(server, "client", EVERYTHING)
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(operator.connect())
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):  # it is full: neither the answers nor the questions move any more
            while True:
                sock.sendall(b'{"command": "status"}\n' * 1000)
        client.ping()
        operator.ctl("status")
        others = [stack.enter_context(operator.connect()) for _ in range(40)]
        others[-1].sendall(b'{"command": "status"}\n')
        with contextlib.suppress(ConnectionError):
            assert others[-1].recv(1 << 16) == b""
        client.ping()
    operator.lab.pump.poll(lambda: operator_is_served(operator), "there is room again")
    assert operator.status()["counters"]["refused"]["control"] >= 8


def operator_is_served(operator: Operator) -> bool:
    with operator.connect() as sock, contextlib.suppress(ConnectionError):
        sock.sendall(b'{"command": "events"}\n')
        return sock.recv(1 << 16).startswith(b'{"ok": true')
    return False


def test_who_asks_without_end_does_not_keep_others_waiting(operator: Operator) -> None:
    server = operator.server(operator.lab.driver("alpha"))
    client = operator.lab.client(server, "client", EVERYTHING)
    with operator.connect() as sock:
        asking = threading.Thread(target=ask_without_end, args=(sock,))
        reading = threading.Thread(target=read_without_end, args=(sock,))
        asking.start()
        reading.start()
        for _ in range(5):
            client.ping()
        assert asking.is_alive() and reading.is_alive()
        sock.shutdown(socket.SHUT_RDWR)
        asking.join()
        reading.join()


def ask_without_end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(b'{"command": "status"}\n' * 1000)


def read_without_end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(1 << 20):
            pass


def test_the_socket_is_its_owners_and_goes_with_the_server(operator: Operator) -> None:
    server = operator.server(operator.lab.driver("alpha"))
    mode = operator.path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    ends_well(server)
    assert not operator.path.exists()
    assert f"no server answers on {operator.path}" in operator.ctl("status", status=3)


def test_a_killed_servers_socket_is_replaced_but_a_living_ones_is_not(operator: Operator) -> None:
    killed = operator.server(operator.lab.driver("alpha"))
    killed.stop(signal.SIGKILL)
    assert operator.path.exists()
    operator.server(operator.lab.driver("beta"))
    operator.lab.pump.poll(lambda: operator_answers(operator), "the new server answers")
    third = operator.lab.launch("--control", operator.path, operator.lab.driver("gamma"))
    assert third.wait_for_exit() == 1
    assert f"control socket {operator.path} is another server's; stop that, or" in third.complete_log()
    assert operator.status()["drivers"][0]["name"].endswith("beta")


def operator_answers(operator: Operator) -> bool:
    with contextlib.suppress(OSError):
        return operator_is_served(operator)
    return False


def test_without_an_option_ctl_finds_the_server_by_its_port(lab: Lab) -> None:
    runtime = str(lab.folder)
    server = lab.server(lab.driver("alpha"), XDG_RUNTIME_DIR=runtime)
    environment = clean_environment(XDG_RUNTIME_DIR=runtime)
    words = [*CTL, "-p", str(server.port), "--json", "status"]
    done = subprocess.run(words, capture_output=True, timeout=30, check=True, env=environment)
    assert json.loads(done.stdout)["server"]["pid"] == server.pid


def test_a_default_socket_that_cannot_be_had_costs_a_warning(lab: Lab) -> None:
    os.chmod(lab.folder, 0o777)
    alpha = lab.driver("alpha")
    server = lab.server(alpha, XDG_RUNTIME_DIR=str(lab.folder))
    server.wait_for_log(rf"indigevent-ctl cannot reach this server: others may write to directory {lab.folder}")
    alpha.ping()


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


@pytest.mark.parametrize("command", ["status", "status --json", "log-level 0", "events"])
def test_output_that_cannot_be_written_is_a_sentence(operator: Operator, command: str) -> None:
    operator.server(operator.lab.driver("alpha"))
    with open("/dev/full", "w") as full:
        words = [*CTL, "--control", str(operator.path), *command.split()]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 4
    assert done.stderr == "indigevent-ctl: what the server said cannot be written: No space left on device\n"


def test_what_the_server_says_cannot_steer_the_terminal(operator: Operator) -> None:
    config = operator.lab.folder / "config"
    config.write_text("")
    operator.server("--config", config, operator.lab.driver("alpha"))
    config.write_text("[driver no\x1b[31msuch]\n")
    assert "\x1b" not in operator.ctl("reload")


def test_a_server_short_of_descriptors_still_tells_its_status(operator: Operator) -> None:
    server = operator.server("-f", operator.lab.folder / "fifo")
    with operator.connect() as sock:
        sock.sendall(b'{"command": "events"}\n')
        assert sock.recv(4096)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (server.descriptors(),) * 2)
        sock.sendall(b'{"command": "status"}\n')
        with sock.makefile() as answers:
            assert json.loads(answers.readline())["status"]["server"]["pid"] == server.pid


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


def test_what_the_fifo_had_done_is_listed(operator: Operator) -> None:
    alpha = operator.lab.driver("alpha")
    fifo = operator.lab.folder / "fifo"
    server = operator.server("-f", fifo, alpha)
    client = operator.lab.client(server, "client", EVERYTHING)
    client.ping()
    fifo.write_text("stop nobody\nstpo alpha\n")
    server.wait_for_log("stpo")
    events = json.loads(operator.ctl("events", "--json"))["events"]
    assert [(row["source"], row["command"], row["ok"]) for row in events] == [
        ("FIFO", "stop nobody", False),
        ("FIFO", "stpo alpha", False),
    ]
    assert "no driver nobody is running" in events[0]["outcome"]
