"""One run of a local driver: its process, its link, and who watches that it reads, answers and keeps its limits."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable

import gevent

from indigevent.errors import RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol.framing import FaultKind
from indigevent.protocol.message import Message
from indigevent.routing.peers import Driver
from indigevent.server.clients.notices import notice
from indigevent.server.drivers.driver_process import DriverProcess
from indigevent.server.drivers.driver_service import serve_driver
from indigevent.server.drivers.watchdog import DefinitionRequest, DriverLink, Ping, Question, StallWatch, Watchdog
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.operating.resources import Meter
from indigevent.server.traffic import FaultCount, count_faults
from indigevent.supervision.limits import Excess, LimitWatch, Usage
from indigevent.supervision.policy import Flood
from indigevent.supervision.specs import DriverSpec

EXIT = "exit"


class DriverRun:
    """A driver's program from its start to its end.

    `reason` is why it ended: `exit` when it did so by itself, else why it was ended (a word for counting).

    Arguments:
        spec: what to run.
        house: what all drivers share.
        stop_timeout_s: how long it may take to end by itself.
        stall_timeout_s: how long it may read nothing while too much waits for it; 0 is for ever.
        faults: where its malformed elements are counted.
        on_ending: called when it is about to be ended for such a reason.

    Raises DriverError when the program cannot be executed, and ShortOfDescriptors.
    """

    def __init__(
        self,
        spec: DriverSpec,
        house: House,
        stop_timeout_s: float,
        stall_timeout_s: float,
        faults: FaultCount,
        on_ending: Callable[[], None],
    ) -> None:
        environment = spec.process_environment(house.environment, house.has_fifo)
        self.process = DriverProcess(spec, environment, house.guardian, house.child_fd_limit, stop_timeout_s)
        self.link = DriverLink(self.process.sock, f"Driver {spec.name}", is_traced=spec.trace)
        self.driver = Driver(self.link.label, house.next_number(), self.link)
        self.usage = Usage()
        self.reason = EXIT
        self._is_stopping = False
        self._spec = spec
        self._house = house
        self._faults = faults
        self._on_ending = on_ending
        self._flood = Flood()
        self._meter = Meter(self.process.pid)
        self._limits = LimitWatch(spec.max_memory_bytes, spec.max_cpu)
        self._watchdog: gevent.Greenlet | None = None
        self._stall = StallWatch(self.link, house.limits, stall_timeout_s, self._end_stalled)
        if stall_timeout_s > 0:
            self.driver.on_drop = self._stall.begin

    def serve(self) -> int:
        """Serve the driver until its program has ended; returns the exit status."""
        log.info("%s: pid=%d rfd=%d wfd=%d", self.link.label, self.process.pid, self.link.fileno(), self.link.fileno())
        self.process.exited.rawlink(lambda _: self.link.expect_end())
        self._start_watchdog()
        try:
            self._pass_on()
        except Exception:  # ours is the fault, but this run of the driver is all that it costs
            log.exception("%s: serving it failed", self.link.label)
        finally:
            self._stall.end()
            if self._watchdog is not None:
                self._watchdog.kill(block=False)
            self.link.close()
            status = self.process.finish()
        return status

    def stop(self) -> None:
        """Have the program end in order; `serve` returns when it has."""
        self._is_stopping = True
        self.link.end_writing()
        self.process.expect_end()

    def measure(self) -> None:
        """Look at what the process uses, and do about it what the driver's section says."""
        self.usage = self._meter.read()
        for excess in self._limits.judge(self.usage, time.monotonic()):
            self._exceeded(excess)

    def tell(self, clause: str) -> None:
        """Tell the clients of its devices something about the driver."""
        tell(self._house, self.driver, f"The driver {self._spec.name} {clause}.")

    def _pass_on(self) -> None:
        link = self.link
        for _, faults in serve_driver(self.driver, link, self._house.switchboard):
            repaired = link.framer.repaired
            if faults or repaired != self._faults.repaired_in_run:
                count_faults(self._house.counters, self._faults, faults, repaired)
            if faults:
                self._judge(faults)
        level = logging.WARNING if link.is_aborted and self.reason == EXIT else logging.INFO
        log.log(level, "%s: %s", link.label, link.end_reason or "read EOF")

    def _judge(self, faults: list[RemoteProtocolError]) -> None:
        if any(fault.kind == FaultKind.BLOB.value for fault in faults):
            self._end_after_blob()
        elif self._flood.note(len(faults), time.monotonic()) and self._spec.malformed == "restart":
            self._end_hung("malformed", "keeps sending malformed elements")

    def _end_after_blob(self) -> None:
        """A BLOB without its descriptor ends the run, as in the reference: the next one would be mixed up."""
        if self.link.lost_fds:
            self.link.lost_fds -= 1  # we were short of descriptors ourselves
            return
        log.warning("%s: Terminating after malformed message", self.link.label)
        self.reason = "malformed"
        self.link.abort("malformed BLOB")

    def _start_watchdog(self) -> None:
        timeout_s = self._spec.watchdog_s
        if timeout_s <= 0:
            return
        question: Question
        if self._spec.python_class is not None:
            question = Ping(self.link, self._house.counters.ping_seconds)
        else:
            question = DefinitionRequest(self.link)
        silent = f"has not answered for {timeout_s:g} s"
        watchdog = Watchdog(self.link, question, timeout_s, lambda: self._end_hung("watchdog", silent))
        name = f"watchdog of {self._spec.name}"
        self._watchdog = spawn(name, watchdog.run, on_failure=lambda error: self.link.abort(str(error)))

    def _end_stalled(self, silent_s: float) -> None:
        waiting = f"{self._house.limits.max_queue_bytes >> 20} MB wait"
        self._end_hung("stalled", f"has read nothing for {silent_s:g} s, while {waiting}")

    def _end_hung(self, reason: str, clause: str) -> None:
        """End a program that cannot be expected to do that by itself, so that it can be started again."""
        if self._announce(reason, clause):
            self.link.abort(clause)
            self.process.expect_end(is_hung=True)

    def _exceeded(self, excess: Excess) -> None:
        if self._spec.over_limit == "restart":
            if self._announce(excess.kind, excess.text):
                self.stop()
        else:
            log.warning("%s: %s", self.link.label, excess.text)

    def _announce(self, reason: str, clause: str) -> bool:
        """Say why the program is ended; False when it is ending already."""
        if self._is_stopping or self.reason != EXIT or self.link.is_ended:
            return False
        self.reason = reason
        log.warning("%s: %s; it is ended", self.link.label, clause)
        self.tell(f"{clause}; it is ended to be started again")
        self._on_ending()
        return True


def tell(house: House, driver: Driver, sentence: str) -> None:
    """Tell everybody who listens to a driver's devices a sentence about it, as if the driver had said it."""
    words = [Message("message", device, "", notice(sentence, device)[:-1]) for device in driver.devices]
    house.switchboard.from_driver(driver, words)


def how_it_ended(status: int) -> str:
    """An exit status in words: `status 1`, `killed by SIGSEGV`."""
    if status >= 0:
        return f"status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
