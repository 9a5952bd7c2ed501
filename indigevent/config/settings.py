"""What the server is told: plain values, already read, checked and in units the code uses."""

from dataclasses import dataclass

from indigevent.supervision.specs import Spec


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
        max_clients: how many clients may be connected at a time; 0 is any number.
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
