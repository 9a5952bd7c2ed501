"""The one table of options: command line, environment, config file, sample and README come from it."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from indigevent.config import values

ENVIRONMENT_PREFIX = "INDIGEVENT_"


class Kind(enum.Enum):
    """How an option is given."""

    VALUE = "one value"
    LIST = "a value, repeatable; in the file and the environment, values separated by commas or spaces"
    COUNT = "a flag that counts; in the file and the environment, a number"
    ACTION = "a flag of the command line alone"


@dataclass(frozen=True)
class Key:
    """One key of the config file.

    Arguments:
        name: the key, which is also the option's long name.
        metavar: what stands for the value in help texts.
        parse: turns the text into the value; raises ValueError with a clause that says what is wrong.
        default: the default as one would write it, "" for none.
        help: one clause for every kind of documentation.
        is_path: `~` is the home directory, and in a file a relative path starts at the file's directory.
    """

    name: str
    metavar: str
    parse: Callable[[str], object]
    default: str
    help: str
    is_path: bool = False


@dataclass(frozen=True)
class Option(Key):
    """One option of the command line, with its heading in help texts, its short flag, and how it is given."""

    group: str = ""
    short: str = ""
    kind: Kind = Kind.VALUE
    in_file: bool = True

    @property
    def long(self) -> str:
        """The long flag, such as `--port`."""
        return f"--{self.name}"

    @property
    def flags(self) -> str:
        """All flags, as in `-p/--port`."""
        return f"-{self.short}/{self.long}" if self.short else self.long

    @property
    def variable(self) -> str:
        """The environment variable, such as `INDIGEVENT_PORT`, or "" when there is none."""
        if self.kind is Kind.ACTION:
            return ""
        return ENVIRONMENT_PREFIX + self.name.upper().replace("-", "_")

    @property
    def takes_value(self) -> bool:
        """Whether a value follows the flag on the command line."""
        return self.kind in (Kind.VALUE, Kind.LIST)


LISTENING = "Listening"
CLIENTS = "Slow clients"
DRIVERS = "Drivers"
LOGS = "Logs"
PROGRAM = "Program"

OPTIONS: tuple[Option, ...] = (
    Option(
        "host",
        "ADDRESS",
        values.hosts,
        "127.0.0.1, ::1",
        "listen on this address; 0.0.0.0 and :: open the server to the network, without any password",
        group=LISTENING,
        kind=Kind.LIST,
    ),
    Option("port", "PORT", values.port, "7624", "listen on this TCP port", group=LISTENING, short="p"),
    Option(
        "local-socket",
        "NAME",
        values.local_socket,
        "/tmp/indiserver",
        "name of the local socket, on Linux in the abstract namespace, which leaves no file",
        group=LISTENING,
        short="u",
    ),
    Option(
        "max-behind",
        "MB",
        values.positive_megabytes,
        "128",
        "close a client that is more than this many MB (1048576 bytes) behind",
        group=CLIENTS,
        short="m",
    ),
    Option(
        "max-stream-behind",
        "MB",
        values.megabytes,
        "5",
        "drop stream BLOBs for a client that is more than this many MB behind; 0 never drops any",
        group=CLIENTS,
        short="d",
    ),
    Option(
        "restarts",
        "N",
        values.count,
        "10",
        "start a driver that has ended again, up to N times",
        group=DRIVERS,
        short="r",
    ),
    Option(
        "restart-delay",
        "SECONDS",
        values.seconds,
        "0.1",
        "wait this long before a driver's first restart; the wait grows with each one",
        group=DRIVERS,
    ),
    Option(
        "fifo",
        "FILE",
        values.text,
        "",
        "read start and stop commands from this FIFO",
        is_path=True,
        group=DRIVERS,
        short="f",
    ),
    Option(
        "islog",
        "DIR",
        values.text,
        "",
        "log drivers' messages to DIR/YYYY-MM-DD.islog",
        is_path=True,
        group=LOGS,
        short="l",
    ),
    Option(
        "verbose",
        "0..3",
        values.verbosity,
        "0",
        "log key events (-v), a line for each message too (-vv), the whole XML (-vvv)",
        group=LOGS,
        short="v",
        kind=Kind.COUNT,
    ),
    Option(
        "config",
        "FILE",
        values.text,
        "",
        "read options, drivers and remotes from this file",
        is_path=True,
        group=PROGRAM,
        short="c",
        in_file=False,
    ),
    Option(
        "check-config",
        "",
        values.text,
        "",
        "say what would run, or what is wrong, and exit",
        group=PROGRAM,
        kind=Kind.ACTION,
        in_file=False,
    ),
    Option(
        "version",
        "",
        values.text,
        "",
        "print the version and exit",
        group=PROGRAM,
        kind=Kind.ACTION,
        in_file=False,
    ),
    Option(
        "help",
        "",
        values.text,
        "",
        "print the options and exit",
        group=PROGRAM,
        short="h",
        kind=Kind.ACTION,
        in_file=False,
    ),
)

FILE_OPTIONS: tuple[Option, ...] = tuple(option for option in OPTIONS if option.in_file)

DRIVER_KEYS: tuple[Key, ...] = (
    Key(
        "command",
        "COMMAND",
        values.text,
        "",
        "executable, or package.module:Class for a Python driver; without it NAME is the command",
    ),
    Key("arguments", "WORDS", values.words, "", "words passed to the executable"),
    Key("environment", "NAME=VALUE ...", values.environment, "", "variables set for the driver"),
    Key("device", "NAME", values.text, "", "the device's name, INDIDEV"),
    Key("config", "FILE", values.text, "", "the driver's own configuration, INDICONFIG", is_path=True),
    Key("skeleton", "FILE", values.text, "", "the driver's skeleton file, INDISKEL", is_path=True),
    Key("prefix", "DIR", values.text, "", "execute DIR/bin/COMMAND and set INDIPREFIX", is_path=True),
    Key("restarts", "N", values.count, "", "restarts of this driver, instead of the global number"),
    Key("restart-delay", "SECONDS", values.seconds, "", "its first wait, instead of the global one"),
    Key("trace", "yes|no", values.yes_no, "no", "log this driver's whole traffic"),
)

REMOTE_KEYS: tuple[Key, ...] = (
    Key("host", "HOST", values.host, "", "name or address of the other server; this key is required"),
    Key("port", "PORT", values.port, "7624", "its TCP port"),
    Key("device", "NAME", values.any_text, "", "the only device wanted; without it all of them"),
    Key("blobs", "yes|no", values.yes_no, "yes", "whether its BLOBs are ever asked for"),
    Key("trace", "yes|no", values.yes_no, "no", "log this remote's whole traffic"),
)

SECTIONS: dict[str, tuple[Key, ...]] = {"driver": DRIVER_KEYS, "remote": REMOTE_KEYS}


def option(name: str) -> Option:
    """Return the option of that long name; KeyError when there is none."""
    return _BY_NAME[name]


def nearest(word: str, known: list[str]) -> str:
    """Return `did you mean 'X'?` for the most similar known word, or a list of all when none is similar."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.4)
    return f"did you mean {found[0]!r}?" if found else f"there are {', '.join(known)}"


_BY_NAME = {row.name: row for row in OPTIONS}
