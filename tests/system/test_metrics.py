"""What monitors see by HTTP of a real server, and that monitors of any kind cost the others nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server, free_port
from tests.lab.vocabulary import EVERYTHING, define, enable_blob, get, set_blob, update


class Monitor:
    """Reads the pages of a server."""

    def __init__(self, lab: Lab, port: int) -> None:
        self.port = port
        self._lab = lab

    def ask(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and body of an answer; the connection is closed after it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.getheader("Connection") == "close"
        body = answer.read()
        connection.close()
        return answer.status, body

    def value(self, name: str, **labels: str) -> float:
        """The value of a sample that is there once."""
        status, body = self.ask("/metrics")
        assert status == 200
        families = list(text_string_to_metric_families(body.decode()))
        samples = [sample for family in families for sample in family.samples]
        (found,) = [s.value for s in samples if s.name == f"indigevent_{name}" and s.labels == labels]
        return found

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the pages say so."""
        self._lab.pump.poll(condition, what)

    def wait_for(self, value: float, name: str, **labels: str) -> None:
        """Wait until a sample has this value."""
        self.wait(lambda: self.value(name, **labels) == value, f"{name} {labels} is {value}")

    def connect(self, data: bytes = b"") -> socket.socket:
        """A connection that has sent this."""
        connection = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        connection.sendall(data)
        return connection


def observatory(lab: Lab, *arguments: object) -> tuple[Server, Monitor]:
    """A server with the scripted driver `mount`, which has defined something, and a monitor."""
    mount = lab.driver("mount")
    port = free_port()
    server = lab.server("-v", "--metrics", port, *arguments, mount)
    mount.send(define("A"))
    mount.ping()
    return server, Monitor(lab, port)


def ending(connection: socket.socket) -> bytes:
    """What the server still sends before it ends the connection."""
    data = b""
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    connection.close()
    return data


def test_totals_are_what_was_sent_and_do_not_fall_when_a_client_leaves(lab: Lab) -> None:
    server, monitor = observatory(lab)
    client = lab.client(server, "first", EVERYTHING)
    before = monitor.value("client_bytes_total", kind="tcp", direction="sent")
    messages = [update("A", value=number) + "\n" for number in range(50)]
    lab.drivers["mount"].send("".join(messages))
    client.expect_count(50, "setNumberVector")
    # Its getProperties and its ping have come; the updates have gone.
    monitor.wait_for(2, "client_messages_total", kind="tcp", direction="received")
    monitor.wait_for(before + sum(map(len, messages)), "client_bytes_total", kind="tcp", direction="sent")
    sent = monitor.value("client_messages_total", kind="tcp", direction="sent")
    client.close()
    monitor.wait_for(0, "clients", kind="tcp")
    assert monitor.value("client_messages_total", kind="tcp", direction="sent") == sent
    assert monitor.value("client_connections_total", kind="tcp") == 1
    lab.local_client(server, "second", EVERYTHING)
    monitor.wait_for(1, "clients", kind="local")


def test_a_drivers_totals_outlive_its_restart(lab: Lab) -> None:
    server, monitor = observatory(lab, "--restart-delay", "0.01")
    name = str(lab.drivers["mount"].path)
    labels = {"driver": name, "kind": "local"}
    before = monitor.value("driver_messages_total", direction="received", **labels)
    assert before >= 2
    lab.drivers["mount"].latest.dismiss()
    server.wait_for_log("restart #0")
    monitor.wait_for(1, "restarts_total", reason="exit")
    monitor.wait_for(1, "driver_state", state="RUNNING", **labels)
    assert monitor.value("driver_messages_total", direction="received", **labels) >= before
    assert monitor.value("driver_restarts_in_a_row", **labels) == 1


def test_who_is_closed_for_being_behind_is_counted(lab: Lab) -> None:
    server, monitor = observatory(lab, "-m", 1)
    stopped = lab.client(server, "stopped", EVERYTHING, enable_blob("Also"))
    stopped.stop_reading()
    for number in range(3):
        lab.drivers["mount"].send(set_blob("A", f"picture{number}", bytes(8 << 20)))
    monitor.wait_for(1, "closed_total", reason="behind")
    assert monitor.value("queue_limit_bytes") == 1 << 20


@pytest.mark.parametrize(
    ("nonsense", "counter", "labels"),
    [
        ("<a b='1' b='2'/>", "malformed_total", {"kind": "attribute"}),
        (update("A"), "not_allowed_total", {"rule": "watchers"}),
    ],
)
def test_who_comes_again_and_again_with_nonsense_fills_no_log(
    lab: Lab, nonsense: str, counter: str, labels: dict[str, str]
) -> None:
    config = lab.folder / "config"
    config.write_text("[access watchers]\nnetwork = 127.0.0.0/8\nread-only = yes\n")
    server, monitor = observatory(lab, "--config", config)
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as sock:
            sock.sendall((nonsense + "<pingRequest uid='1'/>").encode())
            assert b"pingReply" in sock.recv(4096)
    monitor.wait_for(100, counter, **labels)
    server.wait_for_log("there is no end of warnings about them; more are only counted for a minute")
    assert len(re.findall(r"Client \d+: .*more of this kind|Client \d+: the access rule", server.log)) == 30
    lab.client(server, "client", EVERYTHING)


def test_health_says_which_driver_needs_somebody(lab: Lab) -> None:
    port = free_port()
    monitor = Monitor(lab, port)
    lab.server("--metrics", port, "-r", 0, "/bin/false", lab.driver("mount"))
    monitor.wait(lambda: monitor.ask("/health")[0] == 503, "/health says that a driver is FATAL")
    lines = monitor.ask("/health")[1].decode().splitlines()
    assert lines[0] == "degraded" and lines[1].startswith("driver /bin/false is FATAL")
    assert len(lines) == 2


def test_the_pages_and_nothing_else(lab: Lab) -> None:
    server, monitor = observatory(lab)
    assert monitor.ask("/health") == (200, b"ok\n")
    assert ending(monitor.connect(b"HEAD /health HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")
    status = json.loads(monitor.ask("/status.json")[1])
    assert status["server"]["pid"] == server.pid
    assert [driver["devices"] for driver in status["drivers"]] == [["A"]]
    assert monitor.ask("/")[0] == monitor.ask("/metrics/../health")[0] == monitor.ask("/conf")[0] == 404
    assert monitor.ask("/health", "DELETE")[0] == 405
    assert "Traceback" not in server.log


def test_no_client_can_make_a_page_long(lab: Lab) -> None:
    server, monitor = observatory(lab)
    lab.client(server, "client", *[get(f"{number}{'x' * 50_000}", "y" * 50_000) for number in range(150)])
    status, page = monitor.ask("/status.json")
    listed = json.loads(page)["clients"][0]["subscriptions"]
    assert status == 200
    assert len(page) < 50_000
    assert len(listed) == 101 and listed[-1] == "and 50 more"
    assert all(scope.endswith("x…") for scope in listed[:-1])


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + 50 * (b"X: " + 1000 * b"x" + b"\r\n") + b"\r\n",
        b"GET /" + 10_000 * b"x" + b" HTTP/1.1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + bytes(1 << 20),
        b"GET /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["no HTTP", "large head", "endless path", "endless body", "chunks", "negative length"],
)
def test_a_request_that_is_none_is_refused_and_counted(lab: Lab, data: bytes) -> None:
    server, monitor = observatory(lab)
    try:
        connection = monitor.connect(data)
    except ConnectionError:  # refused before it was sent to the end
        pass
    else:
        assert not ending(connection).startswith(b"HTTP/1.1 200")
    monitor.wait_for(1, "refused_total", reason="http-bad-request")
    assert "Traceback" not in server.log


def test_idle_connections_neither_keep_monitors_out_nor_stay(lab: Lab) -> None:
    server, monitor = observatory(lab)
    before = server.descriptors()
    idle = [monitor.connect(b"GET /health HTTP/1.1\r\n") for _ in range(100)]
    assert monitor.ask("/health")[0] == 200
    assert server.descriptors() <= before + 40
    lab.client(server, "client", EVERYTHING)
    for connection in idle[:60]:
        assert ending(connection) == b""
    monitor.wait(lambda: monitor.value("closed_total", reason="http-crowded") >= 60, "cut connections are counted")
    for connection in idle[60:]:
        connection.close()


def test_a_request_that_does_not_end_is_cut(lab: Lab) -> None:
    """A monitor has five seconds, which this test has to wait for."""
    server, monitor = observatory(lab)
    slow = monitor.connect(b"GET /health HTT")
    server.wait_for_log("HTTP client 127.0.0.1: closed: it took more than 5 s")
    assert ending(slow) == b""
    assert monitor.value("closed_total", reason="http-slow") == 1


def test_without_the_library_it_is_said_how_to_get_it(lab: Lab, tmp_path: Path) -> None:
    hiding = "raise ModuleNotFoundError('it is hidden', name='prometheus_client')\n"
    (tmp_path / "prometheus_client.py").write_text(hiding)
    server = lab.launch("--metrics", free_port(), lab.driver("mount"), PYTHONPATH=str(tmp_path))
    assert server.wait_for_exit() == 1
    assert "install it with: pip install 'indigevent[metrics]'" in server.complete_log()
    assert "Traceback" not in server.log


def test_a_port_in_use_is_named(lab: Lab) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        server = lab.launch("--metrics", port, lab.driver("mount"))
        assert server.wait_for_exit() == 1
    assert f"port {port} is in use" in server.complete_log()
    assert "--metrics" in server.log
