"""The doors: TCP sockets on the given addresses, and the local socket."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import gevent
import psutil
from gevent.event import Event

from indigevent.errors import ConfigError
from indigevent.logs import log

_BACKLOG = 1024
_READ = 1
_SHORT_OF_FDS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RETRY_S = 1.0
# A shortage is over, and the next one is told again, when nobody had to wait for so long.
_SHORTAGE_S = 60.0
# How many newcomers are seen to before everybody else has a turn: as many take a millisecond.
_FEW = 16


class Listener:
    """A bound socket; `run` is the body of its greenlet.

    Arguments:
        sock: bound and listening.
        on_connection: takes over each accepted socket; it gets the peer's address too.
        fd_freed: set whenever a descriptor has become free.
    """

    def __init__(
        self, sock: socket.socket, on_connection: Callable[[socket.socket, object], None], fd_freed: Event
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._on_connection = on_connection
        self._fd_freed = fd_freed
        self._shortage_ends_s = 0.0

    def run(self) -> None:
        """Accept until killed."""
        hub = gevent.get_hub()
        watcher = hub.loop.io(self._sock.fileno(), _READ)
        try:
            while True:
                hub.wait(watcher)
                self._accept_waiting()
        finally:
            watcher.close()
            self._sock.close()

    def _accept_waiting(self) -> None:
        for _ in range(_FEW):
            try:
                connection, address = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _SHORT_OF_FDS:
                    self._pause(error)
                return
            if connection.family != socket.AF_UNIX:
                tune_tcp(connection)
            self._on_connection(connection, address)

    def _pause(self, error: OSError) -> None:
        """No descriptor for a newcomer, who waits in the kernel's queue until somebody leaves."""
        now_s = time.monotonic()
        if now_s >= self._shortage_ends_s:
            log.warning("New clients have to wait: %s; raise the limit of open files", error.strerror)
        self._shortage_ends_s = now_s + _SHORTAGE_S
        self._fd_freed.clear()
        self._fd_freed.wait(_RETRY_S)


def tune_tcp(sock: socket.socket) -> None:
    """Send at once, and find out within a minute that the other machine is gone."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Flags(NamedTuple):
    """The options by which a user chooses another address or port; errors name them."""

    host: str
    port: str
    local_socket: str = "--local-socket"


FLAGS = Flags("--host", "--port")


def bind_tcp(hosts: Sequence[str], port: int, flags: Flags = FLAGS) -> list[socket.socket]:
    """Listening sockets on every address that `hosts` name; raises ConfigError when one cannot be had.

    A machine without IPv6 has no ::1, which is no reason not to serve the other loopback address.
    """
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            for family, address in _addresses(host, port, flags):
                bound += _bind(family, address, flags, is_optional=host == "::1" and len(hosts) > 1)
    except ConfigError:
        for sock in bound:
            sock.close()
        raise
    return bound


def bind_local(name: str, flags: Flags = FLAGS) -> socket.socket:
    """The listening local socket: abstract on Linux, a file elsewhere; raises ConfigError when it cannot be had."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    is_abstract = sys.platform == "linux"
    if not is_abstract:
        _remove_stale(name)
    try:
        sock.bind("\0" + name if is_abstract else name)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            holder = _local_holder(name)
            raise ConfigError(
                f"local socket {name} is in use{holder}; stop it or choose another with {flags.local_socket}"
            ) from error
        raise ConfigError(f"local socket {name} cannot be opened: {error.strerror or error}") from error
    sock.listen(_BACKLOG)
    return sock


def _remove_stale(path: str) -> None:
    """Remove the file of a local socket that nobody listens on any more; a server that was killed leaves one."""
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return  # there is none, or bind will say what is wrong


def address_of(sock: socket.socket) -> str:
    """`host:port` of a bound TCP socket, with brackets around IPv6."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(sock: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    host: str = sock.getsockname()[0]
    return host == "::1" or host.startswith("127.")


def _addresses(host: str, port: int, flags: Flags) -> list[tuple[int, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"address {host} is not known: {reason}; choose another with {flags.host}") from error
    return list(dict.fromkeys((int(family), address[:2]) for family, _, _, _, address in found))  # type: ignore[misc]


def _bind(family: int, address: tuple[str, int], flags: Flags, is_optional: bool) -> list[socket.socket]:
    host, port = address
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        if is_optional:
            return []
        reason = f"this machine has no such network; see {flags.host}"
        raise ConfigError(f"address {host} cannot be used: {reason}") from None
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if is_optional and error.errno == errno.EADDRNOTAVAIL:
            return []
        raise ConfigError(_bind_trouble(host, port, flags, error)) from error
    return [sock]


def _bind_trouble(host: str, port: int, flags: Flags, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use{_port_holder(port)}; stop it or choose another with {flags.port}"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges that this user has not; choose another with {flags.port}"
    way_out = f"choose another with {flags.host} or {flags.port}"
    return f"address {host} port {port} cannot be opened: {error.strerror}; {way_out}"


def _port_holder(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    pids = (c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port)
    return next((_process(pid) for pid in pids if pid), "")


def _local_holder(name: str) -> str:
    """Who has the abstract socket `name`: its inode is in /proc/net/unix, its owner has that among its descriptors."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    rows = (line.split(maxsplit=7) for line in lines)
    inodes = {f"socket:[{row[6]}]" for row in rows if row[-1] == "@" + name}
    for process in psutil.process_iter():
        directory = f"/proc/{process.pid}/fd"
        try:
            if any(os.readlink(f"{directory}/{fd}") in inodes for fd in os.listdir(directory)):
                return _process(process.pid)
        except OSError:
            continue
    return ""


def _process(pid: int) -> str:
    if pid == os.getpid():
        return " by another part of this program"
    try:
        return f" (pid {pid}, {psutil.Process(pid).name()})"
    except psutil.Error:
        return f" (pid {pid})"
