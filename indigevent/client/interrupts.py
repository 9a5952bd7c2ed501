"""Ctrl-C where the standard library alone does not take it well: in a wait, and in a thread of the client's.

In a program patched by gevent it meets whichever greenlet runs. `threading.Thread` would print it and go on, and the
program would not end; a bare greenlet's is handed by gevent to the main one. In an ordinary program only the main
thread sees Ctrl-C.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def holding(condition: threading.Condition) -> Iterator[None]:
    """Hold a condition to wait for it: Ctrl-C at the wrong instant leaves `Condition.wait` without its lock."""
    condition.acquire()
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(RuntimeError):
            condition.release()
        raise
    except BaseException:
        condition.release()
        raise
    condition.release()


def hand_on() -> None:
    """Have the main greenlet interrupted."""
    _thread.start_new_thread(_interrupt, ())


def _interrupt() -> None:
    raise KeyboardInterrupt
