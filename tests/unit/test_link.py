"""Links on real sockets: how much is read at once, and what is left of a peer that has gone."""

from __future__ import annotations

import gc
import socket
import threading
import tracemalloc
from collections.abc import Iterator

import gevent
import pytest

from indigevent.server.link import Link

DEADLINE_S = 30.0
CLEAN = b'<message device="A"/>\n'
# Slow to frame wherever it is: 16 KB of it take many times what a link allows itself.
SLOW = b"<" * 1000 + CLEAN
KILOBYTE = 1024


@pytest.fixture
def pair() -> Iterator[tuple[Link, socket.socket]]:
    """A link and the other end of its TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    link = Link(near, "peer")
    yield link, far
    far.close()
    link.close()


def send_from_elsewhere(sock: socket.socket, data: bytes) -> threading.Thread:
    """Send in a real thread, and close that side."""

    def send() -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def batch_sizes(link: Link, message_bytes: int) -> list[int]:
    """How many bytes each batch stood for."""
    with gevent.Timeout(DEADLINE_S):
        return [len(messages) * message_bytes for messages in link.batches()]


def test_much_is_read_from_a_peer_that_is_quick_to_frame(pair: tuple[Link, socket.socket]) -> None:
    link, far = pair
    thread = send_from_elsewhere(far, CLEAN * 400_000)
    sizes = batch_sizes(link, len(CLEAN))
    thread.join()
    assert sum(sizes) == 400_000 * len(CLEAN)
    assert max(sizes) > 64 * KILOBYTE


def test_little_is_read_from_a_peer_that_is_slow_to_frame(pair: tuple[Link, socket.socket]) -> None:
    link, far = pair
    thread = send_from_elsewhere(far, CLEAN * 100_000 + SLOW * 400)
    with gevent.Timeout(DEADLINE_S):
        counts = [len(messages) for messages in link.batches()]
    thread.join()
    assert sum(counts) == 100_400
    # The last batches are of the slow kind; one read, of 256 KB at most, may have been large before that was known.
    slow = counts[-6:]
    assert max(slow) * len(SLOW) <= 20 * KILOBYTE, counts


def test_a_closed_link_keeps_nothing_of_half_a_blob(pair: tuple[Link, socket.socket]) -> None:
    link, far = pair
    head = b'<setBLOBVector device="A" name="B"><oneBLOB name="b" format=".x" size="30000000">'
    gc.disable()
    tracemalloc.start()
    try:
        thread = send_from_elsewhere(far, head + b"QUJD" * (2 << 20))
        held = 0
        with gevent.Timeout(DEADLINE_S):
            for _ in link.batches():
                held = max(held, tracemalloc.get_traced_memory()[0])
        thread.join()
        link.close()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held > 8 << 20
    assert kept < 1 << 20
