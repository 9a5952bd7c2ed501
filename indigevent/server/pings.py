"""Answers to `pingRequest`, libindi's flow control: a driver sends its next BLOB when the last one's ping was answered.

The answer comes as soon as the BLOB was taken in, except while every reader of it is more than `-d` behind; then it is
held back, for a second at most, since a libindi driver does nothing else while it waits.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import gevent

from indigevent.protocol import requests
from indigevent.protocol.message import Message
from indigevent.routing.peers import Driver, Peer
from indigevent.server.delivery import Delivery, QueueLimits
from indigevent.server.greenlets import spawn
from indigevent.server.turns import Turns

_MAX_HOLD_S = 1.0
_BLOB_PING = "SetBLOB/"


class PingDesk:
    """Answers every ping, and remembers who reads each driver's last BLOB."""

    def __init__(self, limits: QueueLimits, turns: Turns) -> None:
        self._limits = limits
        self._turns = turns
        self._readers: weakref.WeakKeyDictionary[Driver, Sequence[Peer]] = weakref.WeakKeyDictionary()

    def blob_sent(self, driver: Driver, readers: Sequence[Peer]) -> None:
        """A driver's BLOB was queued for these."""
        self._readers[driver] = readers

    def answer(self, peer: Peer, request: Message, delivery: Delivery) -> None:
        """Answer now, or when a reader of the driver's last BLOB has caught up."""
        reply = requests.ping_reply(request)
        readers = self._readers.pop(peer, ()) if isinstance(peer, Driver) else ()
        is_blob_ping = request.attributes.get("uid", "").startswith(_BLOB_PING)
        if is_blob_ping and self._all_behind(readers):
            spawn(
                f"ping of {peer.label}",
                self._answer_later,
                peer,
                reply,
                readers,
                on_failure=lambda error: peer.outlet.abort(f"its ping could not be answered: {error}"),
            )
        else:
            delivery.push(peer, reply)

    def _all_behind(self, readers: Sequence[Peer]) -> bool:
        return bool(readers) and all(self._limits.is_behind(reader) for reader in readers)

    def _answer_later(self, peer: Peer, reply: bytes, readers: Sequence[Peer]) -> None:
        with gevent.Timeout(_MAX_HOLD_S, False):
            while self._all_behind(readers):
                for reader in readers:
                    reader.outlet.progress.clear()
                gevent.wait([reader.outlet.progress for reader in readers], count=1)
        delivery = Delivery(self._limits, self._turns)
        delivery.push(peer, reply)
        delivery.finish()
