"""Turns: what many peers are to get is written to a few at a time, and everybody else has a turn in between.

A peer that was not written to lately is served at once while the few of this turn last; the others wait, in the order
in which they came, and what comes for them meanwhile goes with the same system call. So the answer to a command does
not wait behind hundreds of copies of the command, and the more there is to do, the less each message costs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice

import gevent

from indigevent.routing.peers import Peer
from indigevent.server.greenlets import give_turn, spawn

# So many system calls take as long as a message does on its way through the server: 50 microseconds or less.
FEW = 8


class Turns:
    """The peers that are to be written to (`waiting`) or just were (`served`), and the greenlet that writes."""

    def __init__(self) -> None:
        self.waiting: dict[Peer, None] = {}
        self.served: set[Peer] = set()
        self._writer: gevent.Greenlet | None = None

    def share(self, peers: Sequence[Peer]) -> tuple[Sequence[Peer], Sequence[Peer]]:
        """Who of these is to be written to at once, and who in turn: the latter are remembered."""
        waiting, served = self.waiting, self.served
        if not waiting and len(peers) <= FEW:
            return peers, ()
        now: list[Peer] = []
        later: list[Peer] = []
        for peer in peers:
            is_next = len(now) < FEW and peer not in waiting and peer not in served
            (now if is_next else later).append(peer)
        if later:
            waiting.update(dict.fromkeys(later))
            served.update(now)
            self._begin()
        return now, later

    def flush(self, peers: Sequence[Peer]) -> None:
        """Let these peers have what is queued for them."""
        for peer in self.share(peers)[0]:
            peer.outlet.flush()

    def _begin(self) -> None:
        if self._writer is None:
            self._writer = spawn("writer to many peers", self._write, on_failure=self._failed)

    def _write(self) -> None:
        """A few in each turn, or more: half as long as the others' turns took, so that nobody can hold this up."""
        done = time.monotonic()
        while self.waiting:
            give_turn()
            begun = time.monotonic()
            until = begun + (begun - done) / 2
            done = begun
            while self.waiting and done <= until:
                self._flush_few()
                done = time.monotonic()
        self.served.clear()
        self._writer = None

    def _flush_few(self) -> None:
        for peer in list(islice(self.waiting, FEW)):
            del self.waiting[peer]
            if peer in self.served:  # it is the first one's turn again
                self.served.clear()
            self.served.add(peer)
            peer.outlet.flush()

    def _failed(self, error: BaseException) -> None:
        """Whoever waits was not written to, and would be never: better no connection than a silent one."""
        self._writer = None
        self.served.clear()
        for peer in list(self.waiting):
            peer.outlet.abort(f"it could not be written to: {error}")
        self.waiting.clear()
