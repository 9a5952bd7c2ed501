"""What holds for every test."""

from __future__ import annotations

import signal

_OF_A_TERMINAL = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


def pytest_configure() -> None:
    """Have signals do what they do at a terminal, in our child processes too: a shell's background job ignores them."""
    for number, handler in _OF_A_TERMINAL.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
