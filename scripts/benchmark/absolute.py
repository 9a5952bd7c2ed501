"""What is not compared but has a limit of its own: start, memory, and growth with the number of clients."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

from .clients import Audience
from .scenarios import BLOB_BYTES, SET, blobs, running
from .servers import OURS, _memory, free_port

_MEGABYTE = 1 << 20


def start_s() -> tuple[float, float]:
    """Seconds from the command to the first connection, and megabytes resident a moment later, idle."""
    port = free_port()
    words = [sys.executable, "-m", "indigevent", "-p", str(port), "-u", f"/tmp/bench-start-{port}", "cat"]
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.002)
        return time.perf_counter() - started, _memory(process.pid, "VmRSS") / _MEGABYTE
    finally:
        process.terminate()
        process.wait()


def blob_peak() -> dict[str, float]:
    """Peak memory with attached and inline BLOBs to 4 clients, in BLOB messages above the base (inline ones)."""
    message = BLOB_BYTES * 4 / 3
    found = {}
    for name, attached in (("inline", False), ("attached", True)):
        cost = blobs(10, 4, attached=attached)(OURS, "").cost
        found[name] = (cost.peak_bytes - cost.base_bytes) / message
    return found


def growth(messages: int = 200) -> dict[int, float]:
    """Microseconds of CPU per message and client in a burst, with 1, 10, 100 and 1000 clients."""
    return {clients: _burst_cpu_s(messages, clients) / messages / clients * 1e6 for clients in (1, 10, 100, 1000)}


def growth_with_messages(clients: int = 8) -> dict[int, float]:
    """Microseconds of CPU per message, with 100 to 100,000 messages in a burst."""
    return {messages: _burst_cpu_s(messages, clients) / messages * 1e6 for messages in (100, 1000, 10_000, 100_000)}


def _burst_cpu_s(messages: int, clients: int) -> float:
    with running(OURS, {"kind": "burst", "count": messages}) as bench:
        listeners = Audience(clients, bench.port)
        listeners.settle(bench.port)
        listeners.look_for(SET)
        bench.start_clock()
        bench.order()
        listeners.wait(messages)
        cpu_s = bench.cost().cpu_s
        listeners.close()
    return cpu_s


def everything() -> dict[str, Any]:
    """All of it, by name."""
    starts = [start_s() for _ in range(5)]
    return {
        "start_s": sorted(each[0] for each in starts)[2],
        "idle_mb": max(each[1] for each in starts),
        "blob_peak_messages": blob_peak(),
        "cpu_us_per_message_and_client": growth(),
        "cpu_us_per_message_to_8_clients": growth_with_messages(),
    }
