"""Every scenario of the comparison: what is sent to whom, when the clock runs, and what we want to reach."""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .clients import DEFINED, HELLO, READY, Audience
from .servers import INDIPYSERVER, OURS, REFERENCE, RELAY, Bench, Cost

BLOB_BYTES = 16 << 20
_START_S = 20.0
SET = b"</setNumberVector>"
SET_BLOB = b"</setBLOBVector>"
COMMAND = (
    b'<newNumberVector device="Bench" name="EQUATORIAL_EOD_COORD">\n'
    b'<oneNumber name="RA">5.5</oneNumber>\n<oneNumber name="DEC">-16.7</oneNumber>\n</newNumberVector>\n'
)
ALL = (OURS, REFERENCE, RELAY, INDIPYSERVER)
NO_INDIPYSERVER = (OURS, REFERENCE, RELAY)
NO_RELAY = (OURS, REFERENCE, INDIPYSERVER)
ONLY_INDISERVERS = (OURS, REFERENCE)


@dataclass
class Result:
    """One run: seconds by the name of the measure (`wall`, or `p50` and `p99`), and what it cost."""

    seconds: dict[str, float]
    cost: Cost


@dataclass(frozen=True)
class Scenario:
    """A row of the report.

    Arguments:
        name: unique; also what `--only` takes.
        title: what is measured.
        measure: runs it once on a server of a kind.
        kinds: the servers that can take part.
        targets: by measure, how many times faster than the reference we want to be; `cpu`: how many times less CPU.
    """

    name: str
    title: str
    measure: Callable[[str, str], Result]
    kinds: tuple[str, ...] = ALL
    targets: dict[str, float] = field(default_factory=dict)


@contextlib.contextmanager
def running(kind: str, *plans: dict[str, Any], profile: str = "", chained: bool = False) -> Iterator[Bench]:
    """A server with its drivers, ended at the end."""
    bench = Bench(kind, list(plans), is_chained=chained, profile=profile)
    try:
        yield bench
    finally:
        bench.close()


def audience(bench: Bench, count: int, local: bool = False, sends: bool = False) -> Audience:
    """Clients that are subscribed to everything, BLOBs too; what one sends goes nowhere until the device is defined."""
    # Through a chain the definitions show that the servers have found each other.
    needle = DEFINED if bench.kind == INDIPYSERVER or bench.is_chained or sends else READY
    listeners = Audience(count, bench.port, bench.local if local else "", needle=needle)
    listeners.wait(1, _START_S)
    return listeners


def burst(messages: int, clients: int) -> Callable[[str, str], Result]:
    """A driver sends small messages as fast as it can; all clients get all of them."""

    def measure(kind: str, profile: str) -> Result:
        with running(kind, {"kind": "burst", "count": messages}, profile=profile) as bench:
            return _timed(bench, audience(bench, clients), SET, messages)

    return measure


def blobs(count: int, clients: int, attached: bool = False, local: bool = False, chained: bool = False) -> Any:
    """A driver sends BLOBs; all clients get all of them."""
    plan = {"kind": "blobs", "count": count, "blob_bytes": BLOB_BYTES, "attached": attached}

    def measure(kind: str, profile: str) -> Result:
        with running(kind, plan, profile=profile, chained=chained) as bench:
            return _timed(bench, audience(bench, clients, local), SET_BLOB, count)

    return measure


def commands(messages: int, clients: int) -> Callable[[str, str], Result]:
    """Clients send commands as fast as they can; the driver gets all of them."""

    def measure(kind: str, profile: str) -> Result:
        with running(kind, {"kind": "commands", "count": messages}, profile=profile) as bench:
            senders = audience(bench, clients, sends=True)
            bench.order()
            share = COMMAND * (messages // clients)
            bench.start_clock()
            started = time.perf_counter()
            senders.send(share)
            bench.wait_for_driver()
            wall = time.perf_counter() - started
            cost = bench.cost()
            senders.close()
            return Result({"wall": wall}, cost)

    return measure


def round_trips(count: int, idle_clients: int = 0, streaming: bool = False) -> Callable[[str, str], Result]:
    """A client sends a command and waits for the driver's answer, many times over."""
    plans: list[dict[str, Any]] = [{"kind": "echo", "answers": 1 if idle_clients else 1000}]
    if streaming:
        plans.append({"kind": "blobs", "count": 10_000, "blob_bytes": BLOB_BYTES, "device": "Camera"})

    def measure(kind: str, profile: str) -> Result:
        with running(kind, *plans, profile=profile) as bench, _others(bench, idle_clients, streaming):
            client = audience(bench, 1, sends=not idle_clients)  # others have heard of the device already
            for number in range(len(plans)):
                bench.order(number)
            client.look_for(SET)
            trips = []
            bench.start_clock()
            for number in range(count):
                started = time.perf_counter()
                client.send(COMMAND)
                client.wait(number + 1)
                trips.append(time.perf_counter() - started)
            cost = bench.cost()
            client.close()
            ranked = statistics.quantiles(trips, n=100)
            return Result({"p50": ranked[49], "p99": ranked[98]}, cost)

    return measure


def definitions(properties: int, times: int) -> Callable[[str, str], Result]:
    """A client connects and waits until it knows all properties of a driver, many times over."""

    def measure(kind: str, profile: str) -> Result:
        with running(kind, {"kind": "definitions", "properties": properties}, profile=profile) as bench:
            bench.order()
            bench.start_clock()
            started = time.perf_counter()
            for _ in range(times):
                client = Audience(1, bench.port, needle=DEFINED)
                client.wait(1)
                client.close()
            return Result({"wall": time.perf_counter() - started}, bench.cost())

    return measure


def _timed(bench: Bench, listeners: Audience, needle: bytes, count: int) -> Result:
    listeners.look_for(needle)
    bench.start_clock()
    started = time.perf_counter()
    bench.order()
    listeners.wait(count)
    wall = time.perf_counter() - started
    cost = bench.cost()
    listeners.close()
    return Result({"wall": wall}, cost)


@contextlib.contextmanager
def _others(bench: Bench, idle_clients: int, streaming: bool) -> Iterator[None]:
    """Clients in a process of their own that read whatever comes: subscribed idlers, or one that gets the stream."""
    helpers = []
    for count, hello in ((idle_clients, HELLO), (1 if streaming else 0, HELLO.replace(b"Bench", b"Camera"))):
        if count:
            ready = multiprocessing.Event()
            words = (count, bench.port, hello, ready)
            helpers.append(multiprocessing.Process(target=_drain, args=words, daemon=True))
            helpers[-1].start()
            if not ready.wait(30):
                raise RuntimeError("the other clients did not connect")
    try:
        yield
    finally:
        for helper in helpers:
            helper.kill()
            helper.join()


def _drain(count: int, port: int, hello: bytes, ready: Any) -> None:
    others = Audience(count, port, hello=hello)
    others.wait(1, _START_S)
    ready.set()
    others.drain()


SCENARIOS = [
    Scenario("burst-1", "10,000 small messages to 1 client", burst(10_000, 1), ALL, {"wall": 8, "cpu": 5}),
    Scenario("burst-8", "10,000 small messages to 8 clients", burst(10_000, 8), ALL, {"wall": 40, "cpu": 30}),
    Scenario(
        "burst-64",
        "2,000 small messages to 64 clients",
        burst(2_000, 64),
        NO_INDIPYSERVER,
        {"wall": 25, "cpu": 20},
    ),
    Scenario("commands-1", "10,000 commands from 1 client", commands(10_000, 1), ALL, {"wall": 8, "cpu": 5}),
    Scenario(
        "commands-16",
        "10,000 commands from 16 clients",
        commands(10_000, 16),
        NO_INDIPYSERVER,
        {"wall": 8, "cpu": 5},
    ),
    Scenario("inline-1", "20 inline BLOBs of 16 MB to 1 TCP client", blobs(20, 1), ALL, {"wall": 3, "cpu": 3}),
    Scenario("inline-4", "10 inline BLOBs of 16 MB to 4 TCP clients", blobs(10, 4), ALL, {"wall": 2, "cpu": 2}),
    Scenario(
        "attached-1",
        "20 attached BLOBs of 16 MB to 1 TCP client",
        blobs(20, 1, attached=True),
        NO_INDIPYSERVER,
        {"wall": 1.5, "cpu": 2},
    ),
    Scenario(
        "attached-4",
        "10 attached BLOBs of 16 MB to 4 TCP clients",
        blobs(10, 4, attached=True),
        NO_INDIPYSERVER,
        {"wall": 1.2, "cpu": 1.5},
    ),
    Scenario(
        "attached-local",
        "200 attached BLOBs of 16 MB to a local client",
        blobs(200, 1, attached=True, local=True),
        ONLY_INDISERVERS,
        {"wall": 1, "cpu": 1},
    ),
    Scenario(
        "chained",
        "5 inline BLOBs of 16 MB through two chained servers",
        blobs(5, 1, chained=True),
        ONLY_INDISERVERS,
        {"wall": 20, "cpu": 20},
    ),
    Scenario("trip", "round trip, 1 client", round_trips(2_000), NO_INDIPYSERVER, {"p50": 1, "p99": 1}),
    Scenario(
        "trip-300",
        "round trip with 300 idle subscribed clients",
        round_trips(300, idle_clients=300),
        NO_INDIPYSERVER,
        {"p50": 2, "cpu": 1.5},
    ),
    Scenario(
        "trip-stream",
        "round trip while 16 MB BLOBs stream to another client",
        round_trips(500, streaming=True),
        ONLY_INDISERVERS,
        {"p99": 2},
    ),
    Scenario(
        "definitions",
        "50 times: connect and get 500 properties",
        definitions(500, 50),
        NO_RELAY,
        {"wall": 2, "cpu": 2},
    ),
]
