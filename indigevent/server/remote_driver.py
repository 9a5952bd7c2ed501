"""A remote server: a greenlet that keeps a connection to it, serves its devices, and reconnects forever."""

from __future__ import annotations

import socket

import gevent.socket
from gevent.event import Event

from indigevent.logs import log
from indigevent.routing.peers import Driver
from indigevent.server.faults import FaultLog
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.supervision.policy import ReconnectPolicy
from indigevent.supervision.specs import RemoteSpec

_CONNECT_TIMEOUT_S = 10.0


class RemoteDriver:
    """One `[device]@host[:port]`; `run` is the body of its greenlet, `stop` ends it."""

    def __init__(self, spec: RemoteSpec, house: House) -> None:
        self.spec = spec
        self._house = house
        self._policy = ReconnectPolicy()
        self._stop = Event()
        self._link: Link | None = None
        self._last_trouble = ""

    def stop(self) -> None:
        """Close the connection and make no other."""
        self._stop.set()
        if self._link is not None:
            self._link.abort("stopped")

    def run(self) -> None:
        """Connect, serve, and begin again after a delay when the connection fails or is lost."""
        while not self._stop.is_set():
            sock = self._connect()
            if sock is not None:
                self._serve(sock)
            if not self._stop.is_set():
                self._stop.wait(self._policy.delay_s())

    def _connect(self) -> socket.socket | None:
        spec = self.spec
        try:
            connected = gevent.socket.create_connection((spec.host, spec.port), timeout=_CONNECT_TIMEOUT_S)
        except OSError as error:
            self._report(f"{spec.host}:{spec.port} cannot be reached ({error}); trying again, ever more seldom")
            return None
        sock = socket.socket(fileno=connected.detach())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return sock

    def _serve(self, sock: socket.socket) -> None:
        spec, switchboard = self.spec, self._house.switchboard
        link = self._link = Link(sock, f"Driver {spec.name}")
        log.info("Driver %s: socket=%d", spec.name, link.fileno())
        remote = Driver(link.label, self._house.next_number(), link, f"{spec.host}:{spec.port}", spec.blobs)
        faults = FaultLog(f"Driver {spec.name}")
        switchboard.table.add_driver(remote, [spec.device] if spec.device else [])
        switchboard.greet(remote, spec.device)
        try:
            for messages in link.batches():
                switchboard.from_driver(remote, messages)
                faults.note(link.framer.take_faults())
                self._heard()
        finally:
            self._link = None
            switchboard.driver_gone(remote)
            link.close()
        if not self._stop.is_set():
            self._report(f"the connection was lost ({link.end_reason or 'closed by the remote'}); reconnecting")

    def _heard(self) -> None:
        self._policy.reached()
        self._last_trouble = ""

    def _report(self, trouble: str) -> None:
        """Log a trouble once, not at every attempt."""
        if trouble != self._last_trouble:
            self._last_trouble = trouble
            log.warning("Driver %s: %s", self.spec.name, trouble)
