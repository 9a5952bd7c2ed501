"""Who can reach the server, in the words of its first lines: an open door is to be seen at every verbosity."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from indigevent.routing.access import Network
from indigevent.server.listeners import is_loopback


def reach(
    plain: Sequence[socket.socket], tls: Sequence[socket.socket], allow: Sequence[Network], asks_certificates: bool
) -> str:
    """A clause about the listening sockets.

    Arguments:
        plain, tls: the TCP sockets without and with TLS.
        allow: the networks that are let in; empty is all.
        asks_certificates: by TLS only clients with a certificate are let in.
    """
    whom = f"open to {', '.join(map(str, allow))}" if allow else "open to the network"
    if not all(map(is_loopback, plain)):
        return f"{whom}, without any password"
    if all(map(is_loopback, tls)):
        return "this machine only; --host 0.0.0.0 and --host :: open it to the network"
    return f"{whom} by TLS, {'with a certificate of the client' if asks_certificates else 'without any password'}"
