"""A client's greenlet: reads what it sends, until it goes or has to."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from indigevent import fdpass
from indigevent.logs import log
from indigevent.protocol.message import Message
from indigevent.routing.access import rule_for
from indigevent.routing.peers import Client
from indigevent.server.clients.door import Refusal, denial
from indigevent.server.clients.patience import Patience, Rate
from indigevent.server.clients.registry import Connection
from indigevent.server.faults import FaultLog
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.server.traffic import FaultCount, count_faults
from indigevent.server.transports.tls import TlsChannel

# After it has closed its writing side a client may still wait for the answers to what it asked.
_LINGER_S = 2.0
# Every device and property that a client names is remembered; this is room for 50,000.
_MAX_INTEREST_BYTES = 16 << 20


def serve_client(connection: Connection, house: House) -> None:
    """Serve one client on a connection that was let in, until its end."""
    _Service(connection, house).run()


class _Service:
    """One client at work."""

    def __init__(self, connection: Connection, house: House) -> None:
        is_local = connection.kind == "local"
        number = connection.number = house.next_number()
        channel = TlsChannel(connection.sock, connection.tls, server_side=True) if connection.tls else None
        link = Link(channel or connection.sock, f"Client {number}", takes_fds=is_local)
        policy = house.clients.door.policy
        self._connection = connection
        self._house = house
        self._channel = channel
        self._link = connection.link = link
        self._client = Client(link.label, number, link, takes_attached=is_local and fdpass.SUPPORTED)
        self._warn = partial(house.clients.lines.warn, connection.company)
        self._faults = FaultLog(link.label, self._warn)
        self._fault_count = FaultCount()
        self._rules = policy.rules
        self._rate = Rate(policy.max_rate)
        self._patience = Patience(link, policy.message_timeout_s, self._close)
        self._is_denied = False

    def run(self) -> None:
        """Read until the end."""
        link, client = self._link, self._client
        if log.isEnabledFor(logging.INFO):
            log.info("%s: new arrival from %s - welcome!", link.label, self._connection.origin)
        try:
            if self._channel is None:
                self._introduce("")
            self._read()
            self._patience.close()
            if link.end_reason:
                self._report_end()
            elif self._house.switchboard.table.is_subscribed(client):
                self._connection.is_lingering = True
                link.linger(_LINGER_S)
                if link.is_aborted:
                    self._report_end()
        finally:
            self._patience.close()
            # It refers to us: in that cycle what TLS holds would wait for Python's collector.
            del self._patience
            if self._connection.client is not None:
                self._house.switchboard.client_gone(client)
            link.close()
        log.info("%s: shut down complete - bye!", link.label)

    def _read(self) -> None:
        link = self._link
        for messages in link.batches():
            if messages:
                self._route(messages)
            self._patience.note(bool(messages))
            found = link.framer.take_faults()
            if found or link.framer.repaired != self._fault_count.repaired_in_run:
                count_faults(self._house.counters, self._fault_count, found, link.framer.repaired)
            if found:
                self._faults.note(found)
                if self._faults.is_flood:
                    self._close("malformed", "it keeps sending malformed elements")
        if not link.end_reason:
            log.info("%s: read EOF", link.label)

    def _route(self, messages: list[Message]) -> None:
        if self._connection.client is None:
            self._introduce(self._channel.peer_name() if self._channel else "")
        if not self._is_denied:
            self._house.switchboard.from_client(self._client, messages)
        if self._rate.is_exceeded(len(messages)):
            self._close("rate", "it sends more messages than --max-rate allows")
        if self._client.interest.size_bytes > _MAX_INTEREST_BYTES:
            self._close("names", "it has named more devices and properties than any client needs")

    def _introduce(self, certificate: str) -> None:
        """Find the client's rule, now that all is known of it; only then anything is routed from it or to it."""
        connection = self._connection
        connection.visitor = replace(connection.visitor, certificate=certificate)
        rule = rule_for(connection.visitor, self._rules)
        assert rule is not None
        if rule.deny:
            self._is_denied = True
            self._house.clients.refuse(connection, denial(rule))
            return
        self._client.interest.rule = rule
        self._house.switchboard.table.add_client(self._client)
        connection.client = self._client

    def _close(self, word: str, reason: str) -> None:
        self._house.clients.close(self._connection, word, reason)

    def _report_end(self) -> None:
        connection, link = self._connection, self._link
        if self._channel is not None and not self._channel.opened.is_set():
            refusal = Refusal("tls", link.end_reason.removeprefix("read: "))
            self._house.clients.door.note(connection.origin, connection.visitor, refusal)
        elif not self._is_denied:
            tell = self._warn if link.is_aborted else log.info
            tell("%s: closed: %s", link.label, link.end_reason)
