"""What becomes of a peer whose elements had to be dropped: logged once per kind, counted, in the end closed."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from indigevent.errors import RemoteProtocolError
from indigevent.logs import log

_MAX_FAULTS = 100
_WINDOW_S = 10.0


class FaultLog:
    """One peer's dropped elements; `label` is the peer's name in logs, `warn` logs as `log.warning` does."""

    def __init__(self, label: str, warn: Callable[..., None] = log.warning) -> None:
        self.counts: Counter[str] = Counter()
        self._label = label
        self._warn = warn
        self._is_warned = False
        self._times: deque[float] = deque(maxlen=_MAX_FAULTS)

    def note(self, faults: Sequence[RemoteProtocolError]) -> None:
        """Count the faults, log the first of each kind, and once that there is no end of them."""
        for fault in faults:
            self.counts[fault.kind] += 1
            self._times.append(time.monotonic())
            if self.counts[fault.kind] == 1:
                self._warn("%s: %s (more of this kind are only counted)", self._label, fault)
        if self.is_flood and not self._is_warned:
            self._is_warned = True
            self._warn("%s: keeps sending malformed elements, %d until now", self._label, self.counts.total())

    @property
    def is_flood(self) -> bool:
        """Whether there were 100 of them within 10 s."""
        return len(self._times) == _MAX_FAULTS and self._times[-1] - self._times[0] <= _WINDOW_S
