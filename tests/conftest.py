"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Have SIGINT do what it does at a terminal, in our child processes too: a shell's background job ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
