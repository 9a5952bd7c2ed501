"""What local drivers and remotes have in common while they are connected."""

from __future__ import annotations

from collections.abc import Iterator

from indigevent.errors import RemoteProtocolError
from indigevent.protocol.message import Message
from indigevent.routing.peers import Driver
from indigevent.server.faults import FaultLog
from indigevent.server.link import Link
from indigevent.server.switchboard import Switchboard


def serve_driver(
    driver: Driver, link: Link, switchboard: Switchboard
) -> Iterator[tuple[list[Message], list[RemoteProtocolError]]]:
    """Greet a driver and route what it sends, until its link ends; gives what each read brought, good and bad.

    When the caller stops iterating, or the link ends, whoever knew the driver's devices is told that they are gone.
    """
    faults = FaultLog(link.label)
    switchboard.table.add_driver(driver)
    switchboard.greet(driver)
    try:
        for messages in link.batches():
            switchboard.from_driver(driver, messages)
            found = link.framer.take_faults()
            if found:
                faults.note(found)
            yield messages, found
    finally:
        switchboard.driver_gone(driver)
