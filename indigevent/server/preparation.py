"""What the daemon is given before it runs, made of the settings: its log, its sockets, its limits and policies."""

from __future__ import annotations

import errno
import resource
import socket
import ssl
from collections.abc import Sequence

from indigevent.config.settings import Settings
from indigevent.errors import ConfigError
from indigevent.log_output import LogFile
from indigevent.logs import LogWriter
from indigevent.server.clients.door import ClientPolicy
from indigevent.server.house import DriverDefaults
from indigevent.server.listeners import FLAGS, Flags, address_of, bind_local, bind_tcp
from indigevent.server.reach import reach
from indigevent.server.transports.tls import server_context

_METRICS_FLAGS = Flags("--metrics", "--metrics")
_TLS_FLAGS = Flags("--tls-host", "--tls-port")


class Sockets:
    """All that the daemon listens on, `plain`, `tls`, `local` and `web`; either all of them can be had or none is kept.

    Attributes:
        addresses: of those for clients by TCP, with TLS or without.
        where: a clause for people about those.
        reach: a clause about who can reach them.

    Raises ConfigError when one cannot be had.
    """

    def __init__(self, settings: Settings, flags: Flags = FLAGS) -> None:
        self._bound: list[socket.socket] = []
        self.tls: list[socket.socket] = []
        self.web: list[socket.socket] = []
        try:
            self._bind(settings, flags)
        except ConfigError:
            for sock in self._bound:
                sock.close()
            raise
        self.addresses = [address_of(sock) for sock in (*self.plain, *self.tls)]
        by_tls = [f"{address_of(sock)} (TLS)" for sock in self.tls]
        self.where = " and ".join([*map(address_of, self.plain), *by_tls])
        self.reach = reach(self.plain, self.tls, settings.allow, settings.tls_client_ca is not None)

    def _bind(self, settings: Settings, flags: Flags) -> None:
        self.plain = self._keep(bind_tcp(settings.hosts, settings.port, flags))
        if not self.plain:
            raise ConfigError(
                f"no address of {', '.join(settings.hosts)} exists here; choose another with {flags.host}"
            )
        self.local = self._keep([bind_local(settings.local_socket, flags)])
        if settings.tls_port is not None:
            self.tls = self._bind_besides(settings.tls_hosts or settings.hosts, settings.tls_port, _TLS_FLAGS)
        if settings.metrics is not None:
            self.web = self._bind_besides((settings.metrics.host,), settings.metrics.port, _METRICS_FLAGS)

    def _bind_besides(self, hosts: Sequence[str], port: int, flags: Flags) -> list[socket.socket]:
        """Bind; of a port that one of our own options has already, the error says which."""
        try:
            return self._keep(bind_tcp(hosts, port, flags))
        except ConfigError as error:
            for other, bound in ((FLAGS, self.plain), (_TLS_FLAGS, self.tls)):
                if _is_in_use(error) and any(sock.getsockname()[1] == port for sock in bound):
                    both = f"port {port} is both {other.port} and {flags.port}"
                    raise ConfigError(f"{both}; choose another for one of them") from error
            raise

    def _keep(self, bound: list[socket.socket]) -> list[socket.socket]:
        self._bound += bound
        return bound


def _is_in_use(error: ConfigError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE


def open_log(settings: Settings) -> LogWriter:
    """Begin to log; raises ConfigError when the log file cannot be opened."""
    file = None
    if settings.log_file is not None:
        max_bytes, is_daily = settings.log_rotation or (0, False)
        file = LogFile(settings.log_file, max_bytes, is_daily, settings.log_keep)
    return LogWriter(settings.verbosity, settings.log_format == "json", file)


def driver_defaults(settings: Settings) -> DriverDefaults:
    """What holds for drivers whose own section says nothing else."""
    return DriverDefaults(
        settings.restarts,
        settings.restart_delay_s,
        settings.stable_time_s,
        settings.stop_timeout_s,
        settings.stall_timeout_s,
    )


def client_policy(settings: Settings) -> ClientPolicy:
    """What holds for newcomers."""
    return ClientPolicy(
        settings.allow,
        settings.local_uids,
        settings.access,
        settings.max_clients,
        settings.max_per_address,
        settings.message_timeout_s,
        settings.max_rate,
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What clients by TLS are met with; raises ConfigError for certificates that do not do."""
    if settings.tls_port is None or settings.tls_certificate is None:
        return None
    return server_context(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)


def raise_fd_limit() -> tuple[int, int] | None:
    """Raise the soft limit of open files to the hard one; returns what drivers should have, if that is different."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return None
    return soft, hard
