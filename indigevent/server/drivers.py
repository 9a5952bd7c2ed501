"""All drivers and remotes of the daemon: started, stopped, and watched for the moment when none is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent

from indigevent.logs import log
from indigevent.server.embedded_driver import EmbeddedDriver
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.local_driver import LocalDriver
from indigevent.server.remote_driver import RemoteDriver
from indigevent.supervision.specs import DriverSpec, EmbeddedSpec, FifoCommand, RemoteSpec, Spec

# Who was killed is gone at once; the clients are still to be told.
_LAST_WORDS_S = 0.5
Supervisor = LocalDriver | RemoteDriver | EmbeddedDriver


class DriverRegistry:
    """Every supervisor with its greenlet.

    Arguments:
        house: what the supervisors share.
        on_all_ended: called when the last local driver has ended for good and no remote is left either.
        on_failure: called when a supervisor itself has failed.
    """

    def __init__(
        self, house: House, on_all_ended: Callable[[], None], on_failure: Callable[[BaseException], None]
    ) -> None:
        self._house = house
        self._on_all_ended = on_all_ended
        self._on_failure = on_failure
        self._running: dict[Supervisor, gevent.Greenlet] = {}

    def start(self, spec: Spec | EmbeddedSpec) -> None:
        """Start a driver, or connect to a remote."""
        supervisor = self._supervisor(spec)
        before = [task for other, task in self._running.items() if other.is_stopping and other.spec.name == spec.name]
        greenlet = spawn(f"supervisor of {spec.name}", _run_after, before, supervisor, on_failure=self._on_failure)
        self._running[supervisor] = greenlet
        greenlet.rawlink(lambda _: self._ended(supervisor))

    def execute(self, command: FifoCommand) -> None:
        """Carry out a FIFO command."""
        spec = command.spec
        if command.verb == "start":
            log.info("FIFO: Starting driver %s", spec.name)
            self.start(spec)
            return
        meant = (one for one in self._running if not one.is_stopping and _is_meant(spec, one.spec))
        supervisor = next(meant, None)
        if supervisor is None:
            log.warning("FIFO: no driver %s is running; nothing is stopped", spec.name)
            return
        log.info("FIFO: Shutting down driver: %s", spec.name)
        supervisor.stop()

    def stop_all(self, deadline_s: float) -> None:
        """End every driver; those that have not ended by the deadline are killed."""
        greenlets = list(self._running.values())
        for supervisor in list(self._running):
            supervisor.stop()
        gevent.joinall(greenlets, timeout=deadline_s)
        self.kill_all()
        gevent.joinall(greenlets, timeout=_LAST_WORDS_S)

    def kill_all(self) -> None:
        """Kill every driver's process group, at once."""
        for supervisor in self._running:
            if not isinstance(supervisor, RemoteDriver):
                supervisor.kill()

    def _supervisor(self, spec: Spec | EmbeddedSpec) -> Supervisor:
        if isinstance(spec, DriverSpec):
            return LocalDriver(spec, self._house)
        return RemoteDriver(spec, self._house) if isinstance(spec, RemoteSpec) else EmbeddedDriver(spec, self._house)

    def _ended(self, supervisor: Supervisor) -> None:
        del self._running[supervisor]
        if not self._running:
            self._on_all_ended()


def _run_after(before: Sequence[gevent.Greenlet], supervisor: Supervisor) -> None:
    """Run a driver when its namesakes that are being stopped have ended: two at once would fight for the device."""
    gevent.joinall(before)
    supervisor.run()


def _is_meant(stop: Spec, running: Spec | EmbeddedSpec) -> bool:
    """Whether a stop command means this driver: by its name, and its device where one is given."""
    if isinstance(stop, DriverSpec) and isinstance(running, DriverSpec):
        is_named = stop.name in (running.name, running.command)
        return is_named and stop.device in (None, running.device)
    return type(stop) is type(running) and stop.name == running.name
