"""Servers that do as they are told: one that says what the test says, and a relay whose connections can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.lab.server import free_port

DEADLINE_S = 20.0


class ToldServer:
    """Listens; the test accepts connections and speaks on them."""

    def __init__(self) -> None:
        self.port = free_port()
        self.go_on()
        self._accepted: list[socket.socket] = []

    def __enter__(self) -> ToldServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for sock in (self._listener, *self._accepted):
            sock.close()

    def pause(self) -> None:
        """Refuse connections until `go_on`."""
        self._listener.close()

    def go_on(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(DEADLINE_S)

    def accept(self) -> socket.socket:
        """The next connection, when its client has asked for properties."""
        sock = self.take()
        hear(sock, b"<getProperties")
        return sock

    def take(self) -> socket.socket:
        """The next connection, whatever comes over it."""
        sock, _ = self._listener.accept()
        self._accepted.append(sock)
        sock.settimeout(DEADLINE_S)
        return sock


class Relay:
    """Passes connections on to a server, until they are cut."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.connections: list[tuple[socket.socket, socket.socket]] = []
        # Of these, counted from 0, the server hears nothing until the client asks it for a sign of life.
        self.late: set[int] = set()
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _shut(self._listener)
        for number in range(len(self.connections)):
            self.cut(number)
        for thread in self._threads:
            thread.join(DEADLINE_S)
        self._listener.close()

    def cut(self, number: int) -> None:
        """End a connection, counted from 0 in the order in which they were made."""
        for sock in self.connections[number]:
            _shut(sock)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                first = b"<pingRequest" if len(self.connections) in self.late else b""
                self.connections.append((near, far))
                ways = ((near, far, first), (far, near, b""))
                self._threads += [threading.Thread(target=_pass_on, args=way) for way in ways]
                for thread in self._threads[-2:]:
                    thread.start()


def hear(sock: socket.socket, words: bytes) -> bytes:
    """Read until these words came; all that was read."""
    heard = b""
    while words not in heard:
        piece = sock.recv(65536)
        assert piece, f"the client left after {heard!r}"
        heard += piece
    return heard


def until(test: Callable[[], Any]) -> Any:
    """Wait until something is true that no event tells of; what it is."""
    ends_s = time.monotonic() + DEADLINE_S
    idle = threading.Event()
    while not (found := test()):
        assert time.monotonic() < ends_s, "it has never come true"
        idle.wait(0.01)
    return found


def _pass_on(source: socket.socket, sink: socket.socket, first: bytes) -> None:
    with contextlib.suppress(OSError, AssertionError):
        sink.sendall(hear(source, first))
        while data := source.recv(1 << 18):
            sink.sendall(data)
    _shut(source)
    _shut(sink)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
