"""Running a driver as a program of its own: INDI on stdin and stdout, the log on stderr, under any INDI server."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from indigevent.driver.channel import Channel
from indigevent.driver.concurrency import Flag, standard
from indigevent.driver.device import Device
from indigevent.driver.driver import Driver
from indigevent.errors import DriverError

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_USAGE = "usage: indigevent-driver package.module:Class"
_HELP = f"""{_USAGE}

Serve a Device or Driver class as a program: INDI on stdin and stdout, the log on stderr. A server starts it, as in
`indigevent package.module:Class`. The module is looked for in this folder, then on Python's path (PYTHONPATH)."""
# A server that has closed our stdin sends SIGTERM a second later.
_LAST_TASK_S = 0.5
_LAST_HOOKS_S = 1.5


def run(make: Callable[[], Driver | Device]) -> None:
    """Serve what `make` returns, usually a class of Device or Driver, until stdin ends or SIGTERM or SIGINT come.

    A driver of one device gives it the name that the environment's INDIDEV says (a server's `-n` sets it). What the
    driver prints goes to stderr: stdout belongs to INDI.
    """
    in_fd, out_fd = _take_stdio()
    _log_to_stderr()
    concurrency = standard()
    driver = as_driver(make())
    name = os.environ.get("INDIDEV")
    if name and len(driver.devices) == 1:
        driver.rename(name)
    ended = Flag(concurrency)

    def leave(number: int, frame: object) -> None:
        if not driver.is_ending:
            concurrency.start("last moments", lambda: None if ended.wait(_LAST_HOOKS_S) else os._exit(0))
            sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    try:
        driver.serve(Channel(in_fd, out_fd, concurrency), concurrency, lambda: _see_to_the_end(driver, ended))
    finally:
        ended.set()


def as_driver(served: Driver | Device) -> Driver:
    """The driver that serves a device, or the driver itself.

    Raises DriverError when it is neither, or its `__init__` has not called that of its base.
    """
    if not isinstance(served, (Driver, Device)):
        raise DriverError(f"{type(served).__name__} is neither a Device nor a Driver of indigevent.driver")
    if not hasattr(served, "properties" if isinstance(served, Device) else "devices"):
        raise DriverError(f"{type(served).__name__}.__init__ has to call super().__init__() first")
    return Driver(served) if isinstance(served, Device) else served


def load(name: str) -> Callable[[], Driver | Device]:
    """Return the class that `package.module:Class` names.

    Raises DriverError when the name has another form, or there is no such module, or no such class in it.
    What else goes wrong while the module is imported is its author's to see, and passes through.
    """
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise DriverError(f"{name!r} names no driver: it must be package.module:Class")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise DriverError(_why_not_found(module_name, error.name or "")) from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type) or not issubclass(found, (Driver, Device)):
        raise DriverError(f"module {module_name} has no driver class {class_name}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the driver that the one argument names; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in ("-h", "--help"):
        print(_HELP)
        return 0
    if len(words) != 1:
        print(_USAGE, file=sys.stderr)
        return 2
    sys.path.insert(0, "")

    def make() -> Driver | Device:
        return load(words[0])()  # in `run`, when stdout is INDI's no more: a module may print, too

    try:
        run(make)
    except DriverError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _take_stdio() -> tuple[int, int]:
    """Private descriptors in place of stdin and stdout, so that a stray print does no harm."""
    for fd in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(fd)
        except OSError:  # closed: something else would take its number
            os.open(os.devnull, os.O_RDWR)
    in_fd, out_fd = os.dup(_STDIN), os.dup(_STDOUT)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, _STDIN)
    os.close(null)
    os.dup2(_STDERR, _STDOUT)
    return in_fd, out_fd


def _log_to_stderr() -> None:
    """The server puts the time and the driver's name before each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("indigevent").addHandler(handler)


def _see_to_the_end(driver: Driver, ended: Flag) -> None:
    """The server has gone: a handler that goes on for long is ended, gently, then for good."""
    if not ended.wait(_LAST_TASK_S) and not driver.is_ending:
        if threading.get_native_id() == os.getpid():  # a greenlet of the main thread: nothing can interrupt the handler
            driver.end()
            os._exit(0)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        ended.wait(_LAST_TASK_S)
    if not driver.is_ending or not ended.wait(_LAST_HOOKS_S):
        os._exit(0)


def _this_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return "this folder"


def _why_not_found(module_name: str, missing: str) -> str:
    if f"{module_name}.".startswith(f"{missing}."):
        if "." in missing:
            return f"there is no module {missing} on Python's path; check its name"
        way_out = f"start the server in the folder that has {missing}, or name that folder in PYTHONPATH"
        return f"there is no module {missing} on Python's path, which begins with {_this_folder()}; {way_out}"
    return f"module {module_name} needs {missing}, which is not installed"
