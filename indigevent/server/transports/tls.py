"""TLS as a filter over a non-blocking socket: nobody ever waits inside of it, so a link's reader and writer share it.

OpenSSL works on two buffers in memory. Reading drives the handshake: what arrives goes in, what it answers comes out
and is sent by the reader, who has nothing else to do then. Afterwards reading needs no writing (TLS 1.3 lets the answer
to a change of keys wait for the next piece; TLS 1.2 may not negotiate again), and each direction goes its own way.

The end: closing, and shutting down for writing, say so (close_notify) unless a piece is half sent; then the other side
sees a connection cut off, which it is. A peer that has shut down for writing still gets what is sent to it. Whoever has
shut down for writing should not expect an answer: OpenSSL may drop it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

import gevent.socket

from indigevent.errors import ConfigError
from indigevent.server.transports.channel import Channel, Piece

_PEM = b"-----BEGIN"
_READ_BYTES = 64 * 1024
# What OpenSSL answers by itself (a refusal to negotiate again, 30 bytes) goes with the next piece that is sent.
_MAX_ANSWER_BYTES = 4096
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate from us",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not accept our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "HTTP_REQUEST": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "its TLS is older than 1.2",
}


class TlsError(OSError):
    """The other side does not speak TLS as it has to; `strerror` is a clause for the log."""


class TlsChannel(Channel):
    """TLS over a connected non-blocking socket, which it takes over.

    Arguments:
        sock: the socket.
        context: from `server_context` or `client_context`.
        server_side: whether this is the side that was connected to.
        server_name: the name or address that the server's certificate must have, for the other side, which has to call
            `handshake` before anything else.

    `recv` raises TlsError, an OSError, when the handshake fails or the stream is damaged.
    """

    turn_bytes = 512 * 1024

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, server_side: bool, server_name: str | None = None
    ) -> None:
        super().__init__(sock)
        sock.setblocking(False)
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side, server_name)
        self._is_ready = False
        self._is_over = False
        self._is_closing = False

    def handshake(self) -> None:
        """Wait until the handshake is done; for the side that connects, and so has to speak first."""
        self._shake_hands()
        while not self._is_ready:
            gevent.socket.wait_read(self.fileno())
            with contextlib.suppress(BlockingIOError):
                self._take(self._below.recv(_READ_BYTES))

    def peer_name(self) -> str:
        """The common name of the peer's certificate, "" without one; known when the first message is there."""
        certificate: Any = self._tls.getpeercert() if self._is_ready else None
        subject: Any = (certificate or {}).get("subject", ())
        return next((str(value) for relative in subject for key, value in relative if key == "commonName"), "")

    def recv(self, max_bytes: int) -> bytes:
        """What arrived, in clear: all of it, which may be one record more than `max_bytes`."""
        data = self._below.recv(max_bytes)
        self._take(data)
        plain = self.take_early()
        if data and not plain and not self._is_over:
            raise BlockingIOError
        return plain

    def take_early(self) -> bytes:
        """What arrived in clear so far; before the first `recv`, together with the last of the handshake."""
        pieces = []
        try:
            while self._is_ready and not self._is_over:
                pieces.append(self._tls.read(_READ_BYTES))
                self._is_over = not pieces[-1]
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the end, when we have said so before
            self._is_over = True
        except ssl.SSLError as error:
            raise _tls_error("the TLS connection failed", error) from error
        if self._leaving.pending > _MAX_ANSWER_BYTES:
            raise TlsError(errno.EPROTO, "the TLS connection failed: it asks again and again to negotiate")
        if self._is_over:
            with contextlib.suppress(OSError):  # so that the next read finds the end, whoever keeps the socket open
                self._below.shutdown(socket.SHUT_RD)
        return b"".join(pieces)

    def shutdown(self, how: int) -> None:
        """Say that nothing more comes, and close one direction or both."""
        if how != socket.SHUT_RD:
            self._say_goodbye()
        super().shutdown(how)

    def close(self) -> None:
        """Say that nothing more comes, and close the socket."""
        self._say_goodbye()
        super().close()

    def _encoded(self, piece: Piece) -> bytes:
        if not self._is_ready:
            raise BlockingIOError
        self._tls.write(piece)
        return self._leaving.read()

    def _take(self, data: bytes) -> None:
        """Give OpenSSL what arrived."""
        self._arrived.write(data)
        if self._is_ready:
            return
        if not data:
            raise TlsError(errno.ECONNABORTED, "it has closed the connection before the TLS handshake was done")
        self._shake_hands()

    def _shake_hands(self) -> None:
        """Go on with the handshake as far as what arrived allows, and send what it answers."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._answer()
        except ssl.SSLError as error:
            with contextlib.suppress(OSError):  # it is told why, if it listens
                self._below.send(self._leaving.read())
            raise _tls_error("the TLS handshake failed", error) from error
        else:
            self._answer()
            self._is_ready = True
            self.opened.set()

    def _answer(self) -> None:
        """Send the handshake's own bytes, and wait until the socket has them all: nothing else can be done before."""
        self._unsent = self._leaving.read()
        while self._unsent:
            try:
                self._send_unsent()
            except BlockingIOError:
                gevent.socket.wait_write(self.fileno())

    def _say_goodbye(self) -> None:
        if self._is_ready and not self._unsent and not self._is_closing:
            self._is_closing = True
            with contextlib.suppress(OSError):  # the peer has not said so yet
                self._tls.unwrap()
            with contextlib.suppress(OSError):  # or is gone
                self._below.send(self._leaving.read())


def server_context(certificate: str, key: str | None, client_ca: str | None) -> ssl.SSLContext:
    """How to serve TLS clients, of version 1.2 and later.

    Arguments:
        certificate: path of the server's certificate and those between it and its authority (PEM).
        key: path of its key; None or "" when it is in the same file.
        client_ca: path of certificates of which one must have signed a client's; None or "" lets in clients without.

    Raises ConfigError with the file that does not do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _restrict(context)
    # Nobody comes back so often that resuming a session would be worth remembering it.
    context.num_tickets = 0
    _load_certificate(context, certificate, key or certificate)
    if client_ca:
        _load_authorities(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """How to connect to a server by TLS, whose certificate and name are checked.

    Arguments:
        ca: path of certificates of which one must have signed the server's (PEM); "" is the system's authorities.
        certificate: path of our own certificate; "" is none.
        key: path of its key; "" when it is in the same file.

    Raises ConfigError with the file that does not do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _restrict(context)
    if ca:
        _load_authorities(context, ca)
    else:
        context.load_default_certs()
    if certificate:
        _load_certificate(context, certificate, key or certificate)
    return context


def _restrict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    _check_readable("certificate", certificate)
    _check_readable("key", key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except _KeyIsLocked:
        raise ConfigError(f"TLS key {key} has a password, which nobody could enter; store it without one") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            trouble = f"TLS key {key} does not belong to certificate {certificate}; name the key of that certificate"
        else:
            trouble = (
                f"TLS certificate {certificate} with key {key} cannot be used ({_reason(error)}); PEM files are needed"
            )
        raise ConfigError(trouble) from error


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    _check_readable("authorities", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(
            f"TLS authorities {path} hold no certificate ({_reason(error)}); a PEM file is needed"
        ) from error


def _check_readable(what: str, path: str) -> None:
    """OpenSSL does not say which file it could not read, nor that one is no PEM file."""
    try:
        with Path(path).open("rb") as file:
            # A pipe, as in a shell's <(...), is OpenSSL's to read: nobody can do so twice.
            is_pem = not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or _PEM in file.read()
    except OSError as error:
        raise ConfigError(
            f"TLS {what} {path} cannot be read: {error.strerror}; check the path and who may read it"
        ) from error
    if not is_pem:
        raise ConfigError(f"TLS {what} {path} cannot be used: it is no PEM file, which has a line {_PEM.decode()} ...")


class _KeyIsLocked(Exception):
    """A key needs a password."""


def _no_password() -> str:
    """Instead of OpenSSL's question at the terminal."""
    raise _KeyIsLocked


def _tls_error(what: str, error: ssl.SSLError) -> TlsError:
    return TlsError(errno.EPROTO, f"{what}: {_reason(error)}")


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason as a clause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted, {error.verify_message.rstrip('.')}"
    reason = error.reason or "it is damaged"
    return _REASONS.get(reason, reason.lower().replace("_", " "))
