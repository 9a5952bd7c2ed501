"""A remote server: a greenlet that keeps a connection to it, serves its devices, and reconnects forever."""

from __future__ import annotations

import socket

import gevent
import gevent.socket
from gevent.event import Event

from indigevent.logs import log
from indigevent.routing.peers import Driver
from indigevent.server.driver_service import serve_driver
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.server.listeners import tune_tcp
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
        self._connecting: gevent.Greenlet | None = None
        self._last_trouble = ""

    def stop(self) -> None:
        """Close the connection and make no other."""
        self._stop.set()
        if self._connecting is not None:
            self._connecting.kill(block=False)
        if self._link is not None:
            self._link.abort("stopped")

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def run(self) -> None:
        """Connect, serve, and begin again after a delay when the connection fails or is lost."""
        while not self._stop.is_set():
            sock = self._connected()
            if sock is not None and self._stop.is_set():
                sock.close()
            elif sock is not None:
                self._serve(sock)
            if not self._stop.is_set():
                self._stop.wait(self._policy.delay_s())

    def _connected(self) -> socket.socket | None:
        """A connection, made in a greenlet of its own so that `stop` need not wait for it; None when there is none."""
        self._connecting = spawn(f"connecting {self.spec.name}", self._connect, on_failure=lambda _: None)
        self._connecting.join()
        sock = self._connecting.value
        self._connecting = None
        return sock if isinstance(sock, socket.socket) else None

    def _connect(self) -> socket.socket | None:
        spec = self.spec
        try:
            connected = gevent.socket.create_connection((spec.host, spec.port), timeout=_CONNECT_TIMEOUT_S)
        except (OSError, UnicodeError) as error:  # a name with an empty or endless label is a UnicodeError
            reason = getattr(error, "strerror", None) or error
            self._report(f"{spec.host}:{spec.port} cannot be reached ({reason}); trying again, ever more seldom")
            return None
        sock = socket.socket(fileno=connected.detach())
        tune_tcp(sock)
        return sock

    def _serve(self, sock: socket.socket) -> None:
        spec, house = self.spec, self._house
        link = self._link = Link(sock, f"Driver {spec.name}", is_traced=spec.trace)
        log.info("Driver %s: socket=%d", spec.name, link.fileno())
        address = f"{spec.host}:{spec.port}"
        remote = Driver(link.label, house.next_number(), link, address, spec.device, spec.blobs)
        try:
            for messages, _ in serve_driver(remote, link, house.switchboard):
                if messages:
                    self._heard()
        except Exception:  # ours is the fault, but this remote's connection is all that it costs
            log.exception("Driver %s: serving it failed", spec.name)
        finally:
            self._link = None
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
