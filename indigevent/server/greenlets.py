"""Greenlets with a name and somebody who hears of their failure; there are no others in the daemon."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import gevent

from indigevent.logs import log

_alive: weakref.WeakSet[gevent.Greenlet] = weakref.WeakSet()


def spawn(
    name: str, function: Callable[..., object], *arguments: Any, on_failure: Callable[[BaseException], None]
) -> gevent.Greenlet:
    """Start `function(*arguments)`; when it raises, that is logged with the name and `on_failure` gets the error."""
    greenlet = gevent.Greenlet(function, *arguments)
    greenlet.name = name

    def report(failed: gevent.Greenlet) -> None:
        log.error("Greenlet %r failed", name, exc_info=failed.exc_info)
        on_failure(failed.exception)

    greenlet.link_exception(report)
    _alive.add(greenlet)
    greenlet.rawlink(_alive.discard)
    greenlet.start()
    return greenlet


def alive() -> int:
    """How many greenlets of this process have not ended."""
    return len(_alive)


def give_turn() -> None:
    """Let everybody else go on first, those too whose sockets became ready (`gevent.sleep(0)` may not look at any)."""
    hub = gevent.get_hub()
    timer = hub.loop.timer(0)
    try:
        hub.wait(timer)
    finally:
        timer.close()
