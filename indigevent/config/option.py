"""What an option and a key of the config file are."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

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
