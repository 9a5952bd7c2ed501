"""A local driver's supervisor: a greenlet that runs its program and decides, each time that it ends, what is next."""

from __future__ import annotations

import random
import time
from typing import TypeVar

from gevent.event import Event

from indigevent.errors import DriverError
from indigevent.logs import log
from indigevent.routing.peers import Driver
from indigevent.server.drivers.driver_process import ShortOfDescriptors
from indigevent.server.drivers.driver_run import EXIT, DriverRun, how_it_ended, tell
from indigevent.server.house import House
from indigevent.server.traffic import FaultCount, TrafficCount
from indigevent.supervision.limits import Usage
from indigevent.supervision.policy import Restart, RestartPolicy
from indigevent.supervision.specs import DriverSpec
from indigevent.supervision.states import Life, State

_SHORTAGE_DELAY_S = 1.0
_T = TypeVar("_T")


class LocalDriver:
    """One driver of the command line, the config file, the FIFO or an operator, through all its restarts.

    `run` is the body of its greenlet and returns when the driver is not to run any more; `stop` asks for that.
    """

    def __init__(self, spec: DriverSpec, house: House) -> None:
        self.spec = spec
        self._house = house
        self._life = Life()
        self._policy = RestartPolicy(0, 0.0, 0.0, random.random)
        self._heed_settings()
        self._stop = Event()
        self._last_trouble = ""
        self._last_exit = ""
        self._next_start_s: float | None = None
        self._run: DriverRun | None = None
        self._known: Driver | None = None
        self._traffic = TrafficCount()
        self._faults = FaultCount()

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._life.state

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return bool(self._stop.is_set())

    @property
    def stop_timeout_s(self) -> float:
        """How long the program may take to end by itself, in seconds."""
        return _chosen(self.spec.stop_timeout_s, self._house.driver_defaults.stop_timeout_s)

    def stop(self) -> None:
        """End the program and start it no more; `run` returns when it has ended."""
        self._stop.set()
        if self._run is not None:
            self._enter_stopping()
            self._run.stop()

    def kill(self) -> None:
        """Kill the program without waiting for anything."""
        if self._run is not None:
            self._run.process.kill()

    def measure(self) -> None:
        """Look at what the program uses, if it runs."""
        if self._run is not None and self.state is State.RUNNING:
            self._run.measure()

    def tell(self, clause: str) -> None:
        """Tell the clients of the driver's devices something about it."""
        self._remember_devices()
        if self._known is not None:
            tell(self._house, self._known, f"The driver {self.spec.name} {clause}.")

    def status(self) -> dict[str, object]:
        """The driver as it is now, in plain values; times in seconds, sizes in bytes."""
        run = self._run
        uptime_s = run.process.uptime_s if run is not None else 0.0
        usage = run.usage if run is not None else Usage()
        wait_s = None if self._next_start_s is None else max(0.0, self._next_start_s - time.monotonic())
        return {
            "name": self.spec.name,
            "kind": "local",
            "state": self.state.value,
            "command": " ".join((self.spec.executable, *self.spec.arguments)),
            "pid": run.process.pid if run is not None else None,
            "uptime_s": uptime_s,
            "restarts": self._policy.done_after(uptime_s),
            "next_start_s": wait_s,
            "last_exit": self._last_exit,
            "devices": list(run.driver.devices) if run is not None else [],
            "malformed": self._faults.malformed,
            "repaired": self._faults.repaired,
            **self._traffic.with_link(run.link if run is not None else None),
            **vars(usage),
        }

    def run(self) -> None:
        """Run the program as often as its policy allows."""
        while not self._stop.is_set():
            try:
                uptime_s, reason = self._run_once()
            except ShortOfDescriptors as error:  # our trouble, not an exit of the driver
                log.warning("Driver %s: waits for %s", self.spec.name, error)
                self._stop.wait(_SHORTAGE_DELAY_S)
                continue
            if self._stop.is_set():
                break
            self._heed_settings()
            restart = self._policy.after_exit(uptime_s)
            if restart is None:
                self._give_up()
                return
            self._wait_for(restart, reason)
        self._life.go(State.STOPPED)

    def _heed_settings(self) -> None:
        """The server's settings count where the driver's own say nothing; the former may change while it runs."""
        spec, defaults, policy = self.spec, self._house.driver_defaults, self._policy
        policy.restarts = _chosen(spec.restarts, defaults.restarts)
        policy.first_delay_s = _chosen(spec.restart_delay_s, defaults.restart_delay_s)
        policy.stable_time_s = _chosen(spec.stable_time_s, defaults.stable_time_s)

    def _give_up(self) -> None:
        self._life.go(State.FATAL)
        log.warning("Driver %s: Terminated after #%d restarts.", self.spec.name, self._policy.restarts)
        times = f" after {self._policy.restarts} restarts" if self._policy.restarts else ""
        self.tell(f"has ended ({self._last_exit}) and is given up{times}; an operator can start it again")

    def _wait_for(self, restart: Restart, reason: str) -> None:
        self._life.go(State.BACKOFF)
        self._next_start_s = time.monotonic() + restart.delay_s
        if reason == EXIT:  # of all other reasons the clients were told before it was ended
            when = f"in {restart.delay_s:.0f} s" if restart.delay_s >= 1 else "now"
            self.tell(f"has ended ({self._last_exit}) and is started again {when}")
        is_told_to_stop = self._stop.wait(restart.delay_s)
        self._next_start_s = None
        if not is_told_to_stop:
            self._house.counters.restarts[reason] += 1
            log.warning("Driver %s: restart #%d", self.spec.name, restart.number)
            self._life.go(State.STARTING)

    def _run_once(self) -> tuple[float, str]:
        """One run of the program; returns how long it lasted, in seconds, and the reason of its end."""
        spec = self.spec
        stall_timeout_s = _chosen(spec.stall_timeout_s, self._house.driver_defaults.stall_timeout_s)
        self._faults.repaired_in_run = 0
        try:
            run = DriverRun(spec, self._house, self.stop_timeout_s, stall_timeout_s, self._faults, self._enter_stopping)
        except DriverError as error:
            self._report(str(error))
            return 0.0, EXIT
        self._run = run
        self._life.go(State.RUNNING)
        try:
            status = run.serve()
        finally:
            self._remember_devices()
            self._run = None
            self._traffic.add(run.link)
        self._last_exit = how_it_ended(status)
        log.info("Driver %s: ended with status %d", spec.name, status)
        return run.process.uptime_s, run.reason

    def _report(self, trouble: str) -> None:
        """Log why the program cannot be executed once, not at every attempt."""
        self._last_exit = trouble
        if trouble != self._last_trouble:
            self._last_trouble = trouble
            log.warning("Driver %s: %s", self.spec.name, trouble)

    def _remember_devices(self) -> None:
        """A run that has not come so far as to define a device has the clients of the run before."""
        if self._run is not None and self._run.driver.devices:
            self._known = self._run.driver

    def _enter_stopping(self) -> None:
        if self.state is State.RUNNING:
            self._life.go(State.STOPPING)


def _chosen(own: _T | None, default: _T) -> _T:
    return default if own is None else own
