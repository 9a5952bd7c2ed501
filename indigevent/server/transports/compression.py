"""Compression between two of our servers: from a marker on, all that one sends on a connection is one zlib stream.

Whoever connects asks for it in its first `getProperties` (see `protocol/requests.py`) with a key that nobody can guess;
a server that knows of it answers with the marker, which has that key; one that does not says nothing. So the marker's
bytes are nowhere in the stream but where it begins. Every piece is flushed: nothing waits for what comes next.
"""

from __future__ import annotations

import errno
import socket
import zlib
from collections.abc import Iterator

from indigevent.server.transports.channel import Channel, Piece

# The fastest: text and black pictures shrink to a fraction with it, noise does with none.
_LEVEL = 1
# However little arrives, it may stand for a thousand times as much.
_STEP_BYTES = 256 * 1024


class Deflater(Channel):
    """Sends what comes after the next `plain_bytes` as a zlib stream; reading is as ever."""

    # Compressing so much takes a few milliseconds.
    turn_bytes = 128 * 1024

    def __init__(self, below: socket.socket | Channel, plain_bytes: int) -> None:
        super().__init__(below)
        self.opened.set()
        self._plain_bytes = plain_bytes
        self._deflate = zlib.compressobj(_LEVEL)

    def send(self, data: Piece) -> int:
        """As any channel; what was to be sent before the marker goes as it is."""
        if not self._plain_bytes:
            return super().send(data)
        sent = self._below.send(memoryview(data)[: self._plain_bytes])
        self._plain_bytes -= sent
        return sent

    def _encoded(self, piece: Piece) -> bytes:
        return self._deflate.compress(piece) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


class Inflater:
    """Reads a stream that may become compressed: `feed` gives what was sent, in pieces of bounded size.

    `marker` is what the zlib stream comes after.
    """

    def __init__(self, marker: bytes) -> None:
        self._marker = marker
        self._withheld = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that `data` stands for; raises OSError when the compressed stream is damaged."""
        if self._inflate is None:
            plain, data = self._split(self._withheld + data)
            if plain:
                yield plain
        if self._inflate is not None:
            yield from self._inflated(self._inflate, data)

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        """What comes before the marker and what comes after it; what may become a marker waits for the next time."""
        plain, marker, rest = data.partition(self._marker)
        if marker:
            self._inflate = zlib.decompressobj()
            return plain, rest
        start = plain.rfind(b"<", max(0, len(plain) - len(self._marker)))
        if start < 0 or not self._marker.startswith(plain[start:]):
            start = len(plain)
        self._withheld = plain[start:]
        return plain[:start], b""

    def _inflated(self, inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        while data:
            try:
                piece = inflate.decompress(data, _STEP_BYTES)
            except zlib.error as error:
                raise OSError(errno.EPROTO, f"its compressed stream is damaged ({error})") from error
            data = inflate.unconsumed_tail
            if piece:
                yield piece
            if inflate.eof:
                raise OSError(errno.EPROTO, "it ended its compressed stream before the connection")
