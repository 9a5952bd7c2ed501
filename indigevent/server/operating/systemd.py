"""What systemd is told: ready, reloading, stopping, and in its watchdog's time that the hub still turns.

The protocol is a datagram of `NAME=value` lines to the socket in $NOTIFY_SOCKET; see sd_notify(3) and
sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import gevent
from gevent import socket

from indigevent.logs import log

_OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
_SEND_TIMEOUT_S = 5.0
# For what is left to do when the drivers have ended.
_MARGIN_S = 5.0


class ServiceManager:
    """Systemd, or nobody: without $NOTIFY_SOCKET every call is without effect.

    Arguments:
        environment: the variables that this process was started with.

    Attributes:
        watchdog_s: seconds between signs of life, half of what systemd waits for one; 0 when it wants none.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._is_failing = False
        self.watchdog_s = _watchdog_s(environment) if self._address else 0.0

    def ready(self, status: str) -> None:
        """Clients can connect, or what `reloading` began is done; `status` is what `systemctl status` shows."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """The configuration is read again; `ready` follows, whatever comes of it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str, within_s: float) -> None:
        """The server ends, in so many seconds at the latest: systemd is to wait so long before it kills all."""
        microseconds = int((within_s + _MARGIN_S) * 1_000_000)
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}", _status(status))

    def keep_watchdog(self) -> None:
        """The body of a greenlet that gives signs of life for ever: it runs only while the hub turns."""
        while True:
            self._send("WATCHDOG=1")
            gevent.sleep(self.watchdog_s)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(_SEND_TIMEOUT_S)
                sock.connect("\0" + self._address[1:] if self._address[0] == "@" else self._address)
                sock.send("\n".join(lines).encode(errors="backslashreplace"))
        except OSError as error:
            if not self._is_failing:
                log.warning("systemd is not told %s: %s (NOTIFY_SOCKET %s)", lines[0], error, self._address)
            self._is_failing = True
        else:
            self._is_failing = False


def for_drivers(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that systemd meant for this process alone."""
    return {name: value for name, value in environment.items() if name not in _OURS}


def _status(text: str) -> str:
    return "STATUS=" + text.replace("\n", " ")


def _watchdog_s(environment: Mapping[str, str]) -> float:
    microseconds = environment.get("WATCHDOG_USEC", "")
    is_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 2_000_000 if is_for_us and microseconds.isdecimal() else 0.0
