"""`Server`: an INDI server inside a Python program, with its drivers in threads, programs and remotes beside them."""

from __future__ import annotations

import _thread
import atexit
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar

import gevent
import gevent.monkey
import gevent.socket
from gevent.thread import LockType

from indigevent.config.settings import Settings
from indigevent.driver.channel import Channel
from indigevent.driver.concurrency import Concurrency, Flag, standard
from indigevent.driver.device import Device
from indigevent.driver.driver import Driver
from indigevent.driver.run import as_driver
from indigevent.errors import ConfigError, DriverError
from indigevent.logs import LogWriter, log
from indigevent.protocol.constants import DEFAULT_PORT
from indigevent.server.app import Daemon
from indigevent.server.greenlets import spawn
from indigevent.server.listeners import Flags
from indigevent.supervision.specs import DriverSpec, EmbeddedSpec, RemoteSpec, Spec, parse_port

_LOOPBACK = ("127.0.0.1", "::1")
# What its errors call the settings of where it listens.
_ARGUMENTS = Flags("host=", "port=", "local_socket=")
_MEGABYTE = 1 << 20
_AT_EXIT_S = 6.0
_driver_log = logging.getLogger("indigevent.driver")


class Happening:
    """Something that happens once, used as `threading.Event` is; Ctrl-C in a wait for it leaves nothing locked."""

    def __init__(self) -> None:
        self._flag = Flag(standard())

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._flag.is_set

    def set(self) -> None:
        """It happens; everybody who waits goes on."""
        self._flag.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened; False when that took longer than `timeout` seconds."""
        return self._flag.wait(-1 if timeout is None else max(0.0, timeout))


class Server:
    """Serves drivers of this program, other drivers' programs, and other servers' devices, on TCP and a local socket.

    It serves once; the same drivers may be given to another Server afterwards. Each of our drivers runs in a real
    thread of its own, so blocking calls in it stop nobody else; one that is `is_cooperative` runs in greenlets instead.
    `serve` blocks; `start` serves in the background. All other methods may
    be called from any thread.

    Arguments:
        drivers: objects of Device and Driver.
        host: addresses to listen on, one or several; by default those of this machine only.
        port: TCP port.
        local_socket: name of the local socket, by default the reference's, with the port where that is not 7624.
        max_clients: how many clients may be connected at a time; 0 is any number.
        restarts, restart_delay_s: how often a program that ended is started again, and the first delay in seconds.
        max_behind_bytes: a client that is more than this far behind is closed.
        verbosity: log to stderr as the command `indigevent` does, with so many `-v`; None leaves the log to the
            program's own logging, under the name `indigevent`.

    Raises DriverError when two devices have the same name, or something is no driver.
    """

    def __init__(
        self,
        *drivers: Device | Driver,
        host: str | Sequence[str] = _LOOPBACK,
        port: int = DEFAULT_PORT,
        local_socket: str = "",
        max_clients: int = 0,
        restarts: int = 10,
        restart_delay_s: float = 1.0,
        max_behind_bytes: int = 128 * _MEGABYTE,
        verbosity: int | None = None,
    ) -> None:
        try:
            parse_port(str(port))
        except ValueError as error:
            raise ConfigError(str(error)) from None
        own = [as_driver(driver) for driver in drivers]
        _refuse_namesakes(own)
        self.started = Happening()
        self.stopped = Happening()
        self._embedded = [EmbeddedSpec(each.name, _starter(each)) for each in own]
        self._specs: list[Spec] = []
        self._verbosity = verbosity
        self._settings: dict[str, Any] = {
            "program": os.path.basename(sys.argv[0]) or "indigevent",
            "hosts": (host,) if isinstance(host, str) else tuple(host),
            "port": port,
            "local_socket": local_socket or _local_socket(port),
            "max_queue_bytes": max_behind_bytes,
            "max_stream_bytes": 5 * _MEGABYTE,
            "restarts": restarts,
            "restart_delay_s": restart_delay_s,
            "fifo": None,
            "islog_dir": None,
            "verbosity": verbosity or 0,
            "config_file": None,
            "control": "none",
            "max_clients": max_clients,
        }
        self._requests: deque[Callable[[Daemon], None]] = deque()
        self._bell: Any = None
        self._bell_guard = threading.Lock()
        self._failure: ConfigError | None = None
        self._has_served = False

    def add_executable(self, program: str, *args: str, trace: bool = False) -> None:
        """Serve an executable's devices too; it is supervised. `trace` logs its traffic. Before `serve`."""
        self._refuse_when_serving()
        self._specs.append(DriverSpec(name=program, command=program, arguments=args, trace=trace))

    def add_remote(self, host: str, port: int = DEFAULT_PORT, blobs: bool = True, trace: bool = False) -> None:
        """Serve another server's devices too; `blobs` says whether BLOBs are ever asked for. Before `serve`."""
        self._refuse_when_serving()
        self._specs.append(RemoteSpec(f"@{host}:{port}", host, port, blobs=blobs, trace=trace))

    def serve(self) -> int:
        """Serve until `shutdown`, or SIGTERM, SIGINT or SIGHUP in the main thread; returns an exit status.

        Raises ConfigError when the port or the local socket cannot be had, or it has served before.
        """
        self._serve_only_once()
        try:
            return self._serve_with_log()
        finally:
            self._say_that_it_ended()

    def start(self) -> None:
        """Serve in a thread of its own; returns when clients can connect, and raises what `serve` raises."""
        self._serve_only_once()
        _thread.start_new_thread(self._serve_in_thread, ())  # a `Thread` cannot begin if Ctrl-C hits in its `start`
        self.started.wait()
        if self._failure is not None:
            raise self._failure

    def send_message(self, message: str, timestamp: datetime | None = None) -> None:
        """Tell all clients a sentence, now or as of `timestamp`, whose time zone counts."""
        when = (timestamp or datetime.now(timezone.utc)).astimezone(timezone.utc)
        text = when.strftime("%Y-%m-%dT%H:%M:%S")
        self._request(lambda daemon: daemon.send_message(message, text))

    def shutdown(self, message: str = "") -> None:
        """End everything in order, telling clients and the log why; `stopped` is set when that is done."""
        if message:
            self.send_message(message)
            self._request(lambda daemon: log.warning("%s", message))
        self._request(lambda daemon: daemon.end())

    def _serve_only_once(self) -> None:
        if self._has_served:
            raise ConfigError("this Server has served already; make another one, its drivers may be the same")
        self._has_served = True

    def _refuse_when_serving(self) -> None:
        if self._has_served:
            raise ConfigError("this Server serves already; add programs and remotes before it does")

    def _end_at_exit(self) -> None:
        """Python must not take the interpreter away from threads that are in the middle of something."""
        self.shutdown()
        self.stopped.wait(_AT_EXIT_S)

    def _serve_in_thread(self) -> None:
        """What went wrong at the start is raised by `start`, in its caller's thread."""
        threading.current_thread().name = "indigevent server"
        atexit.register(self._end_at_exit)
        try:
            self._serve_with_log()
        except ConfigError as error:
            self._failure = error
        finally:
            if not gevent.monkey.is_module_patched("threading"):  # else this is no thread, and the hub is everybody's
                gevent.get_hub().destroy(destroy_loop=True)
            self._say_that_it_ended()

    def _serve_with_log(self) -> int:
        logs = None if self._verbosity is None else LogWriter(self._verbosity)
        try:
            return self._serve()
        finally:
            if logs is not None:
                logs.close()

    def _say_that_it_ended(self) -> None:
        atexit.unregister(self._end_at_exit)
        self.started.set()
        self.stopped.set()

    def _serve(self) -> int:
        settings = Settings(**self._settings, drivers=tuple(self._specs))
        daemon = Daemon(settings, embedded=self._embedded, stays=True, flags=_ARGUMENTS)
        bell = gevent.get_hub().loop.async_()
        bell.start(lambda: self._carry_out(daemon))
        is_patched = gevent.monkey.is_module_patched("threading")
        if is_patched:
            _LogHandOver.begin()
        self._bell = bell
        try:
            return daemon.run(self._listening)
        finally:
            daemon.give_signals_back()
            if is_patched:
                _LogHandOver.end()
            with self._bell_guard:
                self._bell = None
            bell.close()

    def _listening(self) -> None:
        self.started.set()
        self._wake()

    def _request(self, request: Callable[[Daemon], None]) -> None:
        """Have something done in the server's thread; before it serves, as soon as it does."""
        self._requests.append(request)
        self._wake()

    def _wake(self) -> None:
        with self._bell_guard:
            if self._bell is not None:
                self._bell.send()

    def _carry_out(self, daemon: Daemon) -> None:
        while self._requests:
            self._requests.popleft()(daemon)


def _local_socket(port: int) -> str:
    return "/tmp/indiserver" if port == DEFAULT_PORT else f"/tmp/indiserver-{port}"


def _refuse_namesakes(drivers: Sequence[Driver]) -> None:
    names = [name for driver in drivers for name in driver.devices]
    for name in names:
        if names.count(name) > 1:
            raise DriverError(f"two devices are called {name}; give one of them another name")


def _starter(driver: Driver) -> Callable[[int], None]:
    def start(fd: int) -> None:
        concurrency = _greenlets(driver) if driver.is_cooperative else _real_threads()

        def serve() -> None:
            try:
                driver.serve(Channel(fd, fd, concurrency), concurrency)
            except Exception:
                log.exception("Driver %s: ended by an error; it is not started again", driver.name)

        concurrency.start(f"driver {driver.name}", serve)

    return start


def _real_threads() -> Concurrency:
    """Threads, also in a program that gevent has patched.

    There the program's own code runs in the server's thread, which must not wait for a driver that waits for it.
    """
    if not gevent.monkey.is_module_patched("threading"):
        return standard()
    original = gevent.monkey.get_original
    start_thread: Callable[..., Any] = original("_thread", "start_new_thread")
    socket_class: Callable[..., Any] = original("socket", "socket")
    server = _thread_ident()
    return Concurrency(
        new_lock=original("_thread", "allocate_lock"),
        start=lambda name, function: start_thread(function, ()),
        new_socket=lambda fd: socket_class(fileno=fd),
        may_wait=lambda: _thread_ident() != server,
    )


def _greenlets(driver: Driver) -> Concurrency:
    server = _thread_ident()

    def may_wait() -> bool:
        if _thread_ident() != server:
            raise DriverError(f"{driver.name} runs in greenlets: only the server's thread can change its properties")
        return True

    return Concurrency(
        new_lock=LockType,
        start=lambda name, function: spawn(name, function, on_failure=lambda error: None),
        new_socket=lambda fd: gevent.socket.socket(fileno=fd),
        may_wait=may_wait,
    )


def _thread_ident() -> int:
    """Which real thread this is; in a patched program `threading` knows greenlets only."""
    ident: int = gevent.monkey.get_original("_thread", "get_ident")()
    return ident


class _LogHandOver(logging.Handler):
    """Brings log records from real threads to the server's thread, in a program that gevent has patched.

    The locks of `logging` are gevent's there, and a real thread that waits for one may wait for ever. There is one for
    all servers of the program.
    """

    _present: ClassVar[_LogHandOver | None] = None
    _users: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self._records: deque[logging.LogRecord] = deque()
        self._bell = gevent.get_hub().loop.async_()
        self._bell.start(self._pass_on)

    @classmethod
    def begin(cls) -> None:
        """Have the logs of drivers handed over from now on."""
        cls._users += 1
        if cls._present is None:
            cls._present = cls()
            _driver_log.addHandler(cls._present)
            _driver_log.propagate = False

    @classmethod
    def end(cls) -> None:
        """One server less; after the last one the logs are as they were."""
        cls._users -= 1
        if cls._present is not None and not cls._users:
            _driver_log.removeHandler(cls._present)
            _driver_log.propagate = True
            cls._present._pass_on()
            cls._present._bell.close()
            cls._present = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record over, without any lock."""
        self._records.append(record)
        self._bell.send()
        return True

    def _pass_on(self) -> None:
        while self._records:
            log.handle(self._records.popleft())
