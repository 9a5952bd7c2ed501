"""File descriptors that travel beside a stream (SCM_RIGHTS), and the shared memory that they stand for."""

from __future__ import annotations

import array
import fcntl
import os
import socket
from collections.abc import Sequence

# libindi attaches at most this many to one message.
MAX_FDS_PER_MESSAGE = 16
_F_GET_SEALS = getattr(fcntl, "F_GET_SEALS", 1034)
# Memory that was never written costs its owner nothing, but us its whole size when it has to be sent.
_MAX_HOLE_BYTES = 256 << 20
_BLOCK_BYTES = 512
_FD_BYTES = array.array("i").itemsize
# Plain integers: arithmetic with the enums of `socket` costs more than the system call.
_TRUNCATED = int(socket.MSG_CTRUNC)
_CLOSE_ON_EXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))
_ANCILLARY_BYTES = socket.CMSG_SPACE(MAX_FDS_PER_MESSAGE * _FD_BYTES)
SUPPORTED = hasattr(os, "memfd_create")


class BlobHandle:
    """One descriptor of shared memory; it is closed when the last message that uses it is gone."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)

    def holds(self, size: int) -> bool:
        """Whether this is shared memory of at least `size` bytes; reading anything else could block or fail."""
        try:
            fcntl.fcntl(self.fd, _F_GET_SEALS)
            is_readable = fcntl.fcntl(self.fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY
        except OSError:
            return False
        status = os.fstat(self.fd)
        is_hole = size > _MAX_HOLE_BYTES and status.st_blocks * _BLOCK_BYTES < size
        return is_readable and status.st_size >= size and not is_hole


def receive(sock: socket.socket, max_bytes: int) -> tuple[bytes, list[BlobHandle], bool]:
    """Read what is there, and the handles that came with it; the flag tells that handles were lost (MSG_CTRUNC).

    The kernel drops handles when this process has no descriptors left: that is our shortage, not the sender's fault.
    """
    data, ancillary, flags, _ = sock.recvmsg(max_bytes, _ANCILLARY_BYTES, _CLOSE_ON_EXEC)
    handles = []
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds = array.array("i")
            fds.frombytes(payload[: len(payload) - len(payload) % _FD_BYTES])
            handles += [BlobHandle(fd) for fd in fds]
    return data, handles, bool(flags & _TRUNCATED)


def send(sock: socket.socket, data: bytes, fds: Sequence[int]) -> int:
    """Write `data` with descriptors, which go with its first byte; the number of bytes taken."""
    return sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def new_memory() -> BlobHandle:
    """New shared memory, empty; raises OSError when there is no descriptor left for it."""
    return BlobHandle(os.memfd_create("indi-blob", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))


def write_all(handle: BlobHandle, piece: bytes) -> None:
    """Append to shared memory."""
    view = memoryview(piece)
    while view:
        view = view[os.write(handle.fd, view) :]


def read_at(handle: BlobHandle, offset: int, count: int) -> bytes:
    """Up to `count` bytes of shared memory; fewer only where it ends."""
    pieces = []
    while count and (piece := os.pread(handle.fd, count, offset)):
        pieces.append(piece)
        offset += len(piece)
        count -= len(piece)
    return b"".join(pieces)
