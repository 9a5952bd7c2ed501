"""One run of a local driver's program: started with one socket as stdin and stdout, and brought to an end for sure."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

import gevent
from gevent.event import Event
from gevent.threadpool import ThreadPool

from indigevent.errors import DriverError
from indigevent.executables import way_out
from indigevent.logs import log
from indigevent.server.drivers.guardian import Guardian
from indigevent.server.greenlets import spawn
from indigevent.supervision.specs import DriverSpec

_READ = 1
_STDERR_BYTES = 65536
_MAX_LINE_BYTES = 4096
# After SIGTERM.
KILL_AFTER_S = 2.0
_LAST_LINES_S = 0.5


class ShortOfDescriptors(Exception):
    """This process has no descriptor left to start a driver with."""


class DriverProcess:
    """A running driver program; `sock` is our end of its stdin and stdout.

    Arguments:
        spec: what to run.
        environment: the variables that it gets.
        guardian: told of its process group.
        fd_limit: its soft limit of descriptors, when ours was raised.
        stop_timeout_s: how long it may take to end by itself when its stdin is closed.

    Raises DriverError, with the path tried and the way out, when it cannot be executed, and ShortOfDescriptors.
    """

    def __init__(
        self,
        spec: DriverSpec,
        environment: Mapping[str, str],
        guardian: Guardian,
        fd_limit: tuple[int, int] | None,
        stop_timeout_s: float,
    ) -> None:
        self.label = spec.name
        self.exited = Event()
        self._guardian = guardian
        self._stop_timeout_s = stop_timeout_s
        self._ender: gevent.Greenlet | None = None
        self._started = time.monotonic()
        self.sock, stderr, self._popen = _start(spec, environment)
        guardian.watch(self.pid)
        if fd_limit is not None and hasattr(resource, "prlimit"):
            with contextlib.suppress(OSError):  # it has ended already
                resource.prlimit(self.pid, resource.RLIMIT_NOFILE, fd_limit)
        self._stderr_reader = spawn(f"stderr of {self.label}", self._log_stderr, stderr, on_failure=self._failed)
        self._exit_watcher = spawn(f"exit of {self.label}", self._watch_exit, on_failure=self._failed)

    @property
    def pid(self) -> int:
        """The process's id, and its group's."""
        return self._popen.pid

    @property
    def uptime_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def expect_end(self, is_hung: bool = False) -> None:
        """The program's stdin is closed: see to it that it ends, without waiting for that.

        It has its stop timeout for that (libindi drivers run their destructors), unless it hangs anyway; then SIGTERM,
        and SIGCONT in case it is stopped; 2 s later SIGKILL to its whole group.
        """
        if self._ender is None:
            patience_s = 0.0 if is_hung else self._stop_timeout_s
            self._ender = spawn(f"end of {self.label}", self._end, patience_s, on_failure=self._failed)

    def finish(self) -> int:
        """Wait for the end of the program, whose stdin is closed; returns its exit status."""
        self.expect_end()
        self.exited.wait()
        self._signal(signal.SIGKILL)  # what it left behind in its group
        self._guardian.forget(self.pid)
        self._stderr_reader.join(_LAST_LINES_S)
        self._stderr_reader.kill()
        status: int = self._popen.returncode
        return status

    def kill(self) -> None:
        """SIGKILL to its whole group."""
        self._signal(signal.SIGKILL)

    def _end(self, patience_s: float) -> None:
        if not self.exited.wait(patience_s):
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            if not self.exited.wait(KILL_AFTER_S):
                log.warning("Driver %s: did not end when told to; killed", self.label)
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it is gone, or became another user
            os.killpg(self.pid, number)

    def _watch_exit(self) -> None:
        """Wait on a pidfd, or where there is none to be had in a native thread."""
        hub = gevent.get_hub()
        try:
            fd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            pool = ThreadPool(1, hub=hub)
            try:
                pool.apply(self._popen.wait)
            finally:
                pool.kill()
        else:
            watcher = hub.loop.io(fd, _READ)
            try:
                hub.wait(watcher)
            finally:
                watcher.close()
                os.close(fd)
            self._popen.wait()
        self.exited.set()

    def _log_stderr(self, fd: int) -> None:
        """Log each line; one without end is split, so that a babbling driver neither blocks nor fills the memory."""
        hub = gevent.get_hub()
        os.set_blocking(fd, False)
        watcher = hub.loop.io(fd, _READ)
        rest = b""
        try:
            while True:
                hub.wait(watcher)
                data = os.read(fd, _STDERR_BYTES)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._log_line(line)
                if len(rest) > _MAX_LINE_BYTES or not data:
                    self._log_line(rest) if rest else None
                    rest = b""
                if not data:
                    return
        finally:
            watcher.close()
            os.close(fd)

    def _log_line(self, line: bytes) -> None:
        for start in range(0, max(len(line), 1), _MAX_LINE_BYTES):
            text = line[start : start + _MAX_LINE_BYTES].decode(errors="backslashreplace")
            log.warning("Driver %s: %s", self.label, text)

    def _failed(self, error: BaseException) -> None:
        """Without its watchers the driver is not supervised any more: end it."""
        self._signal(signal.SIGKILL)


def _start(spec: DriverSpec, environment: Mapping[str, str]) -> tuple[socket.socket, int, subprocess.Popen[bytes]]:
    """Our ends of the program's socket and stderr, and the program."""
    try:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as child_ends:
            sock, child_sock = socket.socketpair()
            undo.callback(sock.close)
            child_ends.callback(child_sock.close)
            stderr, child_stderr = os.pipe()
            undo.callback(os.close, stderr)
            child_ends.callback(os.close, child_stderr)
            popen = _execute(spec, environment, child_sock, child_stderr)
            undo.pop_all()
            return sock, stderr, popen
    except OSError as error:
        raise ShortOfDescriptors(f"a free file descriptor: {error.strerror}") from error


def _execute(
    spec: DriverSpec, environment: Mapping[str, str], child_sock: socket.socket, child_stderr: int
) -> subprocess.Popen[bytes]:
    words = [spec.executable, *spec.arguments]
    if spec.python_class is not None:
        words = [sys.executable, "-m", "indigevent.driver", spec.python_class, *spec.arguments]
    try:
        return subprocess.Popen(
            words,
            bufsize=0,
            stdin=child_sock.fileno(),
            stdout=child_sock.fileno(),
            stderr=child_stderr,
            env={**environment},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        tried = words[0] if "/" in words[0] else f"{words[0]} (searched in PATH {environment.get('PATH', '')})"
        reason = getattr(error, "strerror", None) or error
        helps = way_out(words[0], environment.get("PATH", os.defpath), getattr(error, "errno", None))
        raise DriverError(f"{tried} cannot be executed: {reason}; {helps}") from error
