"""A Python driver inside the server's process: at the other end of a socketpair, exactly as a program would be.

It runs in a thread of its own (or greenlets, if its author wants that), which knows nothing of the server's hub. The
socket between them gives it what a process has: framing, flow control, and BLOBs passed as descriptors, uncopied.
"""

from __future__ import annotations

import logging
import socket
import time

from indigevent.logs import log
from indigevent.routing.peers import Driver
from indigevent.server.drivers.driver_service import serve_driver
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.server.traffic import FaultCount, TrafficCount, count_faults
from indigevent.supervision.limits import Usage
from indigevent.supervision.specs import EmbeddedSpec
from indigevent.supervision.states import Life, State


class EmbeddedDriver:
    """Serves one driver until it ends; it is not started again, for its objects are its author's."""

    def __init__(self, spec: EmbeddedSpec, house: House) -> None:
        self.spec = spec
        self.is_stopping = False
        self._house = house
        self._life = Life()
        self._link: Link | None = None
        self._driver: Driver | None = None
        self._started_s = 0.0
        self._faults = FaultCount()

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._life.state

    def stop(self) -> None:
        """Tell it to end, as a server that goes away does; `run` returns when it has."""
        self.is_stopping = True
        if self.state is State.RUNNING and self._link is not None:
            self._life.go(State.STOPPING)
            self._link.end_writing()

    def kill(self) -> None:
        """Go on without it: a thread cannot be killed."""
        if self._link is not None and not self._link.is_ended:
            log.warning("Driver %s: did not end when told to; its thread is left behind", self.spec.name)
            self._link.abort("it did not end when told to")

    def status(self) -> dict[str, object]:
        """The driver as it is now, in plain values; times in seconds, sizes in bytes."""
        runs = self.state in (State.RUNNING, State.STOPPING)
        return {
            "name": self.spec.name,
            "kind": "embedded",
            "state": self.state.value,
            "command": "",
            "pid": None,
            "uptime_s": time.monotonic() - self._started_s if runs else 0.0,
            "restarts": 0,
            "next_start_s": None,
            "last_exit": "" if runs else "ended",
            "devices": list(self._driver.devices) if runs and self._driver is not None else [],
            "malformed": self._faults.malformed,
            "repaired": self._faults.repaired,
            **TrafficCount().with_link(self._link),
            **vars(Usage()),
        }

    def run(self) -> None:
        """Start it and pass on what it says."""
        if self.is_stopping:
            self._life.go(State.STOPPED)
            return
        ours, theirs = socket.socketpair()
        self._link = link = Link(ours, f"Driver {self.spec.name}", takes_fds=True)
        self._started_s = time.monotonic()
        self._life.go(State.RUNNING)
        try:
            self.spec.start(theirs.detach())
            self._pass_on(link)
        except Exception:  # ours is the fault, or there is no thread to be had; this driver is all that it costs
            log.exception("Driver %s: serving it failed", self.spec.name)
        finally:
            link.close()
            self._life.go(State.STOPPED if self.is_stopping else State.FATAL)
        log.log(logging.INFO if self.is_stopping else logging.WARNING, "Driver %s: ended", self.spec.name)

    def _pass_on(self, link: Link) -> None:
        driver = self._driver = Driver(link.label, self._house.next_number(), link)
        for _, faults in serve_driver(driver, link, self._house.switchboard):
            count_faults(self._house.counters, self._faults, faults, link.framer.repaired)
