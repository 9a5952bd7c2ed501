"""A client that has gone is gone: its link, and what TLS keeps for it, do not wait for Python's collector."""

from __future__ import annotations

import gc
import socket
import weakref

import gevent

from indigevent.server.clients.door import ClientPolicy
from indigevent.server.clients.registry import ClientRegistry, Connection
from indigevent.server.clients.service import serve_client
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.drivers.guardian import Guardian
from indigevent.server.house import DriverDefaults, House
from indigevent.server.switchboard import Switchboard


def test_a_client_that_has_gone_leaves_no_garbage() -> None:
    counters = Counters()
    limits = QueueLimits(1 << 20, 0, counters)
    clients = ClientRegistry(ClientPolicy(), counters)
    switchboard, guardian = Switchboard("here", limits, None), Guardian()
    house = House(
        switchboard, guardian, counters, limits, {}, False, DriverDefaults(0, 0, 0, 0, 0), clients, child_fd_limit=None
    )
    ours, theirs = socket.socketpair()
    connection = Connection(ours, "")
    assert clients.admit(connection)
    gc.disable()
    try:
        greenlet = gevent.spawn(serve_client, connection, house)
        theirs.sendall(b"<getProperties version='1.7'/>")
        theirs.close()
        greenlet.join(10)
        assert connection.link is not None and connection.link.received_messages == 1
        link = weakref.ref(connection.link)
        clients.release(connection)
        del connection, greenlet
        assert link() is None
    finally:
        gc.enable()
        guardian.close()
