"""A local driver's supervisor: a greenlet that runs its program, serves its messages, and starts it again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gevent.event import Event

from indigevent.errors import DriverError
from indigevent.logs import log
from indigevent.protocol.framing import FaultKind
from indigevent.routing.peers import Driver
from indigevent.server.driver_process import DriverProcess, ShortOfDescriptors
from indigevent.server.driver_service import serve_driver
from indigevent.server.house import House
from indigevent.server.link import Link
from indigevent.supervision.policy import Restart, RestartPolicy
from indigevent.supervision.specs import DriverSpec

_SHORTAGE_DELAY_S = 1.0


class LocalDriver:
    """One driver of the command line, the config file or the FIFO, through all its restarts.

    `run` is the body of its greenlet and returns when the driver is not to run any more; `stop` asks for that.
    """

    def __init__(self, spec: DriverSpec, house: House) -> None:
        self.spec = spec
        self._house = house
        self._policy = RestartPolicy(
            house.driver_defaults.restarts if spec.restarts is None else spec.restarts,
            house.driver_defaults.restart_delay_s if spec.restart_delay_s is None else spec.restart_delay_s,
        )
        self._stop = Event()
        self._last_trouble = ""
        self._end_run: Callable[[], None] = lambda: None
        self._kill_run: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """End the program and start it no more; `run` returns when it has ended."""
        self._stop.set()
        self._end_run()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def kill(self) -> None:
        """Kill the program without waiting for anything."""
        self._kill_run()

    def run(self) -> None:
        """Run the program as often as its policy allows."""
        while not self._stop.is_set():
            try:
                uptime_s = self._run_once()
            except ShortOfDescriptors as error:  # our trouble, not an exit of the driver
                log.warning("Driver %s: waits for %s", self.spec.name, error)
                self._stop.wait(_SHORTAGE_DELAY_S)
                continue
            if self._stop.is_set():
                return
            restart = self._policy.after_exit(uptime_s)
            if restart is None:
                log.warning("Driver %s: Terminated after #%d restarts.", self.spec.name, self._policy.restarts)
                return
            self._wait_for(restart)

    def _wait_for(self, restart: Restart) -> None:
        if not self._stop.wait(restart.delay_s):
            log.warning("Driver %s: restart #%d", self.spec.name, restart.number)

    def _run_once(self) -> float:
        """One run of the program; returns how long it lasted, in seconds."""
        house, spec = self._house, self.spec
        try:
            environment = spec.process_environment(house.environment, house.has_fifo)
            process = DriverProcess(spec, environment, house.guardian, house.child_fd_limit)
        except DriverError as error:
            self._report(str(error))
            return 0.0
        link = Link(process.sock, f"Driver {spec.name}", takes_fds=True, is_traced=spec.trace)
        log.info("Driver %s: pid=%d rfd=%d wfd=%d", spec.name, process.pid, link.fileno(), link.fileno())
        self._end_run = lambda: self._close_stdin(link, process)
        self._kill_run = process.kill
        process.exited.rawlink(lambda _: link.expect_end())
        try:
            self._serve(link)
        except Exception:  # ours is the fault, but this run of the driver is all that it costs
            log.exception("Driver %s: serving it failed", spec.name)
        finally:
            self._end_run = lambda: None
            link.close()
            status = process.finish()
            self._kill_run = lambda: None
        log.info("Driver %s: ended with status %d", spec.name, status)
        return process.uptime_s

    def _report(self, trouble: str) -> None:
        """Log why the program cannot be executed once, not at every attempt."""
        if trouble != self._last_trouble:
            self._last_trouble = trouble
            log.warning("Driver %s: %s; check its name and PATH", self.spec.name, trouble)

    def _close_stdin(self, link: Link, process: DriverProcess) -> None:
        link.end_writing()
        process.expect_end()

    def _serve(self, link: Link) -> None:
        driver = Driver(link.label, self._house.next_number(), link)
        for _, faults in serve_driver(driver, link, self._house.switchboard):
            if any(fault.kind == FaultKind.BLOB.value for fault in faults):
                self._end_after_blob(link)
        level = logging.WARNING if link.is_aborted and not self.is_stopping else logging.INFO
        log.log(level, "%s: %s", link.label, link.end_reason or "read EOF")

    def _end_after_blob(self, link: Link) -> None:
        """A BLOB without its descriptor ends the run, as in the reference: the next one would be mixed up."""
        if link.lost_fds:
            link.lost_fds -= 1  # we were short of descriptors ourselves
        else:
            log.warning("Driver %s: Terminating after malformed message", self.spec.name)
            link.abort("malformed BLOB")
