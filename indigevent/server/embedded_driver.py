"""A Python driver inside the server's process: at the other end of a socketpair, exactly as a program would be.

It runs in a thread of its own (or greenlets, if its author wants that), which knows nothing of the server's hub. The
socket between them gives it what a process has: framing, flow control, and BLOBs passed as descriptors, uncopied.
"""

from __future__ import annotations

import logging
import socket

from indigevent.logs import log
from indigevent.routing.peers import Driver
from indigevent.server.driver_service import serve_driver
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.supervision.specs import EmbeddedSpec


class EmbeddedDriver:
    """Serves one driver until it ends; it is not started again, for its objects are its author's."""

    def __init__(self, spec: EmbeddedSpec, house: House) -> None:
        self.spec = spec
        self.is_stopping = False
        self._house = house
        self._link: Link | None = None

    def stop(self) -> None:
        """Tell it to end, as a server that goes away does; `run` returns when it has."""
        self.is_stopping = True
        if self._link is not None:
            self._link.end_writing()

    def kill(self) -> None:
        """Go on without it: a thread cannot be killed."""
        if self._link is not None and not self._link.is_ended:
            log.warning("Driver %s: did not end when told to; its thread is left behind", self.spec.name)
            self._link.abort("it did not end when told to")

    def run(self) -> None:
        """Start it and pass on what it says."""
        ours, theirs = socket.socketpair()
        self._link = link = Link(ours, f"Driver {self.spec.name}", takes_fds=True)
        try:
            self.spec.start(theirs.detach())
            driver = Driver(link.label, self._house.next_number(), link)
            for _ in serve_driver(driver, link, self._house.switchboard):
                pass
        finally:
            link.close()
        log.log(logging.INFO if self.is_stopping else logging.WARNING, "Driver %s: ended", self.spec.name)
