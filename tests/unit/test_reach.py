"""What the server says of who can reach it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from indigevent.routing.access import parse_network
from indigevent.server.reach import reach

ALLOWED = (parse_network("10.0.0.0/8"),)
CLOSED = "this machine only; --host 0.0.0.0 and --host :: open it to the network"


@pytest.fixture
def here() -> Iterator[socket.socket]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as sock:
        yield sock


@pytest.fixture
def everywhere() -> Iterator[socket.socket]:
    with contextlib.closing(socket.create_server(("0.0.0.0", 0))) as sock:
        yield sock


def test_nobody_else(here: socket.socket) -> None:
    assert reach([here], [here], (), True) == CLOSED


def test_without_tls_everybody_or_those_who_are_allowed(here: socket.socket, everywhere: socket.socket) -> None:
    assert reach([here, everywhere], [here], (), True) == "open to the network, without any password"
    assert reach([everywhere], [], ALLOWED, False) == "open to 10.0.0.0/8, without any password"


def test_by_tls_with_and_without_certificates(here: socket.socket, everywhere: socket.socket) -> None:
    assert reach([here], [everywhere], (), False) == "open to the network by TLS, without any password"
    words = "open to 10.0.0.0/8 by TLS, with a certificate of the client"
    assert reach([here], [everywhere], ALLOWED, True) == words
