"""Everybody who is connected as a client: who they are, what they cost, and how an operator ends them."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable
from itertools import islice

from indigevent.errors import ClientError
from indigevent.logs import shown
from indigevent.routing.access import EVERYTHING, Visitor
from indigevent.routing.interest import Interest
from indigevent.routing.peers import Client
from indigevent.server.clients.door import ClientPolicy, Door, Refusal, credentials, user_name
from indigevent.server.clients.lines import Lines
from indigevent.server.clients.notices import dismiss
from indigevent.server.counters import Counters
from indigevent.server.link import Link

# How many of a client's subscriptions are listed; it may have any number.
_MAX_LISTED = 100
_LEFT: int = getattr(select, "POLLRDHUP", select.POLLHUP)


class Connection:
    """One client's connection, from the moment it is let in.

    Arguments:
        sock: connected.
        address: as `accept` gave it.
        tls: the context of a TLS connection, None for others.

    `is_lingering` is one that has closed its own side, and still reads.
    """

    def __init__(self, sock: socket.socket, address: object, tls: ssl.SSLContext | None = None) -> None:
        self.sock = sock
        self.tls = tls
        self.kind = "local" if sock.family == socket.AF_UNIX else "tls" if tls else "tcp"
        self.number = 0
        self.link: Link | None = None
        self.client: Client | None = None
        self.is_lingering = False
        self.since = time.monotonic()
        self.pid = 0
        self.group = 0
        self.visitor = self._visitor(address)
        self.address = _text_of(address) if self.visitor.address else f"pid {self.pid}"

    @property
    def origin(self) -> str:
        """Where it comes from, for the log."""
        if self.visitor.address:
            return self.address
        return f"local pid {self.pid} (user: {user_name(self.visitor.uid)}, group {self.group})"

    @property
    def company(self) -> str:
        """With whom the log may speak of it: all from its address, or of its user."""
        visitor = self.visitor
        return f"Clients from {visitor.address}" if visitor.address else f"Clients of user {user_name(visitor.uid)}"

    def _visitor(self, address: object) -> Visitor:
        if self.kind != "local":
            assert isinstance(address, tuple)
            return Visitor(address[0], certificate=None if self.tls else "")
        found = credentials(self.sock)
        if found is None:
            return Visitor()
        self.pid, uid, self.group = found
        return Visitor(uid=uid)

    def status(self) -> dict[str, object]:
        """Plain values about it; times in seconds, sizes in bytes."""
        link, visitor = self.link, self.visitor
        interest = self.client.interest if self.client else Interest()
        return {
            "number": self.number,
            "address": self.address,
            "kind": self.kind,
            "user": user_name(visitor.uid) if self.kind == "local" else "",
            "certificate": visitor.certificate or "",
            "connected_s": time.monotonic() - self.since,
            "rule": "" if interest.rule is EVERYTHING else interest.rule.name,
            "read_only": interest.rule.read_only,
            "subscriptions": _subscriptions(interest),
            "received_messages": link.received_messages if link else 0,
            "received_bytes": link.received_bytes if link else 0,
            "sent_messages": link.sent_messages if link else 0,
            "sent_bytes": link.sent_bytes if link else 0,
            "queue_bytes": link.queue.size if link else 0,
        }


class ClientRegistry:
    """Who is connected, the door that they came through, and the lines that they cause in the log.

    Arguments:
        policy: who may come in.
        counters: where refusals and closed clients are counted.
    """

    def __init__(self, policy: ClientPolicy, counters: Counters) -> None:
        self.door = Door(policy, counters)
        self.lines = Lines()
        self._counters = counters
        self._connections: dict[Connection, None] = {}
        self._of_address: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def admit(self, connection: Connection) -> bool:
        """Let a newcomer in, or turn it away, which closes its socket; whoever was let in has to `release` it."""
        refusal = self._refusal(connection.visitor)
        if refusal is not None:
            self.door.turn_away(connection.sock, connection.origin, connection.visitor, refusal)
            return False
        self._connections[connection] = None
        self._of_address.setdefault(connection.visitor.address, {})[connection] = None
        return True

    def release(self, connection: Connection) -> None:
        """A client has gone."""
        del self._connections[connection]
        if connection.link is not None:
            self._counters.client_left(connection.kind, connection.link)
        address = connection.visitor.address
        del self._of_address[address][connection]
        if not self._of_address[address]:
            del self._of_address[address]

    def refuse(self, connection: Connection, refusal: Refusal) -> None:
        """Turn a client away after it was let in: its certificate, known by now, says so."""
        self.door.note(connection.origin, connection.visitor, refusal)
        assert connection.link is not None
        dismiss(connection.link, refusal.reason)

    def close(self, connection: Connection, word: str, reason: str) -> None:
        """Close a client, which hears why; `word` is what it is counted by, `reason` a clause.

        One that has not come as far as its first message by TLS could not read it.
        """
        link = connection.link
        if link is None or link.is_ended:
            return
        self._counters.closed[word] += 1
        if connection.tls and not link.received_messages:
            link.abort(reason)
        else:
            dismiss(link, reason)

    def disconnect(self, number: int, reason: str) -> None:
        """An operator closes a client; raises ClientError when there is no such one."""
        for connection in self._connections:
            if connection.number == number and number:
                self.close(connection, "operator", reason)
                return
        raise ClientError(f"there is no client {number}; the list of clients has those that there are")

    def _refusal(self, visitor: Visitor) -> Refusal | None:
        """Why a newcomer is not let in; clients that have left, but were not seen to yet, take nobody's place."""
        everybody, neighbours = self._connections, self._of_address.get(visitor.address, {})
        refusal = self.door.refusal(visitor, len(everybody), len(neighbours))
        if refusal is None or not refusal.is_for_now:
            return refusal
        remaining = (len(group) - len(_gone(group, _LEFT)) for group in (everybody, neighbours))
        refusal = self.door.refusal(visitor, *remaining)
        if refusal is None:
            policy = self.door.policy
            self._make_room(everybody, policy.max_clients)
            self._make_room(neighbours if visitor.address else {}, policy.max_per_address)
        return refusal

    def _make_room(self, group: Iterable[Connection], limit: int) -> None:
        """End those who have closed their own side and only read: otherwise any number of them could."""
        present = [connection for connection in group if not _has_ended(connection)]
        gone = set(_gone(present, 0))
        lingering = [connection for connection in present if connection.is_lingering and connection not in gone]
        excess = len(present) - len(gone) + 1 - limit if limit else 0
        for connection in lingering[: max(0, excess)]:
            self.close(connection, "lingering", "it had closed its own side, and a newcomer needed the place")

    def statuses(self) -> list[dict[str, object]]:
        """Plain values about every client, in the order in which they came."""
        return [connection.status() for connection in self._connections if connection.number]


def _has_ended(connection: Connection) -> bool:
    return connection.link is not None and connection.link.is_ended


def _gone(connections: Iterable[Connection], event: int) -> list[Connection]:
    """Those that are closed, or whose peer has gone; with `_LEFT` those too whose peer has closed its side."""
    poll = select.poll()
    of_fd: dict[int, Connection] = {}
    gone = []
    for connection in connections:
        fd = connection.sock.fileno()
        if fd < 0:
            gone.append(connection)
        else:
            of_fd[fd] = connection
            poll.register(fd, event)
    return gone + [of_fd[fd] for fd, _ in poll.poll(0)]


def _text_of(address: object) -> str:
    """`host:port`, with brackets around IPv6."""
    assert isinstance(address, tuple)
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _subscriptions(interest: Interest) -> list[str]:
    """What a client asked for: everything, devices and properties."""
    scopes = interest.scopes
    # Sorting all that a hostile client has subscribed to could take a second.
    some = sorted(islice(scopes, _MAX_LISTED))
    listed = [shown(f"{device}.{name}" if name else device) for device, name in some]
    if len(scopes) > len(some):
        listed.append(f"and {len(scopes) - len(some)} more")
    return ["everything", *listed] if interest.everything else listed
