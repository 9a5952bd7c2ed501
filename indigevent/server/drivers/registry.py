"""All drivers and remotes of the daemon: started, stopped, and watched for the moment when none is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent

from indigevent.errors import DriverError
from indigevent.logs import log
from indigevent.server.drivers.driver_process import KILL_AFTER_S
from indigevent.server.drivers.embedded_driver import EmbeddedDriver
from indigevent.server.drivers.local_driver import LocalDriver
from indigevent.server.drivers.remote_driver import RemoteDriver
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.operating.resources import ResourceMonitor
from indigevent.supervision.limits import Usage
from indigevent.supervision.specs import DriverSpec, EmbeddedSpec, FifoCommand, RemoteSpec, Spec

# Who was killed is gone at once; the clients are still to be told.
_LAST_WORDS_S = 0.5
# libindi drivers get 1 s to end by themselves and 2 s after SIGTERM.
_SHUTDOWN_DEADLINE_S = 4.0
# A FIFO's users may name ever new drivers: of those that have ended only so many stay listed.
_MAX_ENDED = 100
Supervisor = LocalDriver | RemoteDriver | EmbeddedDriver


class DriverRegistry:
    """Every supervisor, with its greenlet as long as it runs; those that are FATAL or STOPPED stay listed.

    Arguments:
        house: what the supervisors share.
        on_all_ended: called when the last local driver has ended for good and no remote is left either.
        on_failure: called when a supervisor itself has failed.
        sample_interval_s: seconds between looks at what the drivers' processes use.
    """

    def __init__(
        self,
        house: House,
        on_all_ended: Callable[[], None],
        on_failure: Callable[[BaseException], None],
        sample_interval_s: float = 5.0,
    ) -> None:
        self._house = house
        self._on_all_ended = on_all_ended
        self._on_failure = on_failure
        self._listed: list[Supervisor] = []
        self._configured: set[Supervisor] = set()
        self._running: dict[Supervisor, gevent.Greenlet] = {}
        self._monitor = ResourceMonitor(self._local_drivers, sample_interval_s)
        self._monitoring: gevent.Greenlet | None = None

    @property
    def server_usage(self) -> Usage:
        """What the server's own process uses."""
        return self._monitor.server

    def statuses(self) -> list[dict[str, object]]:
        """Each driver and remote as it is now, in plain values, in the order of their first start."""
        return [supervisor.status() for supervisor in self._listed]

    def start(self, spec: Spec | EmbeddedSpec, is_configured: bool = True) -> None:
        """Start a driver, or connect to a remote; `is_configured` ones are stopped by a `reload` without them."""
        ended = next((one for one in self._listed if self._makes_room(one, spec)), None)
        if ended is not None:
            supervisor = self._replace(ended, spec)
        else:
            supervisor = self._supervisor(spec)
            self._listed.append(supervisor)
            self._launch(supervisor)
        if is_configured:
            self._configured.add(supervisor)

    def stop(self, name: str) -> str:
        """End a driver, and start it no more; returns its name.

        Drivers are called by their name or command, or by a device that no other has. Raises DriverError when there is
        no such driver, or it does not run.
        """
        supervisor = self._active(name)
        log.warning("Driver %s: is told to stop", supervisor.spec.name)
        supervisor.stop()
        return supervisor.spec.name

    def restart(self, name: str) -> str:
        """End a driver and start it again, with a fresh count; returns its name, and raises DriverError as `stop`."""
        supervisor = self._active(name)
        if isinstance(supervisor, EmbeddedDriver):
            raise DriverError(f"driver {name} is a part of the server's program and cannot be started again")
        log.warning("Driver %s: is restarted for an operator", supervisor.spec.name)
        self._house.counters.restarts["operator"] += 1
        if isinstance(supervisor, LocalDriver):
            supervisor.tell("is restarted by an operator")
        supervisor.stop()
        self._replace(supervisor, supervisor.spec)
        return supervisor.spec.name

    def reset(self, name: str) -> str:
        """Start a driver that is FATAL or was stopped, with a fresh count; returns its name.

        Raises DriverError when there is no such driver, or it has not ended for good.
        """
        found = self._called(name)
        ended = next((one for one in found if one not in self._running or one.is_stopping), None)
        if ended is None:
            raise DriverError(f"driver {name} has not ended for good; restart would end it and start it again")
        if isinstance(ended, EmbeddedDriver):
            raise DriverError(f"driver {name} is a part of the server's program and cannot be started again")
        log.warning("Driver %s: is started for an operator", ended.spec.name)
        self._house.counters.restarts["operator"] += 1
        self._replace(ended, ended.spec)
        return ended.spec.name

    def reload(self, specs: Sequence[Spec]) -> str:
        """Start, stop and restart what differs from the configured drivers of before; returns a clause about that.

        Those whose specification is the same never notice, whatever their state.
        """
        before = [one for one in self._listed if one in self._configured]
        pairs = [(spec, _take_counterpart(before, spec)) for spec in specs]
        done: dict[str, list[str]] = {"started": [], "restarted": [], "stopped": []}
        for gone in before:  # first, because one of the new ones may be the same with another name
            self._stop_if_running(gone)
            self._forget(gone)
            done["stopped"].append(gone.spec.name)
        for spec, counterpart in pairs:
            known = counterpart or self._adopted(spec)
            if known is None:
                self.start(spec)
                done["started"].append(spec.name)
            elif known.spec != spec:
                self._stop_if_running(known)
                self._replace(known, spec)
                done["restarted"].append(spec.name)
        changes = [f"{', '.join(names)} {verb}" for verb, names in done.items() if names]
        return "; ".join(changes) or "no driver differs"

    def execute(self, command: FifoCommand) -> str:
        """Carry out a FIFO command; returns what was done, and raises DriverError when there is nothing to stop."""
        spec = command.spec
        if command.verb == "start":
            log.info("FIFO: Starting driver %s", spec.name)
            self.start(spec, is_configured=False)
            return f"driver {spec.name} is started"
        meant = (one for one in self._running if not one.is_stopping and _is_meant(spec, one.spec))
        supervisor = next(meant, None)
        if supervisor is None:
            raise DriverError(f"no driver {spec.name} is running; nothing is stopped")
        log.info("FIFO: Shutting down driver: %s", spec.name)
        supervisor.stop()
        return f"driver {supervisor.spec.name} is told to stop"

    @property
    def stop_deadline_s(self) -> float:
        """How long `stop_all` may take if it were called now, in seconds: what the most patient driver is given."""
        timeouts_s = [one.stop_timeout_s for one in self._running if isinstance(one, LocalDriver)]
        return max(_SHUTDOWN_DEADLINE_S, max(timeouts_s, default=0.0) + KILL_AFTER_S + _LAST_WORDS_S)

    def stop_all(self) -> None:
        """End every driver; those that have not ended by the deadline are killed."""
        if self._monitoring is not None:
            self._monitoring.kill()
        greenlets, deadline_s = list(self._running.values()), self.stop_deadline_s
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

    def _adopted(self, spec: Spec) -> Supervisor | None:
        """Who was started by an operator, and is configured from now on: a second one would fight for the device."""
        meant = (one for one in self._running if not one.is_stopping and _identity(one.spec) == _identity(spec))
        found = next((one for one in meant if one not in self._configured), None)
        if found is not None:
            self._configured.add(found)
        return found

    def _replace(self, old: Supervisor, spec: Spec | EmbeddedSpec) -> Supervisor:
        """A new supervisor in the place of one that has ended or was told to."""
        new = self._supervisor(spec)
        self._listed[self._listed.index(old)] = new
        if old in self._configured:
            self._configured.remove(old)
            self._configured.add(new)
        self._launch(new)
        return new

    def _launch(self, supervisor: Supervisor) -> None:
        name = supervisor.spec.name
        before = [
            task
            for other, task in self._running.items()
            if other.is_stopping and not _things(other.spec).isdisjoint(_things(supervisor.spec))
        ]
        greenlet = spawn(f"supervisor of {name}", _run_after, before, supervisor, on_failure=self._on_failure)
        self._running[supervisor] = greenlet
        greenlet.rawlink(lambda _: self._ended(supervisor))
        if self._monitoring is None:
            self._monitoring = spawn("resource monitor", self._monitor.run, on_failure=self._on_failure)

    def _ended(self, supervisor: Supervisor) -> None:
        del self._running[supervisor]
        ended = [one for one in self._listed if one not in self._running and one not in self._configured]
        for oldest in ended[:-_MAX_ENDED]:
            self._forget(oldest)
        if not self._running:
            self._on_all_ended()

    def _forget(self, supervisor: Supervisor) -> None:
        self._listed.remove(supervisor)
        self._configured.discard(supervisor)

    def _stop_if_running(self, supervisor: Supervisor) -> None:
        if supervisor in self._running and not supervisor.is_stopping:
            supervisor.stop()

    def _makes_room(self, old: Supervisor, spec: Spec | EmbeddedSpec) -> bool:
        """Whether a supervisor is done, and of the same driver."""
        is_done = old not in self._running or old.is_stopping
        return is_done and _identity(old.spec) == _identity(spec)

    def _local_drivers(self) -> list[LocalDriver]:
        return [one for one in self._listed if isinstance(one, LocalDriver)]

    def _called(self, name: str) -> list[Supervisor]:
        found = [one for one in self._listed if name in _names(one.spec)]
        return found or [self._with_device(name)]

    def _with_device(self, name: str) -> Supervisor:
        """The only driver that has a device of this name."""
        found = [one for one in self._listed if name in _devices(one)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(dict.fromkeys(one.spec.name for one in found or self._listed)) or "none"
        trouble = f"several drivers have a device {name}" if found else f"there is no driver {name}"
        raise DriverError(f"{trouble}; {'name one' if found else 'there are'}: {known}")

    def _active(self, name: str) -> Supervisor:
        """The driver of this name that is not to end yet."""
        found = self._called(name)
        active = next((one for one in found if one in self._running and not one.is_stopping), None)
        if active is None:
            state = found[0].status()["state"]
            raise DriverError(f"driver {name} is {state} and cannot be ended; reset starts it when it has ended")
        return active


def _run_after(before: Sequence[gevent.Greenlet], supervisor: Supervisor) -> None:
    """Run a driver when what was the same and is being stopped has ended: two at once would fight for the device."""
    gevent.joinall(before)
    supervisor.run()


def _names(spec: Spec | EmbeddedSpec) -> tuple[str, ...]:
    return (spec.name, spec.command) if isinstance(spec, DriverSpec) else (spec.name,)


def _devices(supervisor: Supervisor) -> list[str]:
    devices = supervisor.status()["devices"]
    return devices if isinstance(devices, list) else []


def _identity(spec: Spec | EmbeddedSpec) -> tuple[object, ...]:
    """What two starts of the same driver have in common."""
    return (type(spec), spec.name, spec.device if isinstance(spec, DriverSpec) else None)


def _things(spec: Spec | EmbeddedSpec) -> set[str]:
    """Who has one of these in common with another may be the same driver."""
    return set(_names(spec))


def _take_counterpart(supervisors: list[Supervisor], spec: Spec) -> Supervisor | None:
    """Take out who serves a configured driver now: one with the same specification, or else of the same name."""
    namesakes = [one for one in supervisors if one.spec.name == spec.name]
    same = [one for one in namesakes if one.spec == spec]
    found = next(iter([*same, *namesakes]), None)
    if found is not None:
        supervisors.remove(found)
    return found


def _is_meant(stop: Spec, running: Spec | EmbeddedSpec) -> bool:
    """Whether a stop command means this driver: by its name, and its device where one is given."""
    if isinstance(stop, DriverSpec) and isinstance(running, DriverSpec):
        is_named = stop.name in (running.name, running.command)
        return is_named and stop.device in (None, running.device)
    return type(stop) is type(running) and stop.name == running.name
