"""Running a script as `python script.py` does, with PyIndi given to it: its names, its arguments, its exit status."""

from __future__ import annotations

import io
import os
import sys
import types
from collections.abc import Sequence
from types import TracebackType

from indigevent.compat import install

_USAGE = (
    "usage: python -m indigevent.compat script.py [argument ...]\n"
    "runs a script for pyindi-client (import PyIndi) on indigevent"
)


def main(arguments: Sequence[str]) -> None:
    """Run the script that the first argument names; raises what it raises, and SystemExit for a wrong command line."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit(_USAGE)
    sys.excepthook = _show  # before what takes time to load, for Ctrl-C
    path = os.path.abspath(arguments[0])
    source = _read(arguments[0])
    install()
    _become_main(path, arguments)
    exec(compile(source, path, "exec", dont_inherit=True), sys.modules["__main__"].__dict__)


def _read(path: str) -> bytes:
    try:
        with io.open_code(os.path.abspath(path)) as file:
            return file.read()
    except OSError as error:
        raise SystemExit(f"{path} cannot be read: {error.strerror}") from None


def _become_main(path: str, arguments: Sequence[str]) -> None:
    sys.argv = list(arguments)
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    module = types.ModuleType("__main__")
    module.__file__ = path
    # pyindi-client's own examples use it without importing it.
    module.__dict__["PyIndi"] = sys.modules["PyIndi"]
    sys.modules["__main__"] = module


def _show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Show the script's own part of a traceback; Ctrl-C is no error."""
    if issubclass(kind, KeyboardInterrupt):
        return
    script = sys.modules["__main__"].__dict__
    while traceback is not None and traceback.tb_frame.f_globals is not script:
        traceback = traceback.tb_next
    sys.__excepthook__(kind, error.with_traceback(traceback), traceback)
