"""The ways to a remote server: TCP, TLS, and the system's ssh as a tunnel."""

from __future__ import annotations

import errno
import socket

import gevent
import gevent.socket

from indigevent.errors import ConfigError, DriverError
from indigevent.server.drivers.driver_process import DriverProcess, ShortOfDescriptors
from indigevent.server.house import House
from indigevent.server.listeners import tune_tcp
from indigevent.server.transports.channel import Channel
from indigevent.server.transports.tls import TlsChannel, client_context
from indigevent.supervision.specs import DriverSpec, RemoteSpec

_TIMEOUT_S = 10.0
# No terminal, no questions; a dead connection is found within a minute; what cannot be reached ends it.
_SSH_OPTIONS = (
    *("-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ExitOnForwardFailure=yes"),
    "-W",
)


class NotConnected(Exception):
    """A remote cannot be reached; the text is a clause that says why."""


class Connection:
    """A connection to a remote: `sock` is for a link, `process` is ssh's, if that is the way."""

    def __init__(self, sock: socket.socket | Channel, process: DriverProcess | None = None) -> None:
        self.sock = sock
        self.process = process

    def close(self) -> None:
        """Close what a link has not closed, and wait for the end of ssh."""
        self.sock.close()
        if self.process is not None:
            self.process.finish()


def connect(spec: RemoteSpec, house: House) -> Connection:
    """A connection to a remote; waits for it, with a limit, and raises NotConnected."""
    try:
        if spec.ssh:
            return _tunnel(spec, house)
        sock = _connected(spec)
        return Connection(_secured(sock, spec) if spec.tls else sock)
    except (OSError, UnicodeError) as error:  # a name with an empty or endless label is a UnicodeError
        reason = getattr(error, "strerror", None) or error
        raise NotConnected(f"{address_of(spec)} cannot be reached ({reason})") from error
    except (ConfigError, DriverError, ShortOfDescriptors) as error:
        raise NotConnected(f"{address_of(spec)} cannot be reached: {error}") from error


def address_of(spec: RemoteSpec) -> str:
    """What identifies the server that a remote is reached at: "host:port", and the way when that is not plain TCP."""
    place = _place(spec)
    if spec.ssh:
        return f"ssh://{spec.ssh}/{place}"
    return f"tls://{place}" if spec.tls else place


def _place(spec: RemoteSpec) -> str:
    return f"[{spec.host}]:{spec.port}" if ":" in spec.host else f"{spec.host}:{spec.port}"


def _connected(spec: RemoteSpec) -> socket.socket:
    connected = gevent.socket.create_connection((spec.host, spec.port), timeout=_TIMEOUT_S)
    sock = socket.socket(fileno=connected.detach())
    tune_tcp(sock)
    return sock


def _secured(sock: socket.socket, spec: RemoteSpec) -> TlsChannel:
    """The files are read each time: certificates are renewed."""
    try:
        context = client_context(spec.tls_ca, spec.tls_certificate, spec.tls_key)
        channel = TlsChannel(sock, context, server_side=False, server_name=spec.host)
        with gevent.Timeout(_TIMEOUT_S, OSError(errno.ETIMEDOUT, "it does not answer the TLS handshake")):
            channel.handshake()
    except BaseException:  # whoever stops the remote kills this greenlet
        sock.close()
        raise
    return channel


def _tunnel(spec: RemoteSpec, house: House) -> Connection:
    """Standard input and output of ssh are the connection. It ends with its input, or by the guardian's hand."""
    program = DriverSpec(spec.name, "ssh", (*_SSH_OPTIONS, _place(spec), spec.ssh))
    process = DriverProcess(
        program, house.environment, house.guardian, house.child_fd_limit, house.driver_defaults.stop_timeout_s
    )
    return Connection(process.sock, process)
