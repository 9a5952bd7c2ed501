"""A remote server: a greenlet that keeps a connection to it, serves its devices, and reconnects forever."""

from __future__ import annotations

import random
import time
import uuid

import gevent
from gevent.event import Event

from indigevent.logs import log
from indigevent.protocol import requests
from indigevent.routing.peers import Driver
from indigevent.server.drivers.driver_service import serve_driver
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.server.traffic import FaultCount, TrafficCount, count_faults
from indigevent.server.transports.compression import Inflater
from indigevent.server.transports.connections import Connection, NotConnected, address_of, connect
from indigevent.supervision.policy import ReconnectPolicy
from indigevent.supervision.specs import RemoteSpec
from indigevent.supervision.states import Life, State


class RemoteDriver:
    """One `[device]@host[:port]`; `run` is the body of its greenlet, `stop` ends it."""

    def __init__(self, spec: RemoteSpec, house: House) -> None:
        self.spec = spec
        self._house = house
        self._policy = ReconnectPolicy(random=random.random)
        self._life = Life()
        self._stop = Event()
        self._link: Link | None = None
        self._driver: Driver | None = None
        self._process_id: int | None = None
        self._connecting: gevent.Greenlet | None = None
        self._last_trouble = ""
        self._reported = ""
        self._reconnects = 0
        self._began = 0.0
        self._next_start: float | None = None
        self._traffic = TrafficCount()
        self._faults = FaultCount()

    def stop(self) -> None:
        """Close the connection and make no other."""
        self._stop.set()
        if self._life.state is State.RUNNING:
            self._life.go(State.STOPPING)
        if self._connecting is not None:
            self._connecting.kill(block=False)
        if self._link is not None:
            self._link.abort("stopped")

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return bool(self._stop.is_set())

    def status(self) -> dict[str, object]:
        """What an operator wants to know; times in seconds, what was sent and received since the server knows it."""
        now = time.monotonic()
        link, driver = self._link, self._driver
        return {
            "name": self.spec.name,
            "kind": "remote",
            "state": self._life.state.value,
            "command": address_of(self.spec),
            "pid": self._process_id,
            "uptime_s": now - self._began if link is not None else 0.0,
            "restarts": self._reconnects,
            "next_start_s": None if self._next_start is None else max(0.0, self._next_start - now),
            "last_exit": self._last_trouble,
            "devices": list(driver.devices) if driver is not None else [],
            **self._traffic.with_link(link),
            "malformed": self._faults.malformed,
            "repaired": self._faults.repaired,
            **dict.fromkeys(("cpu_percent", "memory_bytes", "descriptors", "threads")),
        }

    def run(self) -> None:
        """Connect, serve, and begin again after a delay when the connection fails or is lost."""
        while not self._stop.is_set():
            connection = self._connected()
            if connection is not None:
                self._use(connection)
            if not self._stop.is_set():
                self._back_off()
        self._life.go(State.STOPPED)

    def _connected(self) -> Connection | None:
        """A connection, made in a greenlet of its own so that `stop` need not wait for it; None when there is none."""
        self._connecting = spawn(f"connecting {self.spec.name}", self._connect, on_failure=lambda _: None)
        self._connecting.join()
        connection = self._connecting.value
        self._connecting = None
        return connection if isinstance(connection, Connection) else None

    def _connect(self) -> Connection | None:
        try:
            return connect(self.spec, self._house)
        except NotConnected as error:
            self._report(f"{error}; trying again, ever more seldom")
            return None

    def _use(self, connection: Connection) -> None:
        """Serve until the connection's end, and see to it that nothing of it stays."""
        process = connection.process
        self._process_id = process.pid if process is not None else None
        try:
            if not self._stop.is_set():
                self._serve(connection)
        finally:
            connection.close()
            self._process_id = None

    def _serve(self, connection: Connection) -> None:
        spec, house = self.spec, self._house
        key = uuid.uuid4().hex if spec.compression else ""
        inflater = Inflater(requests.compression_marker(key)) if key else None
        link = self._link = Link(connection.sock, f"Driver {spec.name}", is_traced=spec.trace, inflater=inflater)
        log.info("Driver %s: socket=%d", spec.name, link.fileno())
        remote = Driver(link.label, house.next_number(), link, address_of(spec), spec.device, spec.blobs)
        remote.compression_key = key
        self._driver = remote
        self._began = time.monotonic()
        if connection.process is None:
            self._life.go(State.RUNNING)
        try:
            for messages, faults in serve_driver(remote, link, house.switchboard):
                count_faults(house.counters, self._faults, faults, link.framer.repaired)
                if messages:
                    self._heard()
        except Exception:  # ours is the fault, but this remote's connection is all that it costs
            log.exception("Driver %s: serving it failed", spec.name)
        finally:
            self._note_end(link)
            link.close()
        if not self._stop.is_set():
            self._report(self._loss(link))

    def _loss(self, link: Link) -> str:
        if self._life.state is State.STARTING:
            reached = f"{address_of(self.spec)} was not reached: ssh has ended before the other server said anything"
            return f"{reached}; the log has what ssh wrote; trying again, ever more seldom"
        return f"the connection was lost ({link.end_reason or 'closed by the remote'}); reconnecting"

    def _note_end(self, link: Link) -> None:
        self._link = self._driver = None
        self._traffic.add(link)
        self._faults.repaired_in_run = 0
        if time.monotonic() - self._began >= self._house.driver_defaults.stable_time_s:
            self._reconnects = 0

    def _heard(self) -> None:
        """The remote has answered; by ssh that is when it is known to be reached."""
        if self._life.state is State.STARTING:
            self._life.go(State.RUNNING)
        self._policy.reached()
        self._reported = ""

    def _back_off(self) -> None:
        delay_s = self._policy.delay_s()
        self._life.go(State.BACKOFF)
        self._next_start = time.monotonic() + delay_s
        self._stop.wait(delay_s)
        self._next_start = None
        if not self._stop.is_set():
            self._life.go(State.STARTING)
            self._reconnects += 1
            self._house.counters.restarts["reconnect"] += 1

    def _report(self, trouble: str) -> None:
        """Log a trouble once, not at every attempt."""
        self._last_trouble = trouble
        if trouble != self._reported:
            self._reported = trouble
            log.warning("Driver %s: %s", self.spec.name, trouble)
