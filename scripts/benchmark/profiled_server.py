"""Our server under a sampling profiler, which begins at SIGUSR1 and writes at exit which lines had the CPU."""

from __future__ import annotations

import atexit
import collections
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from indigevent.cli.server import main

_DEPTH = 4
samples: collections.Counter[str] = collections.Counter()


def _sample(number: int, frame: FrameType | None) -> None:
    lines = []
    while frame is not None and len(lines) < _DEPTH:
        lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    samples[" < ".join(lines)] += 1


def _write() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    total = sum(samples.values()) or 1
    lines = [f"{100 * count / total:5.1f}% {where}" for where, count in samples.most_common(40)]
    Path(os.environ["BENCH_PROFILE"]).write_text("\n".join(lines) + "\n")


signal.signal(signal.SIGPROF, _sample)
signal.siginterrupt(signal.SIGPROF, False)
signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, 0.0005, 0.0005))
atexit.register(_write)
sys.exit(main())
