"""One request to a server's control socket, and its answer; plain blocking code."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from indigevent.control import possible_paths, private_directory
from indigevent.errors import ClientError

_DEADLINE_S = 10.0
_READ_BYTES = 1 << 16


class NoServer(ClientError):
    """No server answers on the control socket; the text says which, and the way out."""


class Refusal(ClientError):
    """The server does not do what it was asked for; the text is its sentence."""


def ask(path: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send a request to the server whose control socket is at `path`, and return its answer.

    Raises NoServer when nobody answers within 10 s, and Refusal when the server says no.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_DEADLINE_S)
            sock.connect(path)
            sock.sendall(json.dumps(request).encode() + b"\n")
            line = _read_line(sock)
    except OSError as error:
        raise NoServer(_trouble(path, error)) from None
    return _understood(path, line)


def find_path(port: int, environ: Mapping[str, str]) -> str:
    """Return the control socket of the server on `port`: the first possible one that exists, or else the likeliest.

    Raises NoServer when that is in a directory of /tmp which somebody else has made, perhaps to be taken for a server.
    """
    paths = possible_paths(port, environ)
    path = next(filter(os.path.exists, paths), paths[0])
    directory = os.path.dirname(path)
    if directory == private_directory() and os.path.exists(path) and os.lstat(directory).st_uid != os.getuid():
        raise NoServer(f"directory {directory} is another user's; name the server's socket with --control FILE")
    return path


def _read_line(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(_READ_BYTES):
        parts.append(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)


def _understood(path: str, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise NoServer(f"the server on {path} ended the connection without an answer; its log says why")
    try:
        answer = json.loads(line)
        is_done = answer["ok"]
    except (ValueError, KeyError, TypeError):
        raise NoServer(f"who answers on {path} is no indigevent server; name its socket with --control") from None
    if not is_done:
        raise Refusal(str(answer.get("error")))
    return dict(answer)


def _trouble(path: str, error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"the server on {path} has not answered within {_DEADLINE_S:.0f} s; its process may be stopped"
    if isinstance(error, PermissionError):
        return f"the server on {path} belongs to another user; call indigevent-ctl as that user or as root"
    reason = error.strerror or str(error)
    return f"no server answers on {path} ({reason}); start it, or name it with --port PORT or --control FILE"
