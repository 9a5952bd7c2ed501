"""The control socket's service: operators' requests in, one line of JSON each, answers out.

Whoever may open the socket's file may do everything. What they send is bounded all the same: in length, in number, and
in the time that they may leave an answer unread.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
from gevent.event import Event

from indigevent.control import MAX_REQUEST_BYTES
from indigevent.errors import IndiError
from indigevent.logs import log
from indigevent.server.clients.door import credentials, user_name
from indigevent.server.counters import Counters
from indigevent.server.greenlets import give_turn, spawn
from indigevent.server.listeners import Listener
from indigevent.server.operating.control_socket import ControlSocket
from indigevent.server.operating.operations import Operations

_MAX_CONNECTIONS = 32
# So long a connection may be silent, or leave an answer unread.
_PATIENCE_S = 60.0
_READ_BYTES = 4096


class Control:
    """Serves the socket; `run` is the body of its greenlet.

    Arguments:
        opened: the socket, which is closed with its file at the end.
        operations: carries requests out.
        counters: where connections that are turned away are counted.
        fd_freed: set whenever a descriptor has become free.
    """

    def __init__(self, opened: ControlSocket, operations: Operations, counters: Counters, fd_freed: Event) -> None:
        self._opened = opened
        self._operations = operations
        self._counters = counters
        self._listener = Listener(opened.sock, self._accept, fd_freed)
        self._served: set[gevent.Greenlet] = set()

    def run(self) -> None:
        """Serve until killed."""
        try:
            self._listener.run()
        finally:
            gevent.killall(list(self._served))
            self._opened.close()

    def _accept(self, connection: socket.socket, _: object) -> None:
        if len(self._served) >= _MAX_CONNECTIONS:
            self._counters.refused["control"] += 1
            log.warning("control: %s is turned away: %d are connected", peer_of(connection), _MAX_CONNECTIONS)
            connection.close()
            return
        sock = gevent.socket.socket(fileno=connection.detach())
        greenlet = spawn("control", serve, sock, self._operations, on_failure=lambda _: None)
        self._served.add(greenlet)
        greenlet.rawlink(self._served.discard)


def serve(sock: Any, operations: Operations) -> None:
    """Answer one connection's requests until it closes, or sends what is none; the socket is closed then."""
    by = peer_of(sock)
    sock.settimeout(_PATIENCE_S)
    try:
        for line in _lines(sock):
            sock.sendall(_line(_answer(_parsed(line), operations, by)))
            give_turn()  # who asks without end gets no more than a turn for each answer
    except _NoRequest as error:
        log.warning("control: %s is disconnected: %s", by, error)
        _say_goodbye(sock, str(error))
    except OSError as error:
        log.info("control: %s is disconnected: %s", by, error)
    finally:
        sock.close()


def peer_of(sock: socket.socket) -> str:
    """Who is at the other end of a local socket."""
    found = credentials(sock)
    return "a local process" if found is None else f"pid {found[0]} (user: {user_name(found[1])})"


class _NoRequest(Exception):
    """What came is no request; the text is a sentence."""


def _answer(request: dict[str, Any], operations: Operations, by: str) -> dict[str, Any]:
    try:
        return {"ok": True, **operations.execute(request, by)}
    except IndiError as error:
        return {"ok": False, "error": str(error)}
    except OSError as error:  # the machine is short of something, such as descriptors
        log.warning("control: %s could not be served: %s", by, error)
        return {"ok": False, "error": f"the server could not do it: {error.strerror or error}; its log may say more"}


def _lines(sock: Any) -> Iterator[bytes]:
    waiting = b""
    while received := sock.recv(_READ_BYTES):
        *lines, waiting = (waiting + received).split(b"\n")
        if any(len(line) > MAX_REQUEST_BYTES for line in (*lines, waiting)):
            raise _NoRequest(f"a request is longer than {MAX_REQUEST_BYTES} bytes")
        yield from (line for line in lines if line.strip())


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise _NoRequest('a request has to be an object of JSON in one line, such as {"command": "status"}')
    return request


def _line(answered: dict[str, Any]) -> bytes:
    return json.dumps(answered).encode() + b"\n"


def _say_goodbye(sock: Any, error: str) -> None:
    with contextlib.suppress(OSError):  # it does not wait for an answer
        sock.sendall(_line({"ok": False, "error": error}))
