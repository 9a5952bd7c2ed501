"""A driver's connection to its server: INDI messages over two descriptors, with attached BLOBs where it can."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
from collections.abc import Iterator, Sequence

from indigevent import fdpass
from indigevent.driver.concurrency import Concurrency
from indigevent.errors import RemoteProtocolError
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message

_READ_BYTES = 256 * 1024
# A pipe that is ready for writing takes this much without blocking (POSIX's PIPE_BUF on Linux).
_PIPE_BYTES = 4096


class Channel:
    """Both directions; it owns the descriptors, which may be pipes or sockets, and closes them in `close`.

    Reading and writing wait, in the way of `concurrency`; one thread reads, one at a time writes.
    """

    def __init__(self, in_fd: int, out_fd: int, concurrency: Concurrency) -> None:
        self._framer = Framer()
        self._fds = (in_fd, out_fd)
        self._in = _socket(in_fd, concurrency)
        self._out = self._in if in_fd == out_fd else _socket(out_fd, concurrency)

    @property
    def can_attach(self) -> bool:
        """Whether BLOBs may be sent beside the stream."""
        return fdpass.SUPPORTED and _is_local(self._out)

    def batches(self) -> Iterator[tuple[list[Message], list[RemoteProtocolError]]]:
        """What each read brought, good messages and faults, until the server has gone."""
        while True:
            try:
                data, handles = self._read()
            except OSError:
                return
            if not data:
                return
            yield self._framer.feed(data, handles), self._framer.take_faults()

    def send(self, data: bytes, handles: Sequence[fdpass.BlobHandle] = ()) -> None:
        """Write all of `data`; raises OSError when the server has gone."""
        if not data:
            return
        view = memoryview(data)
        if handles and self._out is not None:
            view = view[fdpass.send(self._out, data, [handle.fd for handle in handles]) :]
        if self._out is not None:
            self._out.sendall(view)
            return
        while view:
            select.select([], [self._fds[1]], [])
            view = view[os.write(self._fds[1], view[:_PIPE_BYTES]) :]

    def hang_up(self) -> bool:
        """Make the reader end, from any thread; False where that cannot be done, as with pipes."""
        for sock in {self._in, self._out} - {None}:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        return self._in is not None

    def close(self) -> None:
        """Close both descriptors."""
        for fd, sock in dict(zip(self._fds, (self._in, self._out), strict=True)).items():
            if sock is None:
                os.close(fd)
            else:
                sock.close()

    def _read(self) -> tuple[bytes, list[fdpass.BlobHandle]]:
        if self._in is not None and _is_local(self._in):
            data, handles, _ = fdpass.receive(self._in, _READ_BYTES)
            return data, handles
        if self._in is not None:
            return self._in.recv(_READ_BYTES), []
        select.select([self._fds[0]], [], [])
        return os.read(self._fds[0], _READ_BYTES), []


def _socket(fd: int, concurrency: Concurrency) -> socket.socket | None:
    """A socket that waits, also when whoever made the descriptor (gevent, in a patched program) has it not wait."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return None
    sock = concurrency.new_socket(fd)
    sock.setblocking(True)
    return sock


def _is_local(sock: socket.socket | None) -> bool:
    return sock is not None and sock.family == socket.AF_UNIX
