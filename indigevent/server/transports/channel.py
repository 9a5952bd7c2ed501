"""A channel: what looks to a link like a non-blocking stream socket, and writes something else than it is given.

What is given to be sent becomes other bytes (a cipher text, a compressed stream), of which the socket may take only a
part. The whole trick: a piece counts as sent only when all that it became is sent. Until then `send` fails as a full
socket does, the link keeps the piece in its queue, and so nothing needs a buffer of its own but the piece in hand.
"""

from __future__ import annotations

import abc
import socket
from collections.abc import Sequence
from typing import TypeAlias

from gevent.event import Event

Piece: TypeAlias = bytes | memoryview


class Channel(abc.ABC):
    """A filter over a connected non-blocking socket, or over another channel.

    `opened` is set when pieces may be sent; `turn_bytes` is how many should be before others have a turn.
    """

    turn_bytes: int
    _piece_bytes = 64 * 1024

    def __init__(self, below: socket.socket | Channel) -> None:
        self.opened = Event()
        self._below = below
        self._unsent: Piece = b""
        self._given = 0

    @abc.abstractmethod
    def _encoded(self, piece: Piece) -> bytes:
        """What goes through the socket for this piece."""

    def recv(self, max_bytes: int) -> bytes:
        """Read what there is; BlockingIOError when that is nothing yet, b"" at the end."""
        return self._below.recv(max_bytes)

    def take_early(self) -> bytes:
        """What the other side has said already, before the first `recv`."""
        return b""

    def send(self, data: Piece) -> int:
        """How many bytes of `data` were sent. After BlockingIOError it is to be called with the same data again."""
        if not self._given:
            piece = data if len(data) <= self._piece_bytes else memoryview(data)[: self._piece_bytes]
            self._unsent = self._encoded(piece)
            self._given = len(piece)
        self._send_unsent()
        sent, self._given = self._given, 0
        return sent

    def sendmsg(self, buffers: Sequence[Piece]) -> int:
        """As `send`, of several pieces."""
        gathered: list[Piece] = []
        room = self._piece_bytes
        for buffer in buffers:
            gathered.append(buffer if len(buffer) <= room else memoryview(buffer)[:room])
            room -= len(gathered[-1])
            if not room:
                break
        return self.send(b"".join(gathered))

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._below.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of a socket; a link's never blocks."""
        self._below.setblocking(flag)

    def shutdown(self, how: int) -> None:
        """Close one direction or both."""
        self.opened.set()
        self._below.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self.opened.set()
        self._below.close()

    def _send_unsent(self) -> None:
        """Send what is left of the piece in hand; BlockingIOError when the socket does not take all of it."""
        while self._unsent:
            sent = self._below.send(self._unsent)
            self._unsent = memoryview(self._unsent)[sent:] if sent < len(self._unsent) else b""
