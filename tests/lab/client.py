"""A scripted INDI client over TCP or over a server's local socket."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from .party import Party, receive, send_all
from .pump import Pump


class ScriptedClient(Party):
    """A connection to a server that sends what the test says and keeps what comes."""

    def __init__(self, name: str, pump: Pump, sock: socket.socket) -> None:
        super().__init__(name, pump)
        self._sock = sock
        sock.setblocking(False)
        pump.watch(sock.fileno(), self._readable)

    def write(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send bytes (and, on a local socket, descriptors)."""
        send_all(self._sock, data, fds)

    def half_close(self) -> None:
        """Say that nothing more will be sent; go on reading."""
        self._sock.shutdown(socket.SHUT_WR)

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers."""
        self.pump.forget(self._sock.fileno())

    def read_again(self) -> None:
        """Undo `stop_reading`."""
        self.pump.watch(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Leave; harmless when already gone."""
        with self.pump.changed:
            if self._sock.fileno() >= 0:
                self.pump.forget(self._sock.fileno())
                self._sock.close()
            self.closed = True

    def _readable(self) -> None:
        received = receive(self._sock)
        if received is None:
            return
        self.take(*received)
        if not received[0]:
            self.pump.forget(self._sock.fileno())
            self.closed = True
