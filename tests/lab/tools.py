"""INDI's own command line clients, as a user would call them."""

from __future__ import annotations

import subprocess

from .server import Server

GETPROP_S = 2


def start_getprop(server: Server, pattern: str = "*.*.*") -> subprocess.Popen[str]:
    """Start `indi_getprop`, which listens for GETPROP_S seconds."""
    words = ["indi_getprop", "-h", "127.0.0.1", "-p", str(server.port), "-t", str(GETPROP_S), pattern]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def properties(getprop: subprocess.Popen[str]) -> dict[str, str]:
    """Wait for a started `indi_getprop`; return values by `device.property.element`, the last one where many came."""
    output, errors = getprop.communicate(timeout=30)
    assert getprop.returncode == 0, errors
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def setprop(server: Server, *settings: str) -> None:
    """Run `indi_setprop` with settings like `device.property.element=value`."""
    words = ["indi_setprop", "-h", "127.0.0.1", "-p", str(server.port), *settings]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
