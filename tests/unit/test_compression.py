"""The zlib stream between two of our servers: nothing is lost where it begins, and nothing grows without bound."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterator

import pytest

from indigevent.protocol import requests
from indigevent.server.transports.compression import Deflater, Inflater

MARKER = requests.compression_marker("0123456789abcdef" * 2)
BEFORE = b"<message/>\n<a/>\n" + MARKER[:20] + b"<c"
AFTER = b"<setNumberVector/>\n" + MARKER + b"the end"
MEGABYTE = 1 << 20


def deflated(data: bytes) -> bytes:
    """A stream that goes on."""
    deflater = zlib.compressobj()
    return deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)


def test_wherever_the_reads_are_cut_the_marker_is_found() -> None:
    stream = BEFORE + MARKER + deflated(AFTER)
    for cut in range(len(stream) + 1):
        inflater = Inflater(MARKER)
        assert b"".join([*inflater.feed(stream[:cut]), *inflater.feed(stream[cut:])]) == BEFORE + AFTER
    inflater = Inflater(MARKER)
    assert b"".join(piece for byte in stream for piece in inflater.feed(bytes([byte]))) == BEFORE + AFTER


def test_without_a_marker_everything_passes_at_once() -> None:
    inflater = Inflater(MARKER)
    assert list(inflater.feed(b"<message/>\n")) == [b"<message/>\n"]
    assert list(inflater.feed(b"<message/><c")) == [b"<message/>"]
    assert list(inflater.feed(b"ommand/>")) == [b"<command/>"]


def test_little_that_stands_for_much_comes_in_small_pieces() -> None:
    inflater = Inflater(MARKER)
    sizes = [len(piece) for piece in inflater.feed(MARKER + deflated(bytes(20 * MEGABYTE)))]
    assert sum(sizes) == 20 * MEGABYTE
    assert max(sizes) <= MEGABYTE // 4


@pytest.mark.parametrize("stream", [b"no zlib at all", zlib.compress(b"it has an end")])
def test_what_is_no_lasting_zlib_stream_ends_the_connection(stream: bytes) -> None:
    with pytest.raises(OSError, match="compressed stream"):
        list(Inflater(MARKER).feed(MARKER + stream))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends, of which the first takes little at a time."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    near.setblocking(False)
    with near, far:
        yield near, far


def test_a_piece_counts_as_sent_when_all_that_it_became_is(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    noise = zlib.compress(bytes(range(256)) * 4096, 0)
    plain = b"what was queued before\n" + MARKER
    queue = memoryview(plain + noise)
    deflater, inflater = Deflater(near, plain_bytes=len(plain)), Inflater(MARKER)
    received, waited = b"", 0
    while queue:
        try:
            queue = queue[deflater.sendmsg([queue[:1000], queue[1000:]]) :]
        except BlockingIOError:
            waited += 1
            received += b"".join(inflater.feed(far.recv(MEGABYTE)))
    near.shutdown(socket.SHUT_WR)
    while data := far.recv(MEGABYTE):
        received += b"".join(inflater.feed(data))
    assert received == plain.replace(MARKER, b"") + noise
    assert waited
