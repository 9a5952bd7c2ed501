"""Running a driver class as a process of its own, as the server does with a driver named `module:Class`."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from indigevent.errors import DriverError

_USAGE = "usage: python -m indigevent.driver package.module:Class"


class Runnable(Protocol):
    """What a driver class makes: something that serves on stdin and stdout until stdin ends."""

    def run(self) -> None:
        """Serve."""


def load(name: str) -> Callable[[], Runnable]:
    """Return the driver class that `package.module:Class` names.

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
    driver = getattr(module, class_name, None)
    if not isinstance(driver, type) or not callable(getattr(driver, "run", None)):
        raise DriverError(f"module {module_name} has no driver class {class_name}")
    return driver


def serve(driver: Callable[[], Runnable]) -> int:
    """Run a driver in this process until stdin ends; SIGTERM and SIGINT exit. Return the exit status, 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    driver().run()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run the driver that the one argument names; return the exit status."""
    if len(arguments) != 1:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        driver = load(arguments[0])
    except DriverError as error:
        print(error, file=sys.stderr)
        return 1
    return serve(driver)


def _why_not_found(module_name: str, missing: str) -> str:
    if f"{module_name}.".startswith(f"{missing}."):
        return f"there is no module {missing} on Python's path"
    return f"module {module_name} needs {missing}, which is not installed"


def _leave(number: int, frame: object) -> None:
    sys.exit(0)
