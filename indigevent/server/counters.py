"""What happened since the start, counted: nothing is dropped, refused or closed without a trace here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
    """

    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    not_allowed: Counter[str] = field(default_factory=Counter)
    dropped_frames: int = 0
    dropped_messages: int = 0
