"""What the server itself has to tell a client: a `<message>` of no device, as INDI 1.7 has it for such things."""

from __future__ import annotations

import time

from indigevent.protocol import codec
from indigevent.protocol.vectors import UserMessage
from indigevent.server.link import Link


def notice(sentence: str, device: str = "") -> bytes:
    """A sentence as an INDI message with the present time, and a line end; `device` is the one that it is about."""
    timestamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    return codec.to_bytes(UserMessage(codec.printable(sentence), codec.printable(device), timestamp)) + b"\n"


def dismiss(link: Link, reason: str) -> None:
    """Tell a client why it is closed, unless it is behind with what it reads, and end the link.

    `reason` is a clause, which the log gets too.
    """
    if not link.is_ended and not link.queue.size:
        data = notice(f"This connection is closed: {reason}.")
        link.deliver(data, len(data))
    link.abort(reason)
