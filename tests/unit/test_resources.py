"""Measuring processes: what a busy one uses is seen, one that has ended is no trouble, and nobody is held up."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import psutil
import pytest

from indigevent.server.operating.resources import Meter
from indigevent.supervision.limits import LimitWatch, Usage

BUSY = "import sys; data = bytearray(50 << 20); print(flush=True)\nwhile True: pass"
# The machine may have much else to do; an idle process uses less than a tenth of a percent.
SHARE_PERCENT = 1.0
DEADLINE_S = 20.0


def wait_until_it_has_worked(pid: int) -> None:
    """Wait until a process has used another tenth of a second of a processor."""
    process, end_s = psutil.Process(pid), time.monotonic() + DEADLINE_S
    enough_s = process.cpu_times().user + 0.1
    while process.cpu_times().user < enough_s:
        assert time.monotonic() < end_s, "the busy process does not work"


def test_a_busy_process_is_seen_and_judged_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            meter, limits = Meter(process.pid), LimitWatch(40 << 20, SHARE_PERCENT, patience_s=0.05)
            first = meter.read()
            assert first.cpu_percent is None
            assert first.memory_bytes is not None
            assert first.memory_bytes > 50 << 20
            assert (first.descriptors, first.threads) == (len(os.listdir(f"/proc/{process.pid}/fd")), 1)
            found = {excess.kind for excess in limits.judge(first, time.monotonic())}
            share = 0.0
            for _ in range(2):
                wait_until_it_has_worked(process.pid)
                usage = meter.read()
                share = max(share, usage.cpu_percent or 0.0)
                found |= {excess.kind for excess in limits.judge(usage, time.monotonic())}
            assert found == {"memory", "cpu"}
            assert share >= SHARE_PERCENT
        finally:
            process.kill()
    assert meter.read() == Usage()


@pytest.mark.parametrize("has_looked", [False, True])
def test_without_a_free_descriptor_nothing_is_known(has_looked: bool) -> None:
    meter = Meter()
    if has_looked:
        meter.read()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        assert meter.read() == Usage()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert meter.read().memory_bytes is not None
