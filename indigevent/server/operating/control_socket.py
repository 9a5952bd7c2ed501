"""The control socket's file: made for its owner alone, in the place of a dead server's but never of a living one's."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Mapping

from indigevent.control import default_path, private_directory
from indigevent.errors import ConfigError
from indigevent.logs import log

NONE = "none"
_BACKLOG = 128


class ControlSocket:
    """A listening socket in the file system; raises ConfigError when it cannot be had.

    Arguments:
        path: the file; its directory has to exist.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.sock = _bind(path)
        self._identity = _identity(path)

    def close(self) -> None:
        """Close it and remove the file, unless another server has put its own there."""
        self.sock.close()
        with contextlib.suppress(OSError):
            if _identity(self.path) == self._identity:
                os.unlink(self.path)


def open_control_socket(choice: str | None, port: int, environ: Mapping[str, str]) -> ControlSocket | None:
    """Open what the option `--control` asks for; None where there is to be none, or the default cannot be had.

    Arguments:
        choice: a path, "none", or None for the default path of this port.
        port: the server's TCP port.
        environ: the server's environment.

    Raises ConfigError when `choice` is a path that cannot be used.
    """
    if choice == NONE:
        return None
    if choice is not None:
        return ControlSocket(choice)
    try:
        return ControlSocket(_prepared(default_path(port, environ)))
    except ConfigError as error:
        log.warning("indigevent-ctl cannot reach this server: %s", error)
        return None


def _prepared(path: str) -> str:
    """Have the directory of a default path, which nobody else may be able to write to."""
    directory = os.path.dirname(path)
    try:
        if directory == private_directory():
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory, 0o700)
        found = os.lstat(directory)
    except OSError as error:
        raise ConfigError(
            f"directory {directory} cannot be used: {error.strerror}; choose another with --control"
        ) from None
    is_safe = stat.S_ISDIR(found.st_mode) and found.st_uid in (0, os.getuid()) and not found.st_mode & 0o022
    if not is_safe:
        raise ConfigError(f"others may write to directory {directory}; choose another with --control")
    return path


def _bind(path: str) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        sock.bind(path)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        # A path that is too long is an error of Python's, without a number.
        reason = error.strerror or str(error)
        raise ConfigError(f"control socket {path} cannot be opened: {reason}; choose another with --control") from None
    finally:
        os.umask(mask)
    return sock


def _remove_stale(path: str) -> None:
    """Remove the file that a killed server has left; raise ConfigError when one that lives listens there."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return  # bind will say that something is there
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)
        return
    except BlockingIOError:
        pass  # so busy that its queue of connections is full
    except OSError:
        return
    raise ConfigError(f"control socket {path} is another server's; stop that, or choose another with --control")


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
