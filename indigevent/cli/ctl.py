"""The command `indigevent-ctl`: look at a running server, and have it do something.

Exit statuses: 0 done, 1 the server says no, 2 a mistake in the command line, 3 no server answers,
4 the output cannot be written.
"""

import argparse
import contextlib
import json
import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from indigevent.console.requests import NoServer, Refusal, ask, find_path
from indigevent.console.text import clean, visible
from indigevent.protocol.constants import DEFAULT_PORT
from indigevent.supervision.specs import parse_port

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_NO_SERVER = 3
EXIT_NO_OUTPUT = 4
_WATCH_S = 2.0
_LEVELS = ("0", "1", "2", "3")
# Long enough for rates, short enough to wait for.
_LOOK_S = 0.5
_EPILOGUE = """\
exit status: 0 done, 1 the server says no, 2 a mistake in the command line, 3 no server answers, 4 the output
cannot be written
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Arguments:
        argv: the command line without the program's name; `sys.argv` by default.
    """
    arguments = _parser().parse_args(argv)
    try:
        path = arguments.control or find_path(arguments.port, os.environ)
        arguments.run(path, arguments)
        sys.stdout.flush()
    except (Refusal, NoServer) as error:
        _complain(str(error))
        return EXIT_NO_SERVER if isinstance(error, NoServer) else EXIT_REFUSED
    except BrokenPipeError:  # who read our output has seen enough
        _drop_output()
    except OSError as error:
        _drop_output()
        _complain(f"what the server said cannot be written: {error.strerror}")
        return EXIT_NO_OUTPUT
    except KeyboardInterrupt:
        return 130
    return 0


def _complain(sentence: str) -> None:
    with contextlib.suppress(OSError):  # nobody is there to hear it
        print(f"indigevent-ctl: {visible(clean(sentence))}", file=sys.stderr)


def _say(text: str) -> None:
    """Print what the server said; what the terminal's character set has not is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    print(visible(clean(text)).encode(encoding, errors="replace").decode(encoding))


def _drop_output() -> None:
    """Have what is still to be written go nowhere: Python would try it again at the end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the nearest command."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        near = get_close_matches(value, action.choices, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(action.choices)}"
        raise argparse.ArgumentError(None, f"command {value!r} is not known, {hint}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="indigevent-ctl",
        description="Look at a running indigevent server, and have it do something.",
        epilog=_EPILOGUE,
        allow_abbrev=False,
    )
    _add_common(parser)
    # What the server takes from the environment, its ctl takes from there too.
    port = os.environ.get("INDIGEVENT_PORT") or DEFAULT_PORT
    parser.set_defaults(control=os.environ.get("INDIGEVENT_CONTROL") or None, port=port)
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_common(common)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, text: str, run: Callable[[str, argparse.Namespace], None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[common], allow_abbrev=False)
        added.set_defaults(run=run, command=name)
        return added

    status = add("status", "show the server, its drivers and its clients", _status)
    status.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=_WATCH_S,
        metavar="SECONDS",
        help=f"show it again and again, every {_WATCH_S:.0f} seconds by default, until Ctrl-C",
    )
    start = add("start", "start a driver that has ended, or a new one", _act)
    start.add_argument("driver", metavar="DRIVER", help="its name, or what the server's command line would take")
    for name, text in (
        ("stop", "end a driver, and start it no more"),
        ("restart", "end a driver and start it again"),
        ("reset", "start a driver that is FATAL or STOPPED, and forget its restarts"),
    ):
        add(name, text, _act).add_argument("driver", metavar="DRIVER", help="its name, as in status")
    add("clients", "list the clients", _clients)
    add("disconnect", "disconnect a client", _act).add_argument(
        "number", type=_client_number, metavar="NUMBER", help="its number, as in clients"
    )
    level = add("log-level", "log less or more, as with -v, -vv and -vvv", _act)
    level.add_argument("level", type=_level, metavar="LEVEL", help="0 to 3")
    add("reload", "read the config file again", _act)
    add("events", "list the last commands of the FIFO and of operators, with their outcomes", _events)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    """These may come before the command and after it."""
    parser.add_argument(
        "--control",
        metavar="FILE",
        help="the server's control socket, by default where a server on that port has it",
    )
    parser.add_argument(
        "-p", "--port", type=_port, metavar="PORT", help=f"the server's port, {DEFAULT_PORT} by default"
    )
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON, in one line")


def _port(text: str) -> int:
    try:
        return parse_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _client_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no client's number; indigevent-ctl clients shows them") from None


def _level(text: str) -> int:
    if text not in _LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is no log level; there are 0, 1, 2 and 3, as with -v, -vv and -vvv")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; it has to be from 0.1 to 86400")
    return seconds


def _act(path: str, arguments: argparse.Namespace) -> None:
    keys = ("command", "driver", "number", "level")
    answer = ask(path, {key: getattr(arguments, key) for key in keys if hasattr(arguments, key)})
    _say(json.dumps(answer) if arguments.json else str(answer.get("text")))


def _clients(path: str, arguments: argparse.Namespace) -> None:
    from indigevent.console import screen, tables

    answer = ask(path, {"command": "clients"})
    if arguments.json:
        print(json.dumps(answer))
    else:
        screen.show(tables.client_lines(answer["clients"]))


def _events(path: str, arguments: argparse.Namespace) -> None:
    from indigevent.console import screen, tables

    answer = ask(path, {"command": "events"})
    if arguments.json:
        print(json.dumps(answer))
    else:
        screen.show(tables.event_lines(answer["events"]))


def _status(path: str, arguments: argparse.Namespace) -> None:
    if arguments.json:
        _status_as_json(path, arguments.watch)
        return
    # Imported here, with what draws tables: nothing else needs it.
    from indigevent.console import screen

    watched = _Watched(path)
    watched.look()
    if arguments.watch:
        screen.watch(watched.lines_or_trouble, arguments.watch)
    else:
        _wait(_LOOK_S)
        screen.show(watched.lines())


def _status_as_json(path: str, interval_s: float | None) -> None:
    while True:
        print(json.dumps(ask(path, {"command": "status"})["status"]), flush=True)
        if interval_s is None:
            return
        _wait(interval_s)


def _wait(seconds: float) -> None:
    select.select([], [], [], seconds)


class _Watched:
    """A server that is looked at again and again; rates are from one look to the next."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._last: Any = None

    def look(self) -> Any:
        """The status now; the one before is kept for the rates."""
        from indigevent.console.tables import Sample

        before = self._last
        self._last = Sample(ask(self._path, {"command": "status"})["status"], time.monotonic())
        return before

    def lines(self) -> list[Any]:
        """The status as lines."""
        from indigevent.console.tables import status_lines

        before = self.look()
        return status_lines(self._last, before)

    def lines_or_trouble(self) -> list[Any]:
        """The status as lines; or why there is none, for the server may come back."""
        from indigevent.console.tables import Line

        try:
            return self.lines()
        except (NoServer, Refusal) as error:
            self._last = None
            return [Line(f"{time.strftime('%H:%M:%S')}  {error}", "alert"), Line("asking again until Ctrl-C", "faint")]


if __name__ == "__main__":
    sys.exit(main())
