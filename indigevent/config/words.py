"""The command line cut into options and drivers; short flags are bundled as the reference and getopt do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from indigevent.config.option import Kind, Option
from indigevent.config.options import OPTIONS
from indigevent.config.sections import nearest
from indigevent.errors import ConfigError

_LONG = {option.long: option for option in OPTIONS}
_SHORT = {option.short: option for option in OPTIONS if option.short}


@dataclass
class CommandLine:
    """What the words said.

    Arguments:
        assignments: `--name=value` words, in order, each value still unread.
        actions: names of the flags that are for the command line alone, such as `check-config`.
        drivers: the driver words, in order.
    """

    assignments: list[str] = field(default_factory=list)
    actions: set[str] = field(default_factory=set)
    drivers: list[str] = field(default_factory=list)


def cut(words: Sequence[str]) -> CommandLine:
    """Cut a command line's words.

    Drivers may stand before, between and after options; after `--` every word is a driver. Long names are not
    abbreviated. Raises ConfigError for an unknown option or a missing value.
    """
    return _Cutter(words).run()


class _Cutter:
    def __init__(self, words: Sequence[str]) -> None:
        self._words: Iterator[str] = iter(words)
        self._result = CommandLine()
        self._counts: dict[str, int] = {}

    def run(self) -> CommandLine:
        for word in self._words:
            if word == "--":
                self._result.drivers.extend(self._words)
            elif word.startswith("--"):
                self._take_long(word)
            elif word.startswith("-"):
                self._take_bundle(word)
            else:
                self._result.drivers.append(word)
        self._result.assignments.extend(f"--{name}={count}" for name, count in self._counts.items())
        return self._result

    def _take_long(self, word: str) -> None:
        flag, equals, value = word.partition("=")
        option = _LONG.get(flag)
        if option is None:
            raise ConfigError(f"option {flag} is not known; {nearest(flag, list(_LONG))}")
        if option.takes_value:
            self._assign(option, value if equals else self._next_value(flag, option))
        elif equals:
            raise ConfigError(f"option {flag} takes no value, but has {value!r}")
        else:
            self._switch(option)

    def _take_bundle(self, word: str) -> None:
        """Take one word of short flags; a lone `-` is none, as in the reference."""
        for position, letter in enumerate(word[1:], start=2):
            option = _SHORT.get(letter)
            if option is None:
                raise ConfigError(_unknown_letter(letter, word))
            if not option.takes_value:
                self._switch(option)
                continue
            rest = word[position:]
            # `-mp 10 7625` gives both flags their values in order in the reference; `-p7625` is getopt's way.
            if rest and not set(rest) <= set(_SHORT):
                self._assign(option, rest)
                return
            self._assign(option, self._next_value(f"-{letter}", option))

    def _assign(self, option: Option, value: str) -> None:
        self._result.assignments.append(f"{option.long}={value}")

    def _switch(self, option: Option) -> None:
        if option.kind is Kind.COUNT:
            self._counts[option.name] = self._counts.get(option.name, 0) + 1
        else:
            self._result.actions.add(option.name)

    def _next_value(self, flag: str, option: Option) -> str:
        try:
            return next(self._words)
        except StopIteration:
            raise ConfigError(f"option {flag} needs a value: {flag} {option.metavar}") from None


def _unknown_letter(letter: str, word: str) -> str:
    inside = "" if word == f"-{letter}" else f" in {word!r}"
    known = [f"-{short}" for short in _SHORT]
    hint = f"did you mean '-{letter.lower()}'?" if letter.lower() in _SHORT else f"there are {', '.join(known)}"
    return f"option -{letter}{inside} is not known; {hint}"
