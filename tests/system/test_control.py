"""Operating a running server: the control socket, and `indigevent-ctl` as an operator types it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import threading

import pytest

from tests.lab.lab import Lab
from tests.lab.server import clean_environment
from tests.lab.vocabulary import EVERYTHING, define, get

from .operating import CTL, Operator
from .robustness import ends_well

DRIVER_KEYS = (
    *("name", "kind", "state", "command", "pid", "uptime_s", "restarts", "next_start_s", "last_exit", "devices"),
    *("received_messages", "received_bytes", "sent_messages", "sent_bytes", "queue_bytes", "malformed", "repaired"),
    *("cpu_percent", "memory_bytes", "descriptors", "threads"),
)
CLIENT_KEYS = (
    *("number", "address", "kind", "user", "certificate", "connected_s", "rule", "read_only", "subscriptions"),
    *("received_messages", "received_bytes", "sent_messages", "sent_bytes", "queue_bytes"),
)


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
        with contextlib.suppress(ConnectionError):  # it may have been turned away already
            others[-1].sendall(b'{"command": "status"}\n')
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
