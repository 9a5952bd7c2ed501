"""A signal while a thread is started raises what its handler does, not what `threading` makes of that."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from types import FrameType

import pytest

from indigevent.client import interrupts
from indigevent.driver.concurrency import standard

STARTS: dict[str, Callable[[], None]] = {
    "client": lambda: interrupts.start(threading.Thread(target=int)),
    "driver": lambda: standard().start("name", int),
}


class Ended(BaseException):
    """As the tools' handler of SIGTERM raises one."""


def raise_at(number: int, kind: type[BaseException], start: Callable[[], None]) -> bool:
    """Whether it was raised; `start` has no such line of `threading` otherwise."""
    lines = count()

    def at_each_line(frame: FrameType, event: str, _: object) -> Callable[..., object] | None:
        if frame.f_code.co_filename != threading.__file__:
            return at_each_line
        if event == "line" and next(lines) == number:
            sys.settrace(None)
            raise kind
        return at_each_line

    child = os.fork()  # `threading` may keep a lock when a line of its own raises
    if not child:
        status = 2
        try:
            sys.settrace(at_each_line)
            start()
            status = 0
        except kind:
            status = 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 1)
    return status == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Ended])
@pytest.mark.parametrize("part", STARTS)
def test_what_a_signal_raises_comes_through(part: str, kind: type[BaseException]) -> None:
    assert next(number for number in count() if not raise_at(number, kind, STARTS[part])) > 20
