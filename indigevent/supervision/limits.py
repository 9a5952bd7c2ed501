"""When a driver uses more memory or processor than its config file allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Usage:
    """What a process uses: percent of one processor, bytes in memory, open descriptors, threads; None is unknown."""

    cpu_percent: float | None = None
    memory_bytes: int | None = None
    descriptors: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Excess:
    """A driver has gone over a limit; `text` is a clause about it, as in `uses 812 MB of memory, ...`."""

    kind: Literal["memory", "cpu"]
    text: str


class LimitWatch:
    """Judges one process's usage, and speaks once each time that it goes over a limit.

    Arguments:
        max_memory_bytes: memory that it may use; 0 is no limit.
        max_cpu: percent of a processor that it may use; 0 is no limit.
        patience_s: how long it may use more of the processor.
    """

    def __init__(self, max_memory_bytes: int, max_cpu: int, patience_s: float = 60.0) -> None:
        self._max_memory_bytes = max_memory_bytes
        self._max_cpu = max_cpu
        self._patience_s = patience_s
        self._is_told_of_memory = False
        self._is_told_of_cpu = False
        self._busy_since_s: float | None = None

    def judge(self, usage: Usage, now_s: float) -> list[Excess]:
        """What has begun to be too much with this look at it."""
        found = (self._judge_memory(usage.memory_bytes), self._judge_cpu(usage.cpu_percent, now_s))
        return [excess for excess in found if excess is not None]

    def _judge_memory(self, memory_bytes: int | None) -> Excess | None:
        if not self._max_memory_bytes or memory_bytes is None:
            return None
        is_first = memory_bytes > self._max_memory_bytes and not self._is_told_of_memory
        self._is_told_of_memory = memory_bytes > self._max_memory_bytes
        limit = self._max_memory_bytes / _MEGABYTE
        text = f"uses {memory_bytes / _MEGABYTE:.0f} MB of memory, more than the {limit:.0f} MB of its max-memory"
        return Excess("memory", text) if is_first else None

    def _judge_cpu(self, cpu_percent: float | None, now_s: float) -> Excess | None:
        if not self._max_cpu or cpu_percent is None:
            return None
        if cpu_percent <= self._max_cpu:
            self._busy_since_s = None
            self._is_told_of_cpu = False
            return None
        if self._busy_since_s is None:
            self._busy_since_s = now_s
        if self._is_told_of_cpu or now_s - self._busy_since_s < self._patience_s:
            return None
        self._is_told_of_cpu = True
        text = (
            f"has used {cpu_percent:.0f} % CPU, more than the {self._max_cpu} % of its max-cpu, "
            f"for {self._patience_s:.0f} s"
        )
        return Excess("cpu", text)
