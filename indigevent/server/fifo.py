"""The FIFO: commands that start and stop drivers, one a line, written there by scripts and by indiwebmanager."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import gevent
from gevent.event import Event

from indigevent.errors import ConfigError, DriverError
from indigevent.logs import log
from indigevent.supervision.specs import FifoCommand, parse_fifo_command

_READ = 1
_READ_BYTES = 4096
_MAX_LINE_BYTES = 4096


class Fifo:
    """Reads commands until killed; `run` is the body of its greenlet.

    Arguments:
        path: made when it is missing, and again when it is deleted.
        on_command: carries a command out, and says in a sentence what it did; may raise DriverError.
        record: keeps who asked ("FIFO"), the command, what became of it, and whether it was carried out.
    """

    def __init__(
        self,
        path: str,
        on_command: Callable[[FifoCommand], str],
        record: Callable[[str, str, str, bool], None],
    ) -> None:
        self._path = path
        self._on_command = on_command
        self._record = record
        self._wake = Event()
        self._fd = -1
        self._rest = b""
        self._is_overlong = False
        self._trouble = ""

    def run(self) -> None:
        """Serve the FIFO, and wait for it to become one again when something else is in its place."""
        changes = gevent.get_hub().loop.stat(self._path)
        changes.start(self._wake.set)
        try:
            while True:
                self._wake.clear()
                self._ensure_open()
                self._serve_until_changed()
        finally:
            changes.close()
            self._close()

    def _ensure_open(self) -> None:
        """Have the FIFO that is at the path now open for reading, if there is one."""
        try:
            if not os.path.lexists(self._path):
                os.mkfifo(self._path, 0o600)
            if not stat.S_ISFIFO(os.stat(self._path).st_mode):
                raise ConfigError(_no_fifo(self._path))
            # Opened before the old one is closed: the kernel keeps what a new writer has put there already.
            opened = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ConfigError) as error:
            reason = _unusable(self._path, error) if isinstance(error, OSError) else str(error)
            self._close()
            self._report(reason)
            return
        self._close()
        self._fd = opened
        self._trouble = ""

    def _serve_until_changed(self) -> None:
        """Read commands until the writers have closed, or the path is something else."""
        if self._fd < 0:
            self._wake.wait()
            return
        readable = gevent.get_hub().loop.io(self._fd, _READ)
        readable.start(self._wake.set)
        try:
            while True:
                self._wake.wait()
                self._wake.clear()
                if not self._read() or not self._is_current():
                    break
        finally:
            readable.close()
        self._end_line()  # a last line without line end runs when the writer closes

    def _read(self) -> bool:
        """Take some of what is there; False when the writers have closed."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return True
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._end_line()
        self._add(rest)
        return bool(data)

    def _add(self, part: bytes) -> None:
        """A part of a line; of an endless one no more than its beginning is kept."""
        self._is_overlong = self._is_overlong or len(self._rest) + len(part) > _MAX_LINE_BYTES
        if not self._is_overlong:
            self._rest += part

    def _end_line(self) -> None:
        if self._is_overlong:
            self._refuse("", f"a line is longer than {_MAX_LINE_BYTES} bytes; it is not carried out")
        else:
            self._run_line(self._rest)
        self._rest = b""
        self._is_overlong = False

    def _is_current(self) -> bool:
        """Whether the FIFO that is open is still the one at the path."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._fd))
        except OSError:
            return False

    def _run_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if not text:
            return
        if not text.isprintable():
            self._refuse(ascii(text), f"{text!a} has control characters; it is not carried out")
            return
        log.info("FIFO: %s", text)
        try:
            self._record("FIFO", text, self._on_command(parse_fifo_command(text)), True)
        except ConfigError as error:
            log.warning("%s", error)
            self._record("FIFO", text, str(error), False)
        except DriverError as error:
            self._refuse(text, str(error))

    def _refuse(self, command: str, reason: str) -> None:
        log.warning("FIFO: %s", reason)
        self._record("FIFO", command, reason, False)

    def _report(self, trouble: str) -> None:
        """Log a trouble once, not at every change of the path."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("FIFO: %s", trouble)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _no_fifo(path: str) -> str:
    if os.path.isdir(path):
        return f"{path} is a folder; name a file in it with --fifo, and the FIFO is made there"
    return f"{path} is not a FIFO; remove it, and it is made anew"


def _unusable(path: str, error: OSError) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if isinstance(error, PermissionError):  # then the folder may be there, and not be seen
        owner = path if os.path.lexists(path) else folder
        way_out = f"let this server's user read and write {owner}, or choose another place with --fifo"
    elif not os.path.isdir(folder):
        way_out = f"make the folder {folder}, or choose another place with --fifo"
    else:
        way_out = "choose another place with --fifo"
    return f"{path} cannot be used: {error.strerror}; {way_out}"
