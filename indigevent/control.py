"""What a server and `indigevent-ctl` agree on: where the control socket is, and how long a line on it may be.

Each line is an object of JSON: a request such as `{"command": "stop", "driver": "indi_eqmod_telescope"}`, and for each
request one answer, `{"ok": true, ...}` or `{"ok": false, "error": "a sentence"}`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

MAX_REQUEST_BYTES = 16 * 1024
# Where systemd puts RuntimeDirectory=indigevent; who calls ctl there has no variable that says so.
_SYSTEM_DIRECTORY = "/run/indigevent"


def default_path(port: int, environ: Mapping[str, str]) -> str:
    """Return where the server that listens on `port` has its control socket, unless it is told otherwise.

    That is in $RUNTIME_DIRECTORY, which systemd sets, in $XDG_RUNTIME_DIR, or in /tmp/indigevent-UID.
    """
    return possible_paths(port, environ)[0]


def possible_paths(port: int, environ: Mapping[str, str]) -> list[str]:
    """Return where the socket of the server on `port` may be, whoever started it, the likeliest first."""
    # systemd separates several directories by colons.
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    given = [directory for directory in (runtime, environ.get("XDG_RUNTIME_DIR", "")) if directory]
    directories = [*given, private_directory(), f"/run/user/{os.getuid()}", _SYSTEM_DIRECTORY]
    return [f"{directory.rstrip('/')}/indigevent-{port}.sock" for directory in dict.fromkeys(directories)]


def private_directory() -> str:
    """Return the directory that is used where the system has none for us."""
    return f"/tmp/indigevent-{os.getuid()}"
