"""Three pages by HTTP for those who watch the server: /metrics, /health and /status.json, and nothing else.

gevent's WSGI server speaks HTTP; here is what keeps its clients from costing the others anything: one request per
connection, without a body, in a limited time, on a limited number of connections, and pages that are made anew only as
often as takes a small share of the server's time.
"""

from __future__ import annotations

import contextlib
import io
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import gevent
import gevent.socket
from gevent.pywsgi import WSGIHandler, WSGIServer

from indigevent.errors import ConfigError
from indigevent.logs import log
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.greenlets import spawn

# A monitor's whole connection; its request is one piece, and a page is made in milliseconds.
_CONNECTION_S = 5.0
_MAX_CONNECTIONS = 32
_MAX_HEAD_BYTES = 16384
# A page is kept for so many times as long as it took to make it: making it takes a tenth of the time at most.
_KEPT_FOR = 10.0
_PLAIN = "text/plain; charset=utf-8"
_OK, _SICK, _MISSING, _NOT_ALLOWED = "200 OK", "503 Service Unavailable", "404 Not Found", "405 Method Not Allowed"

Snapshot = Mapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Answer(NamedTuple):
    """What a request gets."""

    status: str
    content_type: str
    body: bytes


class Page:
    """What `make` returns, made at most as often as `_KEPT_FOR` allows."""

    def __init__(self, make: Callable[[], Answer]) -> None:
        self._make = make
        self._kept_until = 0.0
        self._answer: Answer | None = None

    def answer(self) -> Answer:
        """The page as it is now, or was a moment ago."""
        begun = time.monotonic()
        if self._answer is None or begun >= self._kept_until:
            self._answer = self._make()
            done = time.monotonic()
            self._kept_until = done + _KEPT_FOR * (done - begun)
        return self._answer


class Web:
    """The pages and the connections of those who read them.

    Arguments:
        snapshot: the daemon's status, as plain values.
        limits: how far a peer may be behind (`-m`).
        lost_log_lines: how many lines of the log were not written.
        counters: where connections that are cut are counted.

    Raises ConfigError when what makes metrics is not installed.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        limits: QueueLimits,
        counters: Counters,
        lost_log_lines: Callable[[], int],
    ) -> None:
        metrics = _exposition(snapshot, limits, counters.ping_seconds, lost_log_lines)
        self._counters = counters
        self._connections: dict[gevent.socket.socket, str] = {}
        self._pages = {
            "/metrics": Page(lambda: Answer(_OK, "text/plain; version=0.0.4; charset=utf-8", metrics())),
            "/health": Page(lambda: health(snapshot()["drivers"])),
            "/status.json": Page(lambda: Answer(_OK, "application/json", _json(snapshot()))),
        }
        self._server = WSGIServer(
            ("", 0),  # never started: our own listeners accept
            self._respond,
            log=None,  # see _respond
            error_log=None,  # see _Handler.log_error
            handler_class=partial(_Handler, counters),
            environ={"SERVER_NAME": "indigevent", "SERVER_PORT": ""},
        )

    def accept(self, sock: socket.socket, address: object) -> None:
        """Take over a connection from `address`; where there are too many, the one that has taken longest has to go."""
        connection = gevent.socket.socket(fileno=sock.detach())
        if len(self._connections) >= _MAX_CONNECTIONS:
            self._cut(next(iter(self._connections)), "http-crowded", f"there are {_MAX_CONNECTIONS} newer ones")
        peer = self._connections[connection] = str(address[0]) if isinstance(address, tuple) else "a local process"
        spawn(f"HTTP client {peer}", self._serve, connection, peer, on_failure=lambda _: None)

    def close(self) -> None:
        """Cut all connections."""
        for connection in list(self._connections):
            _shut(connection)

    def _serve(self, connection: gevent.socket.socket, peer: str) -> None:
        timer = gevent.get_hub().loop.timer(_CONNECTION_S)
        timer.start(self._cut, connection, "http-slow", f"it took more than {_CONNECTION_S:g} s")
        try:
            with contextlib.suppress(OSError):  # it has gone in the middle of an error's answer
                self._server.handle(connection, (peer, 0))
        finally:
            timer.close()
            self._connections.pop(connection, None)
            connection.close()

    def _cut(self, connection: gevent.socket.socket, word: str, reason: str) -> None:
        """Close a connection, once; `word` is what it is counted by, `reason` a clause."""
        peer = self._connections.pop(connection, None)
        if peer is not None:
            self._counters.closed[word] += 1
            log.info("HTTP client %s: closed: %s", peer, reason)
            _shut(connection)

    def _respond(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        method = environ["REQUEST_METHOD"]
        answer = self._answer(method, environ["PATH_INFO"])
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ]
        if answer.status == _NOT_ALLOWED:
            headers.append(("Allow", "GET, HEAD"))
        log.debug("HTTP client %s: %a %a: %s", environ["REMOTE_ADDR"], method, environ["PATH_INFO"], answer.status)
        start_response(answer.status, headers)
        return [] if method == "HEAD" else [answer.body]

    def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return Answer(_NOT_ALLOWED, _PLAIN, b"These pages can only be read: use GET or HEAD.\n")
        page = self._pages.get(path)
        if page is None:
            return Answer(_MISSING, _PLAIN, f"There are {', '.join(self._pages)} here, and nothing else.\n".encode())
        return page.answer()


class _Head(io.RawIOBase):
    """What a peer sends, up to a limit: parsing the megabytes of headers that are legal would hold up the others."""

    def __init__(self, connection: gevent.socket.socket) -> None:
        self._connection = connection
        self._left = _MAX_HEAD_BYTES

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes; 0 at the end. Raises ValueError at the limit."""
        if not self._left:
            raise ValueError(f"it is longer than {_MAX_HEAD_BYTES} bytes")
        count: int = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class _Handler(WSGIHandler):  # type: ignore[misc]
    """One request per connection, and no body: nothing of what a peer may send without end is ever read."""

    def __init__(
        self, counters: Counters, connection: gevent.socket.socket, address: tuple[str, int], server: WSGIServer
    ) -> None:
        super().__init__(connection, address, server, io.BufferedReader(_Head(connection)))
        self._counters = counters

    def read_request(self, line: str) -> bool:
        """Read a request's head; raises ValueError, which pywsgi answers with 400."""
        super().read_request(line)
        if self.content_length or "transfer-encoding" in self.headers:
            raise ValueError("it has a body")
        self.close_connection = True
        return True

    def handle_one_request(self) -> object:
        """Serve a request; a tuple is the answer to one that is none."""
        result: object = super().handle_one_request()
        if isinstance(result, tuple):
            self._counters.refused["http-bad-request"] += 1
            log.info("HTTP client %s: its request is answered with %s", self.client_address[0], result[0])
        return result

    def log_error(self, text: str, *arguments: object) -> None:
        """What was wrong with a request."""
        reason = ascii(text % arguments if arguments else text)[1:-1]
        log.info("HTTP client %s: %s", self.client_address[0], reason)

    def _handle_client_error(self, error: Exception) -> object:
        """A peer that goes in the middle of its request is no more worth a traceback than one that sends nonsense."""
        known = error if isinstance(error, ValueError) else ValueError(str(error))
        return super()._handle_client_error(known)


def health(drivers: Iterable[Mapping[str, Any]]) -> Answer:
    """Whether somebody has to do something: 503 while a driver is FATAL, for then nothing happens by itself any more.

    Drivers that are started again by themselves (BACKOFF) are named, but the answer is 200 `ok`.
    """
    down = [_trouble(driver, "is FATAL") for driver in drivers if driver["state"] == "FATAL"]
    waiting = [_trouble(driver, "waits to be started again") for driver in drivers if driver["state"] == "BACKOFF"]
    lines = ["degraded" if down else "ok", *down, *waiting, ""]
    return Answer(_SICK if down else _OK, _PLAIN, "\n".join(lines).encode(errors="replace"))


def _trouble(driver: Mapping[str, Any], what: str) -> str:
    line = f"driver {driver['name']} {what}" + (f": {driver['last_exit']}" if driver["last_exit"] else "")
    return line if line.isprintable() else ascii(line)[1:-1]


def _json(snapshot: Snapshot) -> bytes:
    return json.dumps(snapshot, indent=1).encode()


def _exposition(*sources: object) -> Callable[[], bytes]:
    """Import the metrics only where they are wanted: the bare daemon does without the library."""
    try:
        module = import_module("indigevent.server.operating.metrics")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("prometheus_client"):
            raise
        raise ConfigError(
            "--metrics needs the package prometheus_client, which is not installed; "
            "install it with: pip install 'indigevent[metrics]'"
        ) from error
    make: Callable[[], bytes] = module.exposition(*sources)
    return make


def _shut(connection: gevent.socket.socket) -> None:
    """End a connection from outside its greenlet, which sees that and closes it."""
    with contextlib.suppress(OSError):  # it has gone by itself
        connection.shutdown(socket.SHUT_RDWR)
