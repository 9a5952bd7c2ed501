"""A client's greenlet: reads what it sends, until it goes or has to."""

from __future__ import annotations

import logging
import pwd
import socket
import struct

from indigevent import fdpass
from indigevent.logs import log
from indigevent.routing.peers import Client
from indigevent.server.faults import FaultLog
from indigevent.server.house import House
from indigevent.server.link import Link

# After it has closed its writing side a client may still wait for the answers to what it asked.
_LINGER_S = 2.0


def serve_client(sock: socket.socket, house: House) -> None:
    """Serve one client on a connected TCP or local socket until its end."""
    is_local = sock.family == socket.AF_UNIX
    number = house.next_number()
    link = Link(sock, f"Client {number}", takes_fds=is_local)
    if log.isEnabledFor(logging.INFO):
        log.info("%s: new arrival from %s - welcome!", link.label, _origin(sock))
    client = Client(link.label, number, link, takes_attached=is_local and fdpass.SUPPORTED)
    table = house.switchboard.table
    table.add_client(client)
    try:
        _route(link, client, house)
        if link.end_reason:
            level = logging.WARNING if link.is_aborted else logging.INFO
            log.log(level, "%s: closed: %s", link.label, link.end_reason)
        elif table.is_subscribed(client):
            link.linger(_LINGER_S)
    finally:
        house.switchboard.client_gone(client)
        link.close()
    log.info("%s: shut down complete - bye!", link.label)


def _route(link: Link, client: Client, house: House) -> None:
    faults = FaultLog(link.label)
    for messages in link.batches():
        house.switchboard.from_client(client, messages)
        found = link.framer.take_faults()
        if found:
            faults.note(found)
            if faults.is_flood:
                link.abort("it keeps sending malformed elements")
    if not link.end_reason:
        log.info("%s: read EOF", link.label)


def _origin(sock: socket.socket) -> str:
    if sock.family != socket.AF_UNIX:
        try:
            host, port = sock.getpeername()[:2]
        except OSError:
            return "an address that is gone already"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not hasattr(socket, "SO_PEERCRED"):
        return "a local process"
    pid, uid, gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f"local pid {pid} (user: {_user_name(uid)}, group {gid})"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
