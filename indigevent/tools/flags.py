"""The command lines of INDI's tools: clusters of one-letter flags as the reference reads them, and long options.

A cluster's letters are read one by one; a letter with a value takes the next word, wherever in the cluster it stands:
`-hp 127.0.0.1 7624` is `-h 127.0.0.1 -p 7624`. The first word without `-` ends the flags.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from indigevent.errors import ClientError
from indigevent.protocol import repair
from indigevent.protocol.constants import DEFAULT_PORT

DEFAULT_TIMEOUT_S = 2.0
# Thirty years: what is much longer the operating system does not take.
_LONGEST_S = 1e9
# What every tool takes, and what is missing when the value is.
_VALUED = {"d": "open fileno", "h": "host name", "p": "port number", "t": "timeout"}
_LONG_VALUED = {
    "local": "path",
    "tls-ca": "file",
    "tls-certificate": "file",
    "tls-key": "file",
    "completion": "shell name (bash or zsh)",
}
_LONG_PLAIN = frozenset({"help", "version", "tls"})


class UsageError(ClientError):
    """A command line that cannot be used as it is."""


@dataclass(frozen=True)
class Grammar:
    """A tool's own flags: letters without value, and long options without and with one (and what that is).

    `last` are letters that end the flags at the end of their cluster.
    """

    plain: str
    long_plain: frozenset[str] = frozenset()
    long_valued: Mapping[str, str] = field(default_factory=dict)
    last: str = ""

    @property
    def long_options(self) -> set[str]:
        """All that begin with `--`, without that."""
        return {*_LONG_PLAIN, *_LONG_VALUED, *self.long_plain, *self.long_valued}


@dataclass
class Flags:
    """What a command line says; `given` has the letters and long options without value, in order.

    `timeout_s` is None where a tool may wait forever (`-t 0`).
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    fd: int | None = None
    timeout_s: float | None = DEFAULT_TIMEOUT_S
    verbosity: int = 0
    given: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        """The server's address as the reference prints it, or its local socket."""
        return self.values.get("local") or f"{self.host}:{self.port}"

    @property
    def connected(self) -> str:
        """What is told of a connection that was made, as by the reference."""
        local = self.values.get("local")
        return f"Connected to {local or f'{self.host} on port {self.port}'}"

    def has(self, name: str) -> bool:
        """Whether a flag without value was given."""
        return name in self.given


def parse(words: Sequence[str], grammar: Grammar) -> Flags:
    """Read a command line; raises UsageError, which names the flag."""
    flags = Flags()
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            flags.rest = [word]
            break
        if word.startswith("--"):
            _take_long(flags, word[2:], rest, grammar)
        else:
            for letter in word[1:]:
                _take_letter(flags, letter, rest, grammar)
            if set(word) & set(grammar.last):
                break
    flags.rest = [as_text(word) for word in (*flags.rest, *rest)]
    return flags


def as_text(word: str) -> str:
    """A word of the command line as a server tells it: what is not UTF-8 is read as Latin-1, as from drivers."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return repair.decoded(os.fsencode(word))
    return word


def _take_letter(flags: Flags, letter: str, rest: Iterator[str], grammar: Grammar) -> None:
    if letter in _VALUED:
        value = next(rest, None)
        if value is None:
            raise UsageError(f"-{letter} requires {_VALUED[letter]}")
        _set(flags, letter, value)
    elif letter == "v":
        flags.verbosity += 1
    elif letter in grammar.plain:
        flags.given.append(letter)
    else:
        raise UsageError(f"Unknown flag: {letter}")


def _take_long(flags: Flags, option: str, rest: Iterator[str], grammar: Grammar) -> None:
    name, equals, value = option.partition("=")
    valued = {**_LONG_VALUED, **grammar.long_valued}
    if name in valued:
        taken = value if equals else next(rest, None)
        if not taken:
            raise UsageError(f"--{name} requires {valued[name]}")
        flags.values[name] = taken
    elif name in _LONG_PLAIN | grammar.long_plain and not equals:
        flags.given.append(name)
    else:
        raise UsageError(f"Unknown flag: --{option}")


def _set(flags: Flags, letter: str, value: str) -> None:
    if letter == "h":
        flags.host = value
    elif letter == "p":
        flags.port = _whole(letter, value, 65535)
    elif letter == "d":
        flags.fd = _whole(letter, value, 1 << 30)
    else:
        flags.timeout_s = _seconds(value)


def _whole(letter: str, value: str, largest: int) -> int:
    digits = value.lstrip("0") or "0"
    # Python does not read numbers of any length.
    if not (value.isascii() and value.isdigit() and len(digits) <= len(str(largest)) and int(digits) <= largest):
        raise UsageError(f"-{letter} requires {_VALUED[letter]}, a number up to {largest}, not {value}")
    return int(digits)


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"-t requires timeout, a number of seconds (0 is forever), not {value}")
    return min(seconds, _LONGEST_S) or None
