"""Where the log goes: stderr, or a file that begins anew by size or day; for the log's own thread, which may wait.

The standard library's handlers do not serve here: what they fail to write stays in their stream's buffer, a rotation
that fails costs the line and then every line, and nobody is told only once.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from typing import Protocol

from indigevent.errors import ConfigError

_STDERR = 2
_FILE_MODE = 0o640
# A FIFO without a reader is an error instead of a wait.
_OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_DAY_S = 86400


class Output(Protocol):
    """What takes the log's bytes."""

    name: str

    def write(self, data: bytes) -> None:
        """Write whole lines, or raise OSError; may wait."""

    def close(self) -> None:
        """Nothing more will be written."""


class Stderr:
    """Not through sys.stderr, whose buffer Python would wait to empty when the process ends."""

    name = "stderr"

    def write(self, data: bytes) -> None:
        """Write, however long its reader takes; raises OSError."""
        _write_all(_STDERR, data)

    def close(self) -> None:
        """It is not ours."""


class LogFile:
    """A file that lines are appended to, with FILE.1, FILE.2, … for the older ones.

    Only regular files are rotated. Every method but `reopen` belongs to one thread.

    Arguments:
        path: the file; made if missing, readable by its owner and group.
        max_bytes: begin a new file before this one would be larger; 0 is never.
        is_daily: begin a new file at midnight UTC.
        keep: how many older files to keep; 0 is none.

    Raises ConfigError when the file cannot be opened.
    """

    def __init__(self, path: str, max_bytes: int = 0, is_daily: bool = False, keep: int = 7) -> None:
        self.name = path
        self._max_bytes = max_bytes
        self._is_daily = is_daily
        self._keep = keep
        self._is_stale = False
        try:
            self._fd = _open(path)
        except OSError as error:
            raise ConfigError(
                f"the log file {path} cannot be opened: {error.strerror}; choose another with --log-file"
            ) from error
        self._begin(os.fstat(self._fd).st_mtime)

    def reopen(self) -> None:
        """Have the file opened anew by the next `write`, because it was moved away or deleted; from any thread."""
        self._is_stale = True

    def write(self, data: bytes) -> None:
        """Append whole lines, to a new file when it is time for one; raises OSError and leaves no part of them."""
        if self._is_deleted():
            self._replace(_open(self.name))
        elif self._is_stale:
            self._is_stale = False  # first: it may be moved away again while it is opened
            self._open_anew()
        if data and self._is_due(len(data)):
            self._rotate()
        append(self._fd, data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _begin(self, time_s: float) -> None:
        self._day = time_s // _DAY_S
        self._limit_bytes = self._max_bytes

    def _is_deleted(self) -> bool:
        """Whether what is written would be seen by nobody."""
        status = os.fstat(self._fd)
        return stat.S_ISREG(status.st_mode) and not status.st_nlink

    def _is_due(self, more_bytes: int) -> bool:
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            return False
        if not status.st_size:
            self._day = time.time() // _DAY_S
            return False
        if self._max_bytes:
            return status.st_size + more_bytes > self._limit_bytes
        return self._is_daily and time.time() // _DAY_S != self._day

    def _rotate(self) -> None:
        try:
            self._make_room()
            self._replace(_open(self.name))
        except OSError as error:
            complain(f"The log file {self.name} grows: {error.strerror}; let the server write to its directory")
            self._day = time.time() // _DAY_S
            self._limit_bytes += self._max_bytes

    def _make_room(self) -> None:
        """Move each file one further; what would be beyond `keep` is gone."""
        folder, name = os.path.split(self.name)
        there = set(os.listdir(folder or "."))
        if not self._keep and name in there:
            os.unlink(self.name)
        for number in range(self._keep, 0, -1):
            newer = f"{name}.{number - 1}" if number > 1 else name
            if newer in there:
                os.replace(os.path.join(folder, newer), f"{self.name}.{number}")

    def _open_anew(self) -> None:
        try:
            self._replace(_open(self.name))
        except OSError as error:
            complain(f"The log file {self.name} cannot be opened anew: {error.strerror}; the log stays in the old one")

    def _replace(self, fd: int) -> None:
        old, self._fd = self._fd, fd
        os.close(old)
        self._begin(os.fstat(fd).st_mtime)


def append(fd: int, data: bytes) -> None:
    """Write all to the end of a file, or raise OSError and leave nothing of it there."""
    done = 0
    try:
        while done < len(data):
            done += os.write(fd, data[done:])
    except OSError:
        status = os.fstat(fd)
        if done and stat.S_ISREG(status.st_mode):
            os.ftruncate(fd, status.st_size - done)
        raise


def complain(text: str) -> None:
    """Write a line to stderr unless that would have to wait for its reader."""
    poll = select.poll()
    poll.register(_STDERR, select.POLLOUT)
    if any(event & select.POLLOUT for _, event in poll.poll(0)):
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}: {text}\n"
        with contextlib.suppress(OSError):  # nobody is there to be told
            os.write(_STDERR, line.encode(errors="backslashreplace"))


def _open(path: str) -> int:
    fd = os.open(path, _OPEN_FLAGS, _FILE_MODE)
    os.set_blocking(fd, True)
    return fd


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # another process that shares it has made it non-blocking
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
