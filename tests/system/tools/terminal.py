"""A terminal in which a tool runs, and what it shows."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable
from types import TracebackType

from tests.lab.pump import LabTimeout

DEADLINE_S = 20
PLAIN = {"TERM": "xterm", "NO_COLOR": ""}


class Terminal:
    """A pseudoterminal; `start` gets the descriptor for the program's end."""

    def __init__(self, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        self.shown = ""
        self._master, slave = pty.openpty()
        self.process = start(slave)
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        os.close(self._master)

    def wait_for(self, pattern: str) -> None:
        """Wait until it shows something that matches."""
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.shown):
            if not self._read(deadline - time.monotonic()):
                raise LabTimeout(f"{pattern} is not shown; this is: {self.shown!r}")

    def wait_for_exit(self) -> int:
        """Wait until the program has ended and all is read; its exit status."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(DEADLINE_S)

    def _read(self, wait_s: float) -> bool:
        """Read what there is; False when nothing comes any more."""
        if not select.select([self._master], [], [], max(0.0, wait_s))[0]:
            return False
        data = b""
        with contextlib.suppress(OSError):  # nobody has the other end any more
            data = os.read(self._master, 65536)
        self.shown += data.decode(errors="replace")
        return bool(data)
