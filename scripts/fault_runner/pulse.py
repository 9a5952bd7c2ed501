"""The pulse of a server: a client process that sends a command to the echo driver every few milliseconds.

As a program, `pulse.py PORT`, it measures until its stdin is closed and then prints what it has measured as JSON.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

_PAUSE_S = 0.005
_FROZEN_S = 1.0
_HELLO = b"<getProperties version='1.7' device='Echo'/>"


@dataclass(frozen=True)
class Figures:
    """Round trips in seconds, how long the last one has been waiting, and whether the server hung up."""

    trips_s: list[float]
    waiting_s: float
    is_lost: bool

    @property
    def is_well(self) -> bool:
        """Whether it was served all the time."""
        return not self.is_lost and bool(self.trips_s) and self.worst_s < _FROZEN_S

    @property
    def worst_s(self) -> float:
        """The longest time without an answer, in seconds."""
        return max([self.waiting_s, *self.trips_s])

    def quantile_s(self, share: float) -> float:
        """The time within which this share of the round trips was done."""
        return sorted(self.trips_s)[min(int(len(self.trips_s) * share), len(self.trips_s) - 1)]

    def __str__(self) -> str:
        if self.is_lost:
            return "the server hung up on the others"
        if not self.trips_s:
            return f"the others were never served in {self.waiting_s:.0f} s"
        if self.waiting_s > _FROZEN_S:
            return f"frozen for {self.waiting_s:.0f} s, until the end"
        figures = f"round trip p99 {self.quantile_s(0.99) * 1000:.1f} ms, worst {self.worst_s * 1000:.0f} ms"
        return figures if self.worst_s < _FROZEN_S else f"frozen for {self.worst_s:.1f} s; {figures}"


class Pulse:
    """Runs the program beside whatever happens to the server."""

    def __init__(self, port: int) -> None:
        words = [sys.executable, __file__, str(port)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self) -> Figures:
        """End it; return what it measured."""
        output, _ = self._process.communicate(timeout=20)
        return Figures(**json.loads(output))


def measure(port: int) -> Figures:
    """Send, wait, pause, until stdin is closed."""
    trips_s: list[float] = []
    begun = time.monotonic()
    try:
        server = socket.create_connection(("127.0.0.1", port), 5)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.sendall(_HELLO)
        received = b""
        while not _is_told_to_end(_PAUSE_S):
            value, begun = len(trips_s) + 1000, time.monotonic()
            server.sendall(_command(value))
            answer = re.compile(rb"<oneNumber[^>]*>\s*%d\s*<" % value)
            while not answer.search(received):
                if _is_told_to_end(0.0, server):
                    return Figures(trips_s, time.monotonic() - begun, False)
                data = server.recv(65536)
                if not data:
                    return Figures(trips_s, 0.0, True)
                received = (received + data)[-8192:]
            trips_s.append(time.monotonic() - begun)
    except ConnectionError:
        return Figures(trips_s, 0.0, True)
    except TimeoutError:
        return Figures(trips_s, time.monotonic() - begun, False)
    return Figures(trips_s, 0.0, False)


def _is_told_to_end(pause_s: float, server: socket.socket | None = None) -> bool:
    """Wait for the end of stdin: for a time, or with a server until it has something to say."""
    if server is None:
        return bool(select.select([0], [], [], pause_s)[0])
    watched: list[int | socket.socket] = [0, server]
    return 0 in select.select(watched, [], [])[0]


def _command(value: int) -> bytes:
    vector = "<newNumberVector device='Echo' name='P'>"
    return f"{vector}<oneNumber name='x'>{value}</oneNumber></newNumberVector>".encode()


if __name__ == "__main__":
    figures = measure(int(sys.argv[1]))
    os.write(1, json.dumps(vars(figures)).encode())
