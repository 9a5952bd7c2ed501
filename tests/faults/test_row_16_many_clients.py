"""Row 16: a thousand clients at once, thousands one after another: none is refused, and nothing of them stays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, update
from tests.system.robustness import ends_well

from .parties import MEGABYTE, one_driver, rss, served

CROWD = 1000
IN_A_ROW = 1000
PASSERS_BY = 10_000
PING = b"<pingRequest uid='here'/>"


@contextmanager
def crowd(server: Server, size: int) -> Iterator[list[socket.socket]]:
    """Connect so many clients at once; give them when each of them has been answered."""
    with ExitStack() as leaving:
        clients = [leaving.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(size)]
        for client in clients:
            client.settimeout(30)
            client.sendall(EVERYTHING.encode() + PING)
        for client in clients:
            read_until(client, b"pingReply")
        yield clients


def read_until(client: socket.socket, needle: bytes) -> None:
    """Read until this was seen."""
    seen = b""
    while needle not in seen:
        data = client.recv(65536)
        assert data, "the server hung up"
        seen += data


def test_row_16_a_thousand_clients_at_once_are_all_served(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    base = server.descriptors()
    for _ in range(2):  # what the first thousand leave behind in the heap is used again
        with crowd(server, CROWD) as clients:
            memory = rss(server)
            alpha.send(update("A", "P", 4711))
            for one in clients:
                read_until(one, b">4711<")
            assert served(client, alpha)
        server.wait_for_descriptors(base)
    assert rss(server) < memory + 8 * MEGABYTE
    ends_well(server)


def test_row_16_thousands_that_come_and_go_are_none_refused_and_leave_nothing(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    base = server.descriptors()
    for _ in range(IN_A_ROW):
        with socket.create_connection(("127.0.0.1", server.port), 10) as one:
            one.sendall(PING)
            read_until(one, b"pingReply")
    memory = []
    for _ in range(2):  # what the first ones leave behind in the heap is used again
        for _ in range(PASSERS_BY // 2):
            socket.create_connection(("127.0.0.1", server.port), 10).close()
        assert served(client, alpha)
        server.wait_for_descriptors(base)
        memory.append(rss(server))
    assert memory[1] - memory[0] < 8 * MEGABYTE
    ends_well(server)
