"""What happened since the start, counted: nothing is dropped, refused or closed without a trace here."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

# From an idle driver here to one at the far end of a bad line, or busy with an exposure.
_PING_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Traffic(Protocol):
    """What a link has counted."""

    received_messages: int
    received_bytes: int
    sent_messages: int
    sent_bytes: int


class Histogram:
    """Durations in seconds, counted in fixed buckets: as much memory after a year as after a minute.

    `counts[n]` is how many were up to `bounds[n]` and longer than the bound before; the last one is of all longer ones.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, duration_s: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, duration_s)] += 1
        self.sum += duration_s


@dataclass
class Counters:
    """One for the daemon; its parts add to it where they log.

    Arguments:
        refused: connections turned away, by reason (a short word such as `network` or `max-clients`).
        closed: peers closed by us, by reason (`behind`, `silent`, `malformed`, ...).
        restarts: drivers started again, by reason (`exit`, `stalled`, `watchdog`, `memory`, `cpu`, `operator`, ...).
        malformed: elements dropped because they cannot be read, by kind of fault.
        repaired: messages that were made well-formed.
        not_allowed: messages of clients that their access rule does not allow, by rule.
        dropped_frames: frames of streams that slow readers missed.
        dropped_messages: messages for drivers that do not read.
        ping_seconds: how long drivers took to answer what the watchdog asked.
        past_clients: clients that have left, by kind (`tcp`, `tls` or `local`).
        past_received_messages, past_received_bytes, past_sent_messages, past_sent_bytes: what those had sent to us and
            got from us, by kind; with what the clients of the moment have, totals that never fall.
    """

    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    not_allowed: Counter[str] = field(default_factory=Counter)
    dropped_frames: int = 0
    dropped_messages: int = 0
    ping_seconds: Histogram = field(default_factory=lambda: Histogram(_PING_BOUNDS_S))
    past_clients: Counter[str] = field(default_factory=Counter)
    past_received_messages: Counter[str] = field(default_factory=Counter)
    past_received_bytes: Counter[str] = field(default_factory=Counter)
    past_sent_messages: Counter[str] = field(default_factory=Counter)
    past_sent_bytes: Counter[str] = field(default_factory=Counter)

    def client_left(self, kind: str, link: Traffic) -> None:
        """A client of this kind is no longer listed; to be called with nothing else happening between the two."""
        self.past_clients[kind] += 1
        self.past_received_messages[kind] += link.received_messages
        self.past_received_bytes[kind] += link.received_bytes
        self.past_sent_messages[kind] += link.sent_messages
        self.past_sent_bytes[kind] += link.sent_bytes
