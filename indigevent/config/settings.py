"""What the server is told: plain values, already read, checked and in units the code uses."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from indigevent.routing.access import AccessRule, Network
from indigevent.supervision.specs import Spec


class ListenAddress(NamedTuple):
    """Where to listen."""

    host: str
    port: int


class Rotation(NamedTuple):
    """When a new log file begins; never by default."""

    max_bytes: int = 0
    is_daily: bool = False


@dataclass(frozen=True)
class Settings:
    """The server's settings.

    Arguments:
        program: the name it was started by, for messages and the log.
        hosts: addresses to listen on.
        port: TCP port to listen on.
        local_socket: name of the local socket.
        max_queue_bytes: a client that is more than this far behind is closed.
        max_stream_bytes: stream BLOBs are dropped for a client that is more than this far behind; 0 is never.
        restarts: how often a driver that ended is started again.
        restart_delay_s: seconds before the first restart.
        fifo: path of the command FIFO, or None.
        islog_dir: directory of the message logs, or None.
        verbosity: 0 to 3.
        config_file: path of the config file, or None.
        drivers: drivers and remotes, the file's first.
        local_uids: whose processes may use the local socket; empty is anybody's.
        tls_port: port to listen on for TLS, or None.
        tls_hosts: addresses to listen on for TLS; None is `hosts`.
        tls_certificate, tls_key, tls_client_ca: paths of PEM files, or None.
        allow: networks whose clients are let in; empty is all.
        max_clients, max_per_address: how many clients may be connected at a time; 0 is any number.
        message_timeout_s: seconds in which a message has to be complete; 0 is any time.
        max_rate: messages per second that a client may send; 0 is any number.
        stable_time_s, stop_timeout_s, stall_timeout_s: see the options of that name.
        control: path of the control socket, "none", or None for the path that ctl looks at first.
        metrics: where to serve HTTP, or None.
        sample_interval_s: seconds between looks at the drivers' resources.
        log_format, log_file, log_rotation, log_keep: see the options of that name.
        access: the rules for clients, of which the first that fits holds.
    """

    program: str
    hosts: tuple[str, ...]
    port: int
    local_socket: str
    max_queue_bytes: int
    max_stream_bytes: int
    restarts: int
    restart_delay_s: float
    fifo: str | None
    islog_dir: str | None
    verbosity: int
    config_file: str | None
    drivers: tuple[Spec, ...]
    max_clients: int = 0
    max_per_address: int = 0
    local_uids: tuple[int, ...] = ()
    tls_port: int | None = None
    tls_hosts: tuple[str, ...] | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    allow: tuple[Network, ...] = ()
    message_timeout_s: float = 60.0
    max_rate: int = 0
    stable_time_s: float = 60.0
    stop_timeout_s: float = 1.0
    stall_timeout_s: float = 30.0
    control: str | None = None
    metrics: ListenAddress | None = None
    sample_interval_s: float = 5.0
    log_format: Literal["text", "json"] = "text"
    log_file: str | None = None
    log_rotation: Rotation | None = None
    log_keep: int = 7
    access: tuple[AccessRule, ...] = ()
