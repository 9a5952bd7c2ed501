"""Ctrl-C at every instant at which Python could take it: after a call into C, and where a Python function begins.

What the scenario does is counted once without an interruption; then a new process is interrupted at its first instant,
another at the second, and so on.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

_HUNG_S = 10
_UNREACHED = 99


@dataclass(frozen=True)
class Ended:
    """How a process went on that was interrupted: where that was, and what the scenario returned or raised, or text."""

    where: str
    how: str


class _Interruption:
    """A profile function: at the n-th instant in one of these files SIGINT comes."""

    def __init__(self, left: int, files: tuple[str, ...]) -> None:
        self._left = left
        self._files = files
        self.where = ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event not in ("call", "c_return") or not frame.f_code.co_filename.endswith(self._files):
            return
        self._left -= 1
        if not self._left:
            sys.setprofile(None)
            self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}, {event} in {frame.f_code.co_name}"
            signal.raise_signal(signal.SIGINT)


def interrupt_everywhere(scenario: Callable[[], Callable[[], object]], files: tuple[str, ...]) -> Iterator[Ended]:
    """Run a scenario in a new process for each instant.

    Arguments:
        scenario: prepares, and gives what is to be interrupted.
        files: the ends of the paths of source files; only instants in their code count.
    """
    number = 0
    while True:
        number += 1
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if not child:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                _run(scenario, _Interruption(number, files))
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) == _UNREACHED:
                return
            output.seek(0)
            before, _, last = output.read().rpartition("\nended|")
            yield Ended(*last.split("|")) if last.count("|") == 1 and not status else Ended("hung", before + last)


def _run(scenario: Callable[[], Callable[[], object]], interruption: _Interruption) -> None:
    faulthandler.dump_traceback_later(_HUNG_S, exit=True)
    work = scenario()
    sys.setprofile(interruption)
    try:
        how = str(work())
    except BaseException as error:
        how = repr(error)
    sys.setprofile(None)
    print(f"\nended|{interruption.where}|{how}", end="", flush=True)
    os._exit(0 if interruption.where else _UNREACHED)
