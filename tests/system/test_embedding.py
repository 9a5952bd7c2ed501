"""`Server` inside a program: its life, what else it serves, and drivers that go wrong beside drivers that do not."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from indigevent import ConfigError, DriverError, Server
from indigevent.driver import Driver
from tests.drivers.bench import Bench
from tests.drivers.company import Company, Neighbour
from tests.drivers.faulty import Broken, Forgetful, Unreachable
from tests.lab.client import ScriptedClient
from tests.lab.device_client import DeviceClient, visit
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S, Pump
from tests.lab.server import clean_environment, free_port
from tests.lab.vocabulary import EVERYTHING
from tests.lab.ways import DRIVERS, ROOT, Way, serve


class Embedded:
    """A Server in this process that has been started, and clients of it."""

    def __init__(self, pump: Pump, server: Server, port: int) -> None:
        self.pump, self.server, self.port = pump, server, port
        self.clients: list[ScriptedClient] = []

    def client(self, *messages: str) -> ScriptedClient:
        sock = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        client = ScriptedClient(f"client{len(self.clients)}", self.pump, sock)
        self.clients.append(client)
        client.send(*messages)
        return client

    def visit(self, device: str) -> DeviceClient:
        visitor = DeviceClient(self.client(EVERYTHING), device)
        visitor.definition("DRIVER_INFO")
        return visitor

    def close(self) -> None:
        self.server.shutdown()
        stopped = self.server.stopped.wait(DEADLINE_S)
        for client in self.clients:
            client.close()
        assert stopped


def make(*drivers: Any, **options: Any) -> tuple[Server, int]:
    port = free_port()
    return Server(*drivers, host="127.0.0.1", port=port, local_socket=f"/tmp/lab-embedded-{port}", **options), port


@pytest.fixture
def embed() -> Iterator[Callable[..., Embedded]]:
    """Give a function that serves drivers in this process; `prepare` is called with the Server before it starts."""
    with contextlib.ExitStack() as stack:
        pump = Pump()
        stack.callback(pump.close)

        def embed_them(
            *drivers: Any, prepare: Callable[[Server], None] = lambda server: None, **options: Any
        ) -> Embedded:
            server, port = make(*drivers, **options)
            prepare(server)
            server.start()
            embedded = Embedded(pump, server, port)
            stack.callback(embedded.close)
            return embedded

        yield embed_them


# What cannot be served


def test_two_devices_of_one_name_are_refused() -> None:
    with pytest.raises(DriverError, match="two devices are called Bench; give one of them another name"):
        Server(Bench(), Neighbour("Bench"))
    with pytest.raises(DriverError, match="two devices are called Neighbour"):
        Server(Company(), Neighbour())
    with pytest.raises(DriverError, match="two devices are called Bench"):
        Driver(Bench(), Bench())


def test_what_is_no_driver_is_refused() -> None:
    with pytest.raises(DriverError, match="str is neither a Device nor a Driver"):
        Server("Bench")  # type: ignore[arg-type]
    with pytest.raises(DriverError, match=r"has to call super\(\).__init__\(\) first"):
        Server(Forgetful())
    with pytest.raises(RuntimeError, match="the vendor's library is missing"):
        Server(Broken())


@pytest.mark.parametrize("method", ["serve", "start"])
def test_a_port_in_use_is_said(method: str) -> None:
    server, port = make(Neighbour())
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(
            ConfigError, match=f"port {port} is in use by another part of this program; .* choose another with port="
        ),
    ):
        getattr(server, method)()
    assert server.stopped.is_set()


def test_it_serves_only_once_and_its_drivers_again(embed: Callable[..., Embedded]) -> None:
    neighbour = Neighbour()
    first = embed(neighbour)
    for again in (first.server.start, first.server.serve):
        with pytest.raises(ConfigError, match="has served already; make another one"):
            again()
    first.visit("Neighbour")
    first.close()
    second = embed(neighbour).visit("Neighbour")
    second.number("LEVEL", VALUE=7)
    assert second.told("LEVEL", state="Ok") == {"VALUE": "7"}


# Its life


def test_it_is_served_by_a_thread_of_the_program_and_ended_by_another() -> None:
    server, port = make(Neighbour())
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(server.serve()))
    thread.start()
    assert server.started.wait(DEADLINE_S)
    socket.create_connection(("127.0.0.1", port)).close()
    assert not server.stopped.is_set()
    threading.Thread(target=server.shutdown).start()
    assert server.stopped.wait(DEADLINE_S)
    thread.join(DEADLINE_S)
    assert status == [0]


def test_shutdown_before_the_start_ends_it_as_soon_as_it_serves() -> None:
    server, _ = make(Neighbour())
    server.shutdown()
    server.start()
    assert server.stopped.wait(DEADLINE_S)


def test_shutdown_says_why_and_devices_are_deleted(
    embed: Callable[..., Embedded], caplog: pytest.LogCaptureFixture
) -> None:
    embedded = embed(Neighbour())
    client = embedded.visit("Neighbour").client
    with caplog.at_level(logging.WARNING, "indigevent"):
        embedded.server.shutdown("The roof <is> closing.")
        client.expect("message", message="The roof <is> closing.")
        client.expect("delProperty", device="Neighbour")
        client.expect_closed()
        assert embedded.server.stopped.wait(DEADLINE_S)
    assert "The roof <is> closing." in caplog.messages


@pytest.mark.parametrize("options", [[], ["--patch"], ["--unreachable"], ["--patch", "--unreachable"]])
def test_serving_many_times_keeps_no_descriptors(options: list[str]) -> None:
    port = str(free_port())
    ended = subprocess.run(
        [sys.executable, "-m", "tests.drivers.rounds_program", port, f"/tmp/lab-rounds-{port}", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    counts = [int(line) for line in ended.stdout.split()]
    assert len(counts) == 8
    assert max(counts[1:]) - min(counts[1:]) <= 2  # a driver's thread may be about to close its socket


@pytest.mark.parametrize("way", [way for way in Way if way.is_embedded], ids=lambda way: way.name.lower())
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_main_thread_ends_it_in_order(
    open_lab: Callable[[str], Lab], way: Way, number: signal.Signals
) -> None:
    lab = open_lab(way.kind)
    server = serve(lab, way, ["tests.drivers.faulty:Sleeper"])
    client = visit(lab, server, "Sleeper").client
    assert server.stop(number) == 0
    client.expect("delProperty", device="Sleeper")
    log = server.complete_log()
    assert "left\n" in log
    assert f"{number.name} received" in log
    assert "Traceback" not in log


def test_a_driver_that_does_not_end_is_left_behind(open_lab: Callable[[str], Lab]) -> None:
    lab = open_lab(Way.THREADS.kind)
    server = serve(lab, Way.THREADS, ["tests.drivers.faulty:Sleeper"])
    sleeper = visit(lab, server, "Sleeper")
    sleeper.switch("SLEEP", DEEP=True)
    server.wait_for_log("asleep")
    assert server.stop() == 0
    assert "Driver Sleeper: did not end when told to; its thread is left behind" in server.complete_log()


# Clients


def test_sends_messages_now_or_as_of_another_time(embed: Callable[..., Embedded]) -> None:
    embedded = embed(Neighbour())
    clients = [embedded.visit("Neighbour").client for _ in range(2)]
    embedded.server.send_message("Clouds & rain")
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    embedded.server.send_message("Dew\x07", when)
    for client in clients:
        stamp = client.expect("message", message="Clouds & rain").attributes["timestamp"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp)
        client.expect("message", message="Dew\ufffd", timestamp="2026-01-02T01:04:05")


def test_no_more_clients_than_it_may_have(embed: Callable[..., Embedded]) -> None:
    embedded = embed(Neighbour(), max_clients=2)
    first, second = (embedded.visit("Neighbour") for _ in range(2))
    embedded.client().expect_closed()
    first.number("LEVEL", VALUE=2)
    first.told("LEVEL", state="Ok")
    second.client.close()
    embedded.pump.poll(lambda: admitted(embedded), "a client is let in when another has left")


def admitted(embedded: Embedded) -> bool:
    """Whether one more client is let in; it is told by an answer, or by the end of its connection."""
    client = embedded.client()
    with contextlib.suppress(OSError):
        client.ping()
    return not client.closed


# What else it serves


def test_serves_programs_and_remotes_beside_its_own_drivers(
    embed: Callable[..., Embedded], open_lab: Callable[[str], Lab], caplog: pytest.LogCaptureFixture
) -> None:
    lab = open_lab("indigevent")
    remote = serve(lab, Way.NAME, DRIVERS[:1])

    def prepare(server: Server) -> None:
        server.add_executable(sys.executable, str(ROOT / "tests/drivers/worker.py"), trace=True)
        server.add_remote("127.0.0.1", remote.port)

    with caplog.at_level(logging.WARNING, "indigevent"):
        embedded = embed(Neighbour(), prepare=prepare)
        for device in ("Worker", "Bench", "Neighbour"):
            embedded.visit(device)
        bench = embedded.visit("Bench")
        bench.connect()
        bench.definition("LABELS")
        bench.number("LIMITED", VALUE=3)
        assert bench.told("LIMITED", state="Ok") == {"VALUE": "3"}
    assert '<defNumberVector device="Worker"' in caplog.text
    assert 'device="Bench"' not in caplog.text


@pytest.mark.parametrize("wants_blobs", [True, False])
def test_a_remote_sends_blobs_only_if_it_may(
    embed: Callable[..., Embedded], open_lab: Callable[[str], Lab], wants_blobs: bool
) -> None:
    lab = open_lab("indigevent")
    remote = serve(lab, Way.NAME, DRIVERS[:1])
    embedded = embed(prepare=lambda server: server.add_remote("127.0.0.1", remote.port, blobs=wants_blobs))
    bench = embedded.visit("Bench")
    bench.client.send("<enableBLOB device='Bench'>Also</enableBLOB>")
    bench.connect()
    bench.definition("SHOOT")
    bench.client.ping()
    bench.switch("SHOOT", BYTES=True)
    bench.told("SHOOT", state="Ok")
    assert bench.client.has("setBLOBVector", name="IMAGE") is wants_blobs


# Drivers that go wrong


@pytest.mark.parametrize("is_cooperative", [False, True])
def test_a_driver_that_cannot_begin_costs_nobody_else_anything(
    embed: Callable[..., Embedded], caplog: pytest.LogCaptureFixture, is_cooperative: bool
) -> None:
    unreachable = Unreachable()
    unreachable.is_cooperative = is_cooperative
    with caplog.at_level(logging.WARNING, "indigevent"):
        embedded = embed(unreachable, Neighbour())
        neighbour = embedded.visit("Neighbour")
        neighbour.number("LEVEL", VALUE=4)
        assert neighbour.told("LEVEL", state="Ok") == {"VALUE": "4"}
        embedded.pump.poll(lambda: "Driver Unreachable: ended" in caplog.messages, "its end is logged")
    (failure,) = [record for record in caplog.records if record.exc_info]
    assert failure.getMessage() == "Driver Unreachable: ended by an error; it is not started again"
    assert str(failure.exc_info[1]) == "nobody answers on the line"  # type: ignore[index]
    assert not neighbour.client.has("defTextVector", device="Unreachable")


def test_a_driver_that_blocks_does_not_slow_the_others_down(
    open_lab: Callable[[str], Lab], capsys: pytest.CaptureFixture[str]
) -> None:
    lab = open_lab(Way.THREADS.kind)
    server = serve(lab, Way.THREADS, [*DRIVERS, "tests.drivers.faulty:Sleeper"])
    visit(lab, server, "Sleeper").switch("SLEEP", LIGHT=True)
    server.wait_for_log("asleep")
    bench, neighbour, worker = (visit(lab, server, name) for name in ("Bench", "Neighbour", "Worker"))
    bench.connect()
    bench.definition("LIMITED")
    took_s = []
    for number in range(100):
        for device, name, element in (
            (bench, "LIMITED", "VALUE"),
            (neighbour, "LEVEL", "VALUE"),
            (worker, "POLLING_PERIOD", "PERIOD_MS"),
        ):
            began = time.perf_counter()
            device.number(name, **{element: number % 5 + 20 * (device is worker)})
            device.told(name, state="Ok")
            took_s.append(time.perf_counter() - began)
    took_s.sort()
    with capsys.disabled():
        print(
            f"\nround trips beside a blocked driver: p50 {took_s[150] * 1000:.1f} ms, p99 {took_s[297] * 1000:.1f} ms"
        )
    assert took_s[-1] < 1.0
