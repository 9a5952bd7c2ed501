"""A driver program on pipes, as a server would run it, with the test in the server's place."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from .party import Party
from .pump import DEADLINE_S, LabTimeout, Pump
from .server import clean_environment
from .ways import ROOT


class PipedDriver(Party):
    """A process of `python -m indigevent.driver WORD...`: what it says is this party's inbox."""

    def __init__(self, pump: Pump, *words: str, **environment: str) -> None:
        super().__init__(words[0] if words else "driver", pump)
        self.log = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "indigevent.driver", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(PYTHONUNBUFFERED="1", **environment),
        )
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._stdin, self._stdout, self._stderr = self.process.stdin, self.process.stdout, self.process.stderr
        self._log_open = True
        pump.watch(self._stdout.fileno(), self._readable)
        pump.watch(self._stderr.fileno(), self._logged)

    def write(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Write to its stdin."""
        self._stdin.write(data)
        self._stdin.flush()

    def close_stdin(self) -> None:
        """Go away, as a server that ends does."""
        self._stdin.close()

    def close_stdout(self) -> None:
        """Stop reading for good."""
        self.pump.forget(self._stdout.fileno())
        self._stdout.close()

    def wait_for_log(self, text: str) -> None:
        """Wait until it has written a text to stderr."""
        self.pump.wait(lambda: text in self.log, lambda: f"{self.name} logs {text!r}; its log:\n{self.log}")

    def wait_for_exit(self) -> tuple[int, float]:
        """Wait until it has ended and its log is complete; return the exit status and how many seconds that took."""
        began = time.monotonic()
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise LabTimeout(f"{self.name} has not ended; its log:\n{self.log}") from None
        took_s = time.monotonic() - began
        self.pump.wait(lambda: not self._log_open, "the log ends")
        return status, took_s

    def close(self) -> None:
        """End it, whatever its state."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        with self.pump.changed, contextlib.suppress(BrokenPipeError):
            for stream in (self._stdout, self._stderr):
                if not stream.closed:
                    self.pump.forget(stream.fileno())
                    stream.close()
            self._stdin.close()

    def _readable(self) -> None:
        data = os.read(self._stdout.fileno(), 1 << 16)
        self.take(data)
        if not data:
            self.pump.forget(self._stdout.fileno())
            self.closed = True

    def _logged(self) -> None:
        data = os.read(self._stderr.fileno(), 1 << 16)
        self.log += data.decode(errors="replace")
        if not data:
            self.pump.forget(self._stderr.fileno())
            self._log_open = False
