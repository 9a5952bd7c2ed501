"""What a driver has sent and got through all its runs, good and malformed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indigevent.errors import RemoteProtocolError
from indigevent.server.counters import Counters
from indigevent.server.link import Link


@dataclass
class FaultCount:
    """A driver's malformed elements and repaired messages; the latter of the present run too, as its framer counts."""

    malformed: int = 0
    repaired: int = 0
    repaired_in_run: int = 0


def count_faults(
    counters: Counters, count: FaultCount, faults: Sequence[RemoteProtocolError], repaired_in_run: int
) -> None:
    """Add what one read brought to the driver's count and to everybody's."""
    count.malformed += len(faults)
    for fault in faults:
        counters.malformed[fault.kind] += 1
    repaired = repaired_in_run - count.repaired_in_run
    count.repaired_in_run = repaired_in_run
    count.repaired += repaired
    counters.repaired += repaired


@dataclass
class TrafficCount:
    """Messages and bytes of the runs that are over."""

    received_messages: int = 0
    received_bytes: int = 0
    sent_messages: int = 0
    sent_bytes: int = 0

    def add(self, link: Link) -> None:
        """A run with this link is over."""
        self.received_messages += link.received_messages
        self.received_bytes += link.received_bytes
        self.sent_messages += link.sent_messages
        self.sent_bytes += link.sent_bytes

    def with_link(self, link: Link | None) -> dict[str, object]:
        """The totals with those of the present run, if there is one; `queue_bytes` is what waits for the driver now."""
        total = TrafficCount(**vars(self))
        if link is not None:
            total.add(link)
        return {**vars(total), "queue_bytes": link.queue.size if link is not None else 0}
