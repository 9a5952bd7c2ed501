"""Reception: accepted sockets become clients with a greenlet each, or are turned away without one."""

from __future__ import annotations

import socket
import ssl

import gevent
from gevent.event import Event

from indigevent.server.clients.registry import Connection
from indigevent.server.clients.service import serve_client
from indigevent.server.greenlets import spawn
from indigevent.server.house import House


class Reception:
    """Takes what the listeners accept.

    Arguments:
        house: where the clients are served.
        fd_freed: is set whenever one has gone.
    """

    def __init__(self, house: House, fd_freed: Event) -> None:
        self._house = house
        self._fd_freed = fd_freed
        self._greenlets: set[gevent.Greenlet] = set()

    def accept(self, sock: socket.socket, address: object, tls: ssl.SSLContext | None = None) -> None:
        """Serve a new client, by TLS when there is a context for it, or turn it away."""
        connection = Connection(sock, address, tls)
        if not self._house.clients.admit(connection):
            return
        greenlet = spawn(
            f"client on descriptor {sock.fileno()}",
            serve_client,
            connection,
            self._house,
            on_failure=lambda _: sock.close(),
        )
        self._greenlets.add(greenlet)

        def ended(greenlet: gevent.Greenlet) -> None:
            self._greenlets.discard(greenlet)
            self._house.clients.release(connection)
            self._fd_freed.set()

        greenlet.rawlink(ended)

    def close(self) -> None:
        """End all clients."""
        gevent.killall(list(self._greenlets))
