"""Turns: what many peers are to get is written to a few at a time, and everybody else has a turn in between.

Who spoke last is served first: so the answer to a command does not wait behind hundreds of copies of the command. The
others wait, in the order in which they came, and what comes for them meanwhile goes with the same system call: the
more there is to do, the less each message costs.
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
# How many of those who spoke last are remembered.
_SPEAKERS = 16


class Turns:
    """The peers that are to be written to (`waiting`), and the greenlet that writes."""

    def __init__(self) -> None:
        self.waiting: dict[Peer, None] = {}
        self._speakers: dict[Peer, None] = {}
        self._writer: gevent.Greenlet | None = None

    def spoke(self, peer: Peer) -> None:
        """Something came from this peer."""
        speakers = self._speakers
        speakers.pop(peer, None)
        speakers[peer] = None
        if len(speakers) > _SPEAKERS:
            del speakers[next(iter(speakers))]

    def gone(self, peer: Peer) -> None:
        """Nothing comes from this peer any more."""
        self._speakers.pop(peer, None)

    def share(self, peers: Sequence[Peer]) -> tuple[Sequence[Peer], Sequence[Peer]]:
        """Who of these is to be written to at once, and who in turn: the latter are remembered."""
        waiting, speakers = self.waiting, self._speakers
        if not waiting and len(peers) <= FEW:
            return peers, ()
        now: list[Peer] = []
        later: list[Peer] = []
        for peer in peers:
            (now if peer in speakers and peer not in waiting else later).append(peer)
        if later:
            waiting.update(dict.fromkeys(later))
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
        self._writer = None

    def _flush_few(self) -> None:
        for peer in list(islice(self.waiting, FEW)):
            del self.waiting[peer]
            peer.outlet.flush()

    def _failed(self, error: BaseException) -> None:
        """Whoever waits was not written to, and would be never: better no connection than a silent one."""
        self._writer = None
        for peer in list(self.waiting):
            peer.outlet.abort(f"it could not be written to: {error}")
        self.waiting.clear()
