"""The last things that operators and scripts had the server do, each with what became of it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

_KEPT = 100


class Events:
    """The outcomes of the last 100 commands of the FIFO, the control socket and signals."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def record(self, source: str, command: str, outcome: str, ok: bool = True) -> None:
        """Keep what became of a command.

        Arguments:
            source: who asked, such as `FIFO` or `pid 4711 (user: observer)`.
            command: what was asked for, as it was written.
            outcome: a sentence for the operator.
            ok: it was carried out.
        """
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self._events.append({"time": now, "source": source, "command": command, "outcome": outcome, "ok": ok})

    def listed(self) -> list[dict[str, Any]]:
        """The events, the oldest first, as plain values; `time` is in UTC."""
        return list(self._events)
