"""Our server with one function that fails when its trigger comes: `broken_server.py PART ARGUMENT...`.

Everything is real but the error, which is raised where nobody expects one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from indigevent.cli.server import main
from indigevent.server.drivers.registry import DriverRegistry
from indigevent.server.switchboard import Switchboard
from indigevent.supervision.policy import RestartPolicy

TRIGGER = "boom"


def break_it(owner: type, name: str, is_due: Callable[..., bool]) -> None:
    """Have a method raise when `is_due` says so of its arguments."""
    whole: Callable[..., Any] = getattr(owner, name)

    def broken(self: object, *arguments: Any) -> Any:
        if is_due(*arguments):
            raise RuntimeError("the server's own fault")
        return whole(self, *arguments)

    setattr(owner, name, broken)


def has_trigger(_: object, messages: Any) -> bool:
    """Whether one of these messages has it."""
    return any(TRIGGER.encode() in part for message in messages for part in message.parts)


PARTS: dict[str, tuple[type, str, Callable[..., bool]]] = {
    "client": (Switchboard, "from_client", has_trigger),
    "driver": (Switchboard, "from_driver", has_trigger),
    "FIFO": (DriverRegistry, "execute", lambda command: TRIGGER in command.spec.name),
    "supervisor": (RestartPolicy, "after_exit", lambda *_: True),
}

break_it(*PARTS[sys.argv.pop(1)])
sys.exit(main())
