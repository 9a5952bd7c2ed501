"""Where a server is, and how a connection to it is made: TCP, TLS, or the local socket that BLOBs need no copy on."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indigevent import fdpass
from indigevent.client.tls import TlsStream, reason, send_all
from indigevent.errors import ClientError
from indigevent.protocol.constants import DEFAULT_PORT

_RENEW = "put right this computer's clock, or have the certificate renewed"
_RENAME = "say the host as its certificate does"
# By OpenSSL's codes: not valid yet, expired; another host's name, another address.
_WAYS_OUT = {9: _RENEW, 10: _RENEW, 62: _RENAME, 64: _RENAME}


class Stream(Protocol):
    """A connected byte stream; one thread reads, any may write."""

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[fdpass.BlobHandle]]:
        """Wait for bytes, and the descriptors that came with them; b"" at the end. TimeoutError when nothing comes."""

    def send(self, data: bytes) -> None:
        """Write all of it; TimeoutError when the server does not take it."""

    def end(self) -> None:
        """Wake up whoever reads or writes: it is over."""

    def close(self) -> None:
        """Close the descriptor; only the reader may."""


@dataclass(frozen=True)
class Endpoint:
    """A server's address; `local` is the path of its local socket, `tls` how to trust it."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    local: str = ""
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.host.count(":") > 1 and self.host[0] != "[" else self.host
        return self.local or f"{host}:{self.port}"

    def open(self, timeout_s: float) -> Stream:
        """Connect; every later read, and each piece that is written, has the same timeout, in seconds.

        Raises ClientError, naming the address and the cause.
        """
        try:
            sock = _connect_local(self.local, timeout_s) if self.local else self._connect(timeout_s)
        except (OSError, ValueError) as error:
            cause = _cause(error)
            raise ClientError(
                f"no INDI server at {self}: {cause}; start one, or say where it is (host and port, or its local socket)"
            ) from None
        if self.local:
            return LocalStream(sock)
        return TcpStream(sock) if self.tls is None else self._secured(sock, self.tls)

    def _connect(self, timeout_s: float) -> socket.socket:
        if not 0 < int(self.port) < 1 << 16:
            raise ValueError("a port is from 1 to 65535")
        sock = socket.create_connection((self.host, self.port), timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return sock

    def _secured(self, sock: socket.socket, context: ssl.SSLContext) -> Stream:
        try:
            return TlsStream(sock, context, self.host)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            raise ClientError(f"no TLS with {self}: {reason(error)}; {_way_out(error)}") from None


class TcpStream:
    """A plain TCP connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[fdpass.BlobHandle]]:
        """Wait for bytes."""
        return self._sock.recv(max_bytes), ()

    def send(self, data: bytes) -> None:
        """Write all of it; the timeout begins anew whenever the server has taken something."""
        send_all(self._sock, data)

    def end(self) -> None:
        """Shut down both directions."""
        with contextlib.suppress(OSError):  # the server was quicker
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class LocalStream(TcpStream):
    """A connection to the local socket: BLOBs come as descriptors of shared memory."""

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[fdpass.BlobHandle]]:
        """Wait for bytes and descriptors."""
        data, handles, _ = fdpass.receive(self._sock, max_bytes)
        return data, handles


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "that is no host's name"
    return getattr(error, "strerror", None) or str(error) or "no answer"


def _connect_local(path: str, timeout_s: float) -> socket.socket:
    """The reference's local socket is in the abstract namespace."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout_s)
        sock.connect("\0" + path)
    except BaseException:
        sock.close()
        raise
    return sock


def _way_out(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        trust = "trust the authority of its certificate (--tls-ca FILE, or a context that knows it)"
        return _WAYS_OUT.get(error.verify_code, trust)
    return "its port for TLS may be another one, or it may want a certificate that it trusts"
