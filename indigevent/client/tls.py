"""TLS as a filter over a socket, so that one thread reads while others write: an SSLSocket does not allow that.

OpenSSL works on two buffers in memory, under a lock that nobody holds while waiting for the network (one SSLSocket in
two threads is safe since Python 3.13 only).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Sequence

from indigevent import fdpass

_PIECE_BYTES = 1 << 18
# What OpenSSL answers by itself goes with the next piece that is sent; a server that asks for more is none.
_MAX_ANSWER_BYTES = 4096


class TlsStream:
    """TLS over a connected socket, which it takes over when the handshake is done.

    Arguments:
        sock: the socket, with a timeout.
        context: how to trust the server.
        host: the name or address that its certificate must have.

    Raises OSError when the handshake fails; `reason` says why.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._shake_hands()

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[fdpass.BlobHandle]]:
        """Wait for bytes, in clear."""
        while True:
            plain = self._take_plain(max_bytes)
            if plain is not None:
                return plain, ()
            self._feed(self._sock.recv(max_bytes))

    def send(self, data: bytes) -> None:
        """Write all of it; the timeout begins anew whenever the server has taken something."""
        view = memoryview(data)
        with self._write_lock:
            while view:
                with self._lock:
                    taken = self._tls.write(view[:_PIECE_BYTES])
                    secret = self._leaving.read()
                view = view[taken:]
                send_all(self._sock, secret)

    def end(self) -> None:
        """Shut down both directions."""
        with contextlib.suppress(OSError):  # the server was quicker
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                send_all(self._sock, self._leaving.read())
                self._feed(self._sock.recv(_PIECE_BYTES))
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # it is told why, if it listens
                    send_all(self._sock, self._leaving.read())
                raise
            else:
                send_all(self._sock, self._leaving.read())
                return

    def _take_plain(self, max_bytes: int) -> bytes | None:
        """What has arrived in clear, b"" at the end, None when nothing has."""
        pieces: list[bytes] = []
        with self._lock:
            try:
                while sum(map(len, pieces)) < max_bytes and (not pieces or pieces[-1]):
                    pieces.append(self._tls.read(max_bytes))
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):  # it said no goodbye, or after we did
                pieces.append(b"")
            except ssl.SSLError as error:
                raise ConnectionError(f"the TLS connection failed: {reason(error)}") from error
            if self._leaving.pending > _MAX_ANSWER_BYTES:
                raise ConnectionError("the TLS connection failed: it asks again and again to negotiate")
        return b"".join(pieces) if pieces else None

    def _feed(self, data: bytes) -> None:
        with self._lock:
            if data:
                self._arrived.write(data)
            else:
                self._arrived.write_eof()


def send_all(sock: socket.socket, data: bytes) -> None:
    """Write everything; TimeoutError when nothing of it is taken for the socket's timeout."""
    view = memoryview(data)
    while view:
        view = view[sock.send(view) :]


def reason(error: OSError) -> str:
    """Why TLS failed, as a clause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted, {error.verify_message.rstrip('.')}"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ssl.SSLEOFError):
        return "it closed the connection during the handshake"
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "it does not speak TLS on this port"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "unknown").lower().replace("_", " ")
    return error.strerror or str(error)
