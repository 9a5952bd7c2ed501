"""One read's deliveries: messages for the same recipients become one piece, each touched queue is flushed once.

The slow-reader policies are here: a reader more than `-d` behind misses frames of streams, a client more than `-m`
behind is closed, and so is a remote; a driver that far behind loses what is sent to it until it reads again.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

from indigevent.logs import log
from indigevent.protocol.message import BlobMessage, Message
from indigevent.routing.outbound import OutboundQueue
from indigevent.routing.peers import Client, Driver, Peer
from indigevent.routing.table import Recipients
from indigevent.server.blobs import BlobForms
from indigevent.server.counters import Counters
from indigevent.server.turns import Turns

# However small they are, BLOBs in shared memory that wait for one peer must not use up our descriptors.
_MAX_QUEUED_HANDLES = 512


@dataclass
class QueueLimits:
    """How far peers may be behind, in bytes (`max_stream_bytes` 0: frames are never dropped), and who is."""

    max_queue_bytes: int
    max_stream_bytes: int
    counters: Counters = field(default_factory=Counters)
    deaf_drivers: weakref.WeakSet[Driver] = field(default_factory=weakref.WeakSet)

    def is_behind(self, peer: Peer) -> bool:
        """Whether a reader should miss frames of streams."""
        return 0 < self.max_stream_bytes < peer.outlet.queue.size


class Delivery:
    """Collects what one batch of messages means for the queues; `finish` (or `flush`) lets the peers have it."""

    def __init__(self, limits: QueueLimits, turns: Turns) -> None:
        self._limits = limits
        self._turns = turns
        self._run: list[bytes] = []
        self._run_recipients: Recipients = ()
        self._touched: dict[Peer, None] = {}

    def add(self, message: Message, recipients: Recipients) -> None:
        """A message without BLOBs; consecutive ones for the same group are gathered."""
        if recipients is not self._run_recipients:
            self.close_run()
            self._run_recipients = recipients
        self._run.append(message.parts[0])

    def close_run(self) -> None:
        """Queue what was gathered; later messages must not overtake it."""
        run, recipients = self._run, self._run_recipients
        if run:
            self._run = []
            self._queue_run(run, b"\n".join([*run, b""]), recipients)
            self._touched.update(dict.fromkeys(recipients))

    def _deliver_run(self) -> None:
        """What was gathered is all that there is: peers for whom nothing waits get it without a queue."""
        run = self._run
        data = b"\n".join([*run, b""])
        size, count = len(data), len(run)
        limit = self._limits.max_queue_bytes - size
        now, later = self._turns.share(self._run_recipients)
        for peer in now:
            outlet = peer.outlet
            if outlet.queue.size <= limit:
                outlet.sent_messages += count
                outlet.deliver(data, size)
            else:
                self._push_singly(peer, run)
                self._touched[peer] = None
        if later:
            self._queue_run(run, data, later)

    def _queue_run(self, run: list[bytes], data: bytes, peers: Sequence[Peer]) -> None:
        """Queue messages, `data` in one piece, for peers who are written to later."""
        size, count = len(data), len(run)
        limit = self._limits.max_queue_bytes - size
        for peer in peers:
            outlet = peer.outlet
            if outlet.queue.size <= limit:
                outlet.sent_messages += count
                outlet.queue.push_piece(data, size)
            else:
                self._push_singly(peer, run)

    def push(self, peer: Peer, data: bytes) -> None:
        """Queue bytes for one peer, after everything before them."""
        self.close_run()
        if self._may_push(peer):
            peer.outlet.sent_messages += 1
            peer.outlet.queue.push_piece(data, len(data))
            self._touched[peer] = None

    def push_blob(self, peer: Peer, forms: BlobForms) -> None:
        """Queue a BLOB message for one peer."""
        if self._may_push(peer):
            peer.outlet.sent_messages += 1
            forms.push(peer)
            self._touched[peer] = None

    def takers_of_blob(self, message: BlobMessage, recipients: Recipients) -> Sequence[Peer]:
        """The recipients without those that are too far behind for a frame of a stream."""
        if not message.is_stream:
            return recipients
        return [peer for peer in recipients if not self._limits.is_behind(peer)]

    def finish(self) -> None:
        """Let the peers have what was gathered."""
        if self._touched:
            self.close_run()
        elif self._run and self._run_recipients:
            self._deliver_run()
        if self._touched:
            self.flush()

    def flush(self) -> None:
        """Let every peer that something was queued for have it."""
        touched, self._touched = self._touched, {}
        self._turns.flush(list(touched))

    def _push_singly(self, peer: Peer, run: Sequence[bytes]) -> None:
        """Near its limit a peer gets message by message, so that it is over by one at most."""
        for data in run:
            if not self._may_push(peer):
                return
            peer.outlet.sent_messages += 1
            peer.outlet.queue.push_piece(data + b"\n", len(data) + 1)

    def _may_push(self, peer: Peer) -> bool:
        """The -m policy; it looks at what waits already, so a queue is over its limit by one message at most."""
        limits = self._limits
        queue = peer.outlet.queue
        if not self._is_over(queue):
            return True
        peer.outlet.flush()  # perhaps it was not given the chance to read
        if not self._is_over(queue):
            return True
        behind = queue.behind
        if isinstance(peer, Driver) and not peer.remote:
            self._driver_is_deaf(peer, behind)
            return False
        limits.counters.closed["behind"] += 1
        what = "client" if isinstance(peer, Client) else "remote"
        handles = f" and {queue.handles} file descriptors" if queue.handles else ""
        allowed = f"-m {limits.max_queue_bytes >> 20} MB"
        peer.outlet.abort(f"{behind} bytes{handles} behind, which is more than {allowed} allows a {what}")
        return False

    def _is_over(self, queue: OutboundQueue) -> bool:
        return queue.behind > self._limits.max_queue_bytes or queue.handles > _MAX_QUEUED_HANDLES

    def _driver_is_deaf(self, driver: Driver, behind: int) -> None:
        limits = self._limits
        limits.counters.dropped_messages += 1
        if driver not in limits.deaf_drivers:
            limits.deaf_drivers.add(driver)
            log.warning("%s: does not read; %d bytes wait, more for it is dropped", driver.label, behind)
        driver.on_drop()
