"""The daemon put together: what is started in which order, and ended in which."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import gevent
from gevent.event import AsyncResult, Event

from indigevent.config.settings import Settings
from indigevent.errors import ConfigError
from indigevent.logs import LogWriter, log
from indigevent.protocol import codec
from indigevent.protocol.vectors import UserMessage
from indigevent.server.client_link import serve_client
from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.drivers import DriverRegistry
from indigevent.server.fifo import Fifo
from indigevent.server.greenlets import spawn
from indigevent.server.guardian import Guardian
from indigevent.server.house import ClientPolicy, DriverDefaults, House
from indigevent.server.islog import IsLog
from indigevent.server.listeners import Listener, address_of, bind_local, bind_tcp, is_loopback
from indigevent.server.memory import keep_for_blobs
from indigevent.server.switchboard import Switchboard
from indigevent.supervision.specs import EmbeddedSpec

EXIT_FAILURE = 1
# libindi drivers get 1 s to end by themselves and 2 s after SIGTERM.
_SHUTDOWN_DEADLINE_S = 4.0


def serve(settings: Settings) -> int:
    """Run the daemon until it is told to end; returns its exit status.

    0 after SIGTERM or SIGINT; 1 when it cannot listen, when its last driver has ended and nothing can start another
    (reference behaviour), or when a part of it has failed.
    """
    keep_for_blobs()
    logs = LogWriter(settings.verbosity)
    gevent.get_hub().print_exception = _log_error
    try:
        daemon = Daemon(settings, child_fd_limit=_raise_fd_limit())
        return daemon.run()
    except ConfigError as error:
        print(f"{settings.program}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    finally:
        logs.close()


class Daemon:
    """The composition root: every other part gets plain values and what it needs of the others.

    Arguments:
        settings: what to do.
        child_fd_limit: the soft and hard limit of descriptors that drivers are to have, when ours was raised.
        embedded: drivers of this process, besides those of the settings.
        stays: go on when the last driver has ended.

    Raises ConfigError when it cannot listen.
    """

    def __init__(
        self,
        settings: Settings,
        child_fd_limit: tuple[int, int] | None = None,
        embedded: Sequence[EmbeddedSpec] = (),
        stays: bool = False,
    ) -> None:
        self._settings = settings
        self._embedded = embedded
        self._stays = stays or settings.fifo is not None or settings.config_file is not None
        self._ended: AsyncResult = AsyncResult()
        self._fd_freed = Event()
        self._greenlets: list[gevent.Greenlet] = []
        self._clients: set[gevent.Greenlet] = set()
        self._islog = IsLog(settings.islog_dir) if settings.islog_dir else None
        counters = Counters()
        limits = QueueLimits(settings.max_queue_bytes, settings.max_stream_bytes, counters)
        self._sockets = self._bind()
        self._house = House(
            Switchboard(uuid.uuid4().hex, limits, self._islog),
            Guardian(),
            counters,
            dict(os.environ),
            has_fifo=settings.fifo is not None,
            driver_defaults=_driver_defaults(settings),
            client_policy=_client_policy(settings),
            child_fd_limit=child_fd_limit,
        )
        self._drivers = DriverRegistry(self._house, self._drivers_ended, self._part_failed)

    def run(self, on_listening: Callable[[], None] = lambda: None) -> int:
        """Start everything, wait for a reason to end, and end everything.

        `on_listening` is called when clients can connect. SIGTERM and SIGINT are reasons to end, in the main thread.
        """
        signals = self._handle_signals()
        self._announce()
        for spec in (*self._embedded, *self._settings.drivers):
            self._drivers.start(spec)
        for sock in self._sockets:
            listener = Listener(sock, self._accept, self._fd_freed)
            self._start(f"listener on {sock.getsockname()!r}", listener.run)
        if self._settings.fifo is not None:
            self._start("FIFO", Fifo(self._settings.fifo, self._drivers.execute).run)
        on_listening()
        status: int = self._ended.get()
        self._shut_down()
        for number, watcher in signals.items():
            watcher.cancel()
            signal.signal(number, signal.getsignal(number))  # libev has left the system's default behind
        return status

    def end(self, status: int = 0) -> None:
        """Have `run` end everything and return this status."""
        if not self._ended.ready():
            self._ended.set(status)

    def send_message(self, text: str, timestamp: str) -> None:
        """Tell all clients a sentence."""
        self._house.switchboard.announce(codec.to_bytes(UserMessage(codec.printable(text), timestamp=timestamp)))

    def _bind(self) -> list[socket.socket]:
        settings = self._settings
        sockets = bind_tcp(settings.hosts, settings.port)
        if not sockets:
            raise ConfigError(f"no address of {', '.join(settings.hosts)} exists here; choose another with --host")
        try:
            return [*sockets, bind_local(settings.local_socket)]
        except ConfigError:
            for sock in sockets:
                sock.close()
            raise

    def _announce(self) -> None:
        """The first lines of the log, at every verbosity."""
        settings = self._settings
        log.warning("startup: %s %s", settings.program, " ".join(sys.argv[1:]))
        tcp = [sock for sock in self._sockets if sock.family != socket.AF_UNIX]
        where = " and ".join(map(address_of, tcp))
        if all(map(is_loopback, tcp)):
            reach = "this machine only; --host 0.0.0.0 and --host :: open it to the network"
        else:
            reach = "open to the network, without any password"
        log.warning("listening on %s: %s", where, reach)
        log.info("Local server: listening on local domain at: @%s", settings.local_socket)

    def _accept(self, sock: socket.socket) -> None:
        if 0 < self._settings.max_clients <= len(self._clients):
            log.warning("A client is turned away: there are %d, as many as may be", len(self._clients))
            sock.close()
            return
        client = spawn(
            f"client on descriptor {sock.fileno()}", serve_client, sock, self._house, on_failure=lambda _: sock.close()
        )
        self._clients.add(client)
        client.rawlink(self._client_ended)

    def _client_ended(self, client: gevent.Greenlet) -> None:
        self._clients.discard(client)
        self._fd_freed.set()

    def _start(self, name: str, function: Callable[[], None]) -> None:
        self._greenlets.append(spawn(name, function, on_failure=self._part_failed))

    def _part_failed(self, _: BaseException) -> None:
        """A part that the daemon cannot be without has failed: never go on half-alive."""
        self.end(EXIT_FAILURE)

    def _drivers_ended(self) -> None:
        """Reference behaviour: a server without drivers ends, unless something can start another."""
        if not self._stays:
            self.end(EXIT_FAILURE)

    def _handle_signals(self) -> dict[signal.Signals, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        return {each: gevent.signal_handler(each, self._signalled, each) for each in (signal.SIGTERM, signal.SIGINT)}

    def _signalled(self, number: int) -> None:
        """The first signal ends the server in order, a second one at once."""
        if self._ended.ready():
            self._drivers.kill_all()
            os._exit(0)
        log.warning("%s received", signal.Signals(number).name)
        self.end(0)

    def _shut_down(self) -> None:
        """No newcomers, then no drivers, then no clients: who listens hears of every device that goes."""
        gevent.killall(self._greenlets)
        self._drivers.stop_all(_SHUTDOWN_DEADLINE_S)
        gevent.killall(list(self._clients))
        self._house.guardian.close()
        if self._islog is not None:
            self._islog.close()
        log.warning("good bye")


def _driver_defaults(settings: Settings) -> DriverDefaults:
    return DriverDefaults(
        settings.restarts,
        settings.restart_delay_s,
        settings.stable_time_s,
        settings.stop_timeout_s,
        settings.stall_timeout_s,
    )


def _client_policy(settings: Settings) -> ClientPolicy:
    return ClientPolicy(
        settings.allow,
        settings.local_uids,
        settings.access,
        settings.max_clients,
        settings.max_per_address,
        settings.message_timeout_s,
        settings.max_rate,
    )


def _log_error(context: object, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """Log what gevent would print, for callbacks; who starts a greenlet, or a thread's task, reports its failure."""
    if not isinstance(context, (gevent.Greenlet, tuple)):
        log.error("A callback of %r failed", context, exc_info=(kind, value, trace))


def _raise_fd_limit() -> tuple[int, int] | None:
    """Raise the soft limit of open files to the hard one; returns what drivers should have, if that is different."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return None
    return soft, hard
