"""How a tool begins and ends: what it refuses to do is a sentence and an exit status, and never a traceback."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from indigevent import __version__
from indigevent.errors import ClientError
from indigevent.logs import log
from indigevent.tools.completion import candidates, script
from indigevent.tools.flags import Flags, Grammar, UsageError, parse
from indigevent.tools.output import complain
from indigevent.tools.session import NoDescriptor

EXIT_TROUBLE = 2
_EXIT_INTERRUPTED = 130
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
_EXIT_NO_DESCRIPTOR = 1  # the reference's


class Tool:
    """A command: its name, its help text, its flags, its exit status for a wrong command line, and what it does."""

    def __init__(
        self, name: str, usage: str, grammar: Grammar, work: Callable[[Flags], int], usage_status: int = EXIT_TROUBLE
    ) -> None:
        self.name = name
        self._usage = usage
        self._grammar = grammar
        self._work = work
        self._usage_status = usage_status

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run it and return the exit status.

        Arguments:
            argv: the command line without the program's name; `sys.argv` by default.
        """
        try:
            return self._status(sys.argv[1:] if argv is None else list(argv))
        except KeyboardInterrupt:
            return _EXIT_INTERRUPTED

    def _status(self, words: list[str]) -> int:
        _open_streams()
        with _complaints(self.name), _endings():
            try:
                status = self._run(words)
                sys.stdout.flush()
            except _Ended as ended:
                return 128 + ended.signal_number
            except ClientError as error:
                return self._refused(error)
            except OSError as error:
                return self._unwritten(error)
        return status

    def _refused(self, error: ClientError) -> int:
        if isinstance(error, UsageError):
            complain(f"{error}\n{self.name} --help lists the flags")
            return self._usage_status
        complain(str(error))
        return _EXIT_NO_DESCRIPTOR if isinstance(error, NoDescriptor) else EXIT_TROUBLE

    def _unwritten(self, error: OSError) -> int:
        _drop_output()
        if isinstance(error, BrokenPipeError):  # who reads our output has seen enough
            return 0
        complain(f"{self.name}: {error.filename or 'the output'} cannot be written: {error.strerror}")
        return EXIT_TROUBLE

    def _run(self, words: list[str]) -> int:
        if words[:1] == ["--complete"]:
            print("\n".join(candidates(words[1:], self._grammar, self.name)))
            return 0
        flags = parse(words, self._grammar)
        if flags.has("help"):
            print(self._usage, end="")
        elif flags.has("version"):
            print(f"{self.name} {__version__}")
        elif "completion" in flags.values:
            print(script(flags.values["completion"]), end="")
        else:
            return self._work(flags)
        return 0


class _complaints(contextlib.ContextDecorator):
    """Has the library's warnings written as plain lines while a tool runs."""

    def __init__(self, name: str) -> None:
        self._handler = logging.StreamHandler()
        self._handler.setLevel(logging.WARNING)
        self._handler.setFormatter(logging.Formatter(f"{name}: %(message)s"))

    def __enter__(self) -> None:
        log.addHandler(self._handler)

    def __exit__(self, *exception: object) -> None:
        log.removeHandler(self._handler)


class _Ended(BaseException):
    """Somebody ends the tool by a signal; its status is what a shell says of a process that died of it."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number


@contextlib.contextmanager
def _endings() -> Iterator[None]:
    """Have `kill`, `timeout` and a closed terminal end a tool as Ctrl-C does: screen and folder as they were."""

    def end(signal_number: int, _: object) -> None:
        raise _Ended(signal_number)

    taken = [number for number in _ENDINGS if signal.getsignal(number) is signal.SIG_DFL and _is_main_thread()]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _open_streams() -> None:
    """Have streams that are closed from the start lead nowhere, so that no connection gets their descriptors."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _drop_output() -> None:
    """Have what is still to be written go nowhere: Python would try it again at the end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
