"""The daemon put together: what is started in which order, and ended in which."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import gevent
from gevent.event import AsyncResult, Event

from indigevent.config.reload import changes_for_later
from indigevent.config.settings import Settings
from indigevent.errors import ConfigError
from indigevent.logs import LogWriter, log
from indigevent.protocol import codec
from indigevent.protocol.vectors import UserMessage
from indigevent.server.clients.reception import Reception
from indigevent.server.clients.registry import ClientRegistry
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.drivers.guardian import Guardian
from indigevent.server.drivers.registry import DriverRegistry
from indigevent.server.fifo import Fifo
from indigevent.server.greenlets import spawn
from indigevent.server.house import House
from indigevent.server.islog import IsLog
from indigevent.server.listeners import FLAGS, Flags, Listener, address_of
from indigevent.server.memory import keep_for_blobs
from indigevent.server.operating.control import Control
from indigevent.server.operating.control_socket import NONE, ControlSocket, open_control_socket
from indigevent.server.operating.events import Events
from indigevent.server.operating.operations import Operations
from indigevent.server.operating.status import Status
from indigevent.server.operating.systemd import ServiceManager, for_drivers
from indigevent.server.operating.web import Web
from indigevent.server.preparation import Sockets, client_policy, driver_defaults, open_log, raise_fd_limit, tls_context
from indigevent.server.switchboard import Switchboard
from indigevent.supervision.specs import EmbeddedSpec

EXIT_FAILURE = 1


def serve(settings: Settings, reread: Callable[[], Settings] | None = None, warnings: Sequence[str] = ()) -> int:
    """Run the daemon until it is told to end; returns its exit status.

    `reread` reads the configuration again, for a reload; it raises ConfigError when that is wrong. `warnings` are
    sentences about the configuration, for the log.

    0 after SIGTERM, SIGINT, or a SIGHUP that is no reload; 1 when it cannot listen, when its last driver has ended and
    nothing can start another (reference behaviour), or when a part of it has failed.
    """
    keep_for_blobs()
    gevent.get_hub().print_exception = _log_error
    try:
        logs = open_log(settings)
        manager = ServiceManager(os.environ)
        try:
            for sentence in warnings:
                log.warning("%s", sentence)
            return Daemon(settings, raise_fd_limit(), reread=reread, logs=logs, manager=manager).run()
        finally:
            logs.close()
    except ConfigError as error:
        print(f"{settings.program}: {error}", file=sys.stderr)
        return EXIT_FAILURE


class Daemon:
    """The composition root: every other part gets plain values and what it needs of the others.

    Arguments:
        settings: what to do.
        child_fd_limit: the soft and hard limit of descriptors that drivers are to have, when ours was raised.
        embedded: drivers of this process, besides those of the settings.
        stays: go on when the last driver has ended.
        reread: reads the configuration again, for `reload`.
        logs: what writes this process's log; None leaves that to the program around the daemon.
        manager: systemd, if it has started this process as a service.
        flags: what errors call the settings of where to listen.

    Raises ConfigError when it cannot listen.
    """

    def __init__(
        self,
        settings: Settings,
        child_fd_limit: tuple[int, int] | None = None,
        embedded: Sequence[EmbeddedSpec] = (),
        stays: bool = False,
        reread: Callable[[], Settings] | None = None,
        logs: LogWriter | None = None,
        manager: ServiceManager | None = None,
        flags: Flags = FLAGS,
    ) -> None:
        self._settings = settings
        self._logs = logs
        self._manager = manager or ServiceManager({})
        self._reread = reread
        self._embedded = embedded
        has_control = settings.control not in (None, NONE)
        self._stays = stays or settings.fifo is not None or settings.config_file is not None or has_control
        self._ended: AsyncResult = AsyncResult()
        self._fd_freed = Event()
        self._hung_up = Event()
        self._verbosity = settings.verbosity
        self._greenlets: list[gevent.Greenlet] = []
        self._islog = IsLog(settings.islog_dir) if settings.islog_dir else None
        counters = Counters()
        limits = QueueLimits(settings.max_queue_bytes, settings.max_stream_bytes, counters)
        self._tls = tls_context(settings)
        self._sockets = Sockets(settings, flags)
        self._house = House(
            Switchboard(uuid.uuid4().hex, limits, self._islog),
            Guardian(),
            counters,
            limits,
            for_drivers(os.environ),
            has_fifo=settings.fifo is not None,
            driver_defaults=driver_defaults(settings),
            clients=ClientRegistry(client_policy(settings), counters),
            child_fd_limit=child_fd_limit,
        )
        self._reception = Reception(self._house, self._fd_freed)
        self._drivers = DriverRegistry(self._house, self._drivers_ended, self._part_failed, settings.sample_interval_s)
        self._status = Status(
            self._drivers,
            self._house.clients,
            counters,
            self._sockets.addresses,
            settings.local_socket,
            settings.config_file,
        )
        self._web = Web(self._status.snapshot, limits, counters, self._lost_log_lines) if settings.metrics else None
        self._events = Events()
        self._control_socket: ControlSocket | None = None
        self._signals: dict[signal.Signals, Any] = {}

    def run(self, on_listening: Callable[[], None] = lambda: None) -> int:
        """Start everything, wait for a reason to end, and end everything.

        `on_listening` is called when clients can connect. SIGTERM and SIGINT are reasons to end, in the main thread,
        and remain this daemon's affair until `give_signals_back`.

        Raises ConfigError when it cannot have its control socket.
        """
        self._handle_signals()
        control = self._open_control()  # a file, so not before a signal ends us in order
        self._announce()
        for spec in (*self._embedded, *self._settings.drivers):
            self._drivers.start(spec)
        self._listen()
        if self._settings.fifo is not None:
            self._start("FIFO", Fifo(self._settings.fifo, self._drivers.execute, self._events.record).run)
        if control is not None:
            self._start("control", control.run)
        if self._manager.watchdog_s:
            self._start("systemd's watchdog", self._manager.keep_watchdog)
        self._manager.ready(f"listening on {self._sockets.where}")
        on_listening()
        status: int = self._ended.get()
        self._manager.stopping("ending the drivers", self._drivers.stop_deadline_s)
        self._shut_down()
        return status

    def give_signals_back(self) -> None:
        """Have signals do again what they did before `run`."""
        for number, watcher in self._signals.items():
            watcher.cancel()
            signal.signal(number, signal.getsignal(number))  # libev has left the system's default behind

    def end(self, status: int = 0) -> None:
        """Have `run` end everything and return this status."""
        if not self._ended.ready():
            self._ended.set(status)

    def reload(self) -> str:
        """Read the configuration again, and change what differs and can change; returns a sentence for the log.

        Drivers that are as before never notice. Raises ConfigError when the configuration is wrong; all stays then.
        """
        if self._reread is None or self._settings.config_file is None:
            return "There is no config file to read again; a server has one that is started with --config"
        wanted = self._reread()
        later = changes_for_later(self._settings, wanted)
        self._house.driver_defaults = driver_defaults(wanted)
        self._house.clients.door.policy = client_policy(wanted)
        self._house.limits.max_queue_bytes = wanted.max_queue_bytes
        self._house.limits.max_stream_bytes = wanted.max_stream_bytes
        if wanted.verbosity != self._verbosity:
            self._verbosity = wanted.verbosity
            self._set_log_level(wanted.verbosity)
        changes = self._drivers.reload(wanted.drivers)
        waiting = f"; in use only after a restart: {', '.join(later)}" if later else ""
        return f"The configuration was read again: {changes}{waiting}"

    def send_message(self, text: str, timestamp: str) -> None:
        """Tell all clients a sentence."""
        self._house.switchboard.announce(codec.to_bytes(UserMessage(codec.printable(text), timestamp=timestamp)))

    def _open_control(self) -> Control | None:
        settings, house = self._settings, self._house
        self._control_socket = open_control_socket(settings.control, settings.port, os.environ)
        if self._control_socket is None:
            return None
        operations = Operations(
            self._status,
            self._drivers,
            house.clients,
            self._events,
            house.environment,
            self._set_log_level,
            self.reload,
        )
        return Control(self._control_socket, operations, house.counters, self._fd_freed)

    def _set_log_level(self, verbosity: int) -> None:
        if self._logs is None:
            raise ConfigError("the log is the program's own, which this server is a part of; its level is set there")
        self._logs.set_level(verbosity)
        table = self._house.switchboard.table
        for peer in (*table.clients, *table.drivers):
            peer.outlet.follow_log_level()

    def _lost_log_lines(self) -> int:
        lost = 0 if self._logs is None else self._logs.lost_lines
        return lost + (0 if self._islog is None else self._islog.lost_lines)

    def _announce(self) -> None:
        """The first lines of the log, at every verbosity."""
        settings = self._settings
        log.warning("startup: %s %s", settings.program, " ".join(sys.argv[1:]))
        log.warning("listening on %s: %s", self._sockets.where, self._sockets.reach)
        for sock in self._sockets.web:
            log.warning("metrics: http://%s/metrics", address_of(sock))
        log.info("Local server: listening on local domain at: @%s", settings.local_socket)

    def _listen(self) -> None:
        self._accept(self._sockets.plain, self._reception.accept)
        self._accept(self._sockets.local, self._reception.accept)
        self._accept(self._sockets.tls, partial(self._reception.accept, tls=self._tls))
        if self._web is not None:
            self._accept(self._sockets.web, self._web.accept)

    def _accept(self, sockets: Sequence[socket.socket], on_accept: Callable[[socket.socket, object], None]) -> None:
        for sock in sockets:
            self._start(f"listener on {sock.getsockname()!r}", Listener(sock, on_accept, self._fd_freed).run)

    def _start(self, name: str, function: Callable[[], None]) -> None:
        self._greenlets.append(spawn(name, function, on_failure=self._part_failed))

    def _part_failed(self, _: BaseException) -> None:
        """A part that the daemon cannot be without has failed: never go on half-alive."""
        self.end(EXIT_FAILURE)

    def _drivers_ended(self) -> None:
        """Reference behaviour: a server without drivers ends, unless something can start another."""
        if not self._stays:
            self.end(EXIT_FAILURE)

    def _handle_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        ending = [signal.SIGTERM, signal.SIGINT]
        if self._settings.config_file is not None or self._settings.log_file is not None:
            self._signals[signal.SIGHUP] = gevent.signal_handler(signal.SIGHUP, self._hung_up.set)
            self._start("SIGHUP", self._heed_hangups)
        elif signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup ignores it, a program may use it otherwise
            ending.append(signal.SIGHUP)  # as the reference ends when its terminal is closed
        for number in ending:
            self._signals[number] = gevent.signal_handler(number, self._signalled, number)

    def _signalled(self, number: int) -> None:
        """The first signal ends the server in order, a second one at once."""
        if self._ended.ready():
            self._drivers.kill_all()
            self._close_control_socket()
            os._exit(self._ended.value)
        log.warning("%s received", signal.Signals(number).name)
        self.end(0)

    def _heed_hangups(self) -> None:
        """SIGHUP is what logrotate and `systemctl reload` send; many of them in a moment are as good as one."""
        while True:
            self._hung_up.wait()
            self._hung_up.clear()
            self._manager.reloading()
            if self._logs is not None:
                self._logs.reopen()
            try:
                outcome = self.reload() if self._settings.config_file is not None else "the log file is opened anew"
                is_done = True
            except ConfigError as error:
                outcome, is_done = f"the configuration stays as it is: {error}", False
            log.warning("SIGHUP received: %s", outcome)
            self._events.record("SIGHUP", "reload", outcome, is_done)
            self._manager.ready(f"listening on {self._sockets.where}")

    def _shut_down(self) -> None:
        """No newcomers, then no drivers, then no clients: who listens hears of every device that goes."""
        gevent.killall(self._greenlets)
        self._close_control_socket()
        self._drivers.stop_all()
        self._reception.close()
        if self._web is not None:
            self._web.close()
        self._house.guardian.close()
        if self._islog is not None:
            self._islog.close()
        log.warning("good bye")

    def _close_control_socket(self) -> None:
        """Its greenlet does so too, but one that is ended before it began does nothing."""
        if self._control_socket is not None:
            self._control_socket.close()


def _log_error(context: object, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """Log what gevent would print, for callbacks; who starts a greenlet, or a thread's task, reports its failure."""
    if not isinstance(context, (gevent.Greenlet, tuple)):
        log.error("A callback of %r failed", context, exc_info=(kind, value, trace))
