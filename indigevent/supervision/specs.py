"""What to run: a local driver or a remote server, as a command line, config file or FIFO line names it.

Pure: nothing here looks at the machine; whether a command exists is found out when it is started.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, TypeAlias

from indigevent.errors import ConfigError
from indigevent.protocol.constants import DEFAULT_PORT

INDI_VARIABLES = ("INDIDEV", "INDICONFIG", "INDISKEL", "INDIPREFIX")

_PYTHON_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_BRACKETED_HOST = re.compile(r"\[([^\[\]]*)\](.*)")
_SCHEME = re.compile(r"(.*?)@(tls|ssh)://(.*)")
_FIRST_OPTION = re.compile(r"""\s-[A-Za-z](?:\s|["']|$)""")
_VERBS: tuple[Literal["start", "stop"], ...] = ("start", "stop")
_FIFO_OPTIONS = {"-n": "device", "-c": "config", "-s": "skeleton", "-p": "prefix"}


@dataclass(frozen=True)
class DriverSpec:
    """A local driver.

    Arguments:
        name: what logs call it, `Driver NAME:`; the command as it was given, unless the config file names it.
        command: an executable's name or path, or `package.module:Class` for a Python driver.
        arguments: words passed to the executable.
        environment: variables set for it besides the server's own.
        device, config, skeleton, prefix: become INDIDEV, INDICONFIG, INDISKEL and INDIPREFIX.
        restarts: how often it is started again, None for the server's setting.
        restart_delay_s: seconds before the first restart, None for the server's setting.
        trace: log this driver's traffic as `-vvv` would.
        stable_time_s, stop_timeout_s, stall_timeout_s: as the server's settings, which None stands for.
        watchdog_s: restart it when it has not answered for so many seconds; 0 is never.
        max_memory_bytes, max_cpu: limits in bytes and percent of a processor; 0 is none.
        over_limit: what to do when it is over one of these.
        malformed: what to do when it keeps sending malformed XML.
    """

    name: str
    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    device: str | None = None
    config: str | None = None
    skeleton: str | None = None
    prefix: str | None = None
    restarts: int | None = None
    restart_delay_s: float | None = None
    trace: bool = False
    stable_time_s: float | None = None
    stop_timeout_s: float | None = None
    stall_timeout_s: float | None = None
    watchdog_s: float = 0.0
    max_memory_bytes: int = 0
    max_cpu: int = 0
    over_limit: Literal["warn", "restart"] = "warn"
    malformed: Literal["warn", "restart"] = "warn"

    @property
    def python_class(self) -> str | None:
        """`package.module:Class` when this is a Python driver, None when it is an executable."""
        return self.command if _PYTHON_CLASS.fullmatch(self.command) else None

    @property
    def executable(self) -> str:
        """What is executed: the command, or `PREFIX/bin/COMMAND` with a prefix, as the reference does."""
        return self.command if self.prefix is None else f"{self.prefix}/bin/{self.command}"

    def process_environment(self, inherited: Mapping[str, str], fifo: bool) -> dict[str, str]:
        """Return the variables that the driver's process gets.

        Arguments:
            inherited: the server's own variables.
            fifo: a FIFO is in use; then, as in the reference, INDI's variables are not inherited.
        """
        merged = {key: value for key, value in inherited.items() if not (fifo and key in INDI_VARIABLES)}
        merged.update(self.environment)
        given = zip(INDI_VARIABLES, (self.device, self.config, self.skeleton, self.prefix), strict=True)
        merged.update({key: value for key, value in given if value is not None})
        return merged


@dataclass(frozen=True)
class RemoteSpec:
    """Another INDI server whose devices are served here too.

    Arguments:
        name: what logs call it, `Driver NAME:`; the word as it was given, unless the config file names it.
        host: a host name or an IPv4 or IPv6 address, without brackets.
        port: TCP port, 1 to 65535.
        device: the only device wanted, or "" for all.
        blobs: whether BLOBs are ever asked for.
        trace: log this remote's traffic as `-vvv` would.
        tls: the connection is by TLS.
        tls_ca, tls_certificate, tls_key: PEM files; "" is the system's authorities, and no certificate of ours.
        ssh: `[user@]host` to log in to with ssh, from where `host` and `port` are reached; "" is directly.
        compression: ask it to compress what it sends.
    """

    name: str
    host: str
    port: int = DEFAULT_PORT
    device: str = ""
    blobs: bool = True
    trace: bool = False
    tls: bool = False
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    ssh: str = ""
    compression: bool = False


@dataclass(frozen=True)
class EmbeddedSpec:
    """A Python driver inside the server's process.

    Arguments:
        name: what logs call it, `Driver NAME:`.
        start: begins to serve INDI beside its caller, on a socket whose descriptor it gets and is to close.
    """

    name: str
    start: Callable[[int], None]


Spec: TypeAlias = DriverSpec | RemoteSpec


@dataclass(frozen=True)
class FifoCommand:
    """One line written into the FIFO: start or stop what `spec` describes."""

    verb: Literal["start", "stop"]
    spec: Spec


def parse_driver(text: str) -> Spec:
    """Read a driver of the command line: an executable, `package.module:Class` or `[device]@[tls://|ssh://[user@]]host[:port]`.

    As in the reference any word with an `@` is a remote. IPv6 addresses have brackets: `dev@[::1]:7624`.
    Raises ConfigError with what is wrong.
    """
    if "@" in text:
        return _parse_remote(text)
    if not text.strip():
        raise ConfigError("a driver's name is empty; give an executable, a Python class or a remote")
    return DriverSpec(name=text, command=text)


def parse_port(text: str) -> int:
    """Read a TCP port, 1 to 65535; raise ValueError with a clause that says what is wrong."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise ValueError(f"{text!r} is not a port; a port is a number from 1 to 65535")
    return int(text)


def parse_fifo_command(line: str) -> FifoCommand:
    """Read `start|stop DRIVER [-n "device"] [-c "config"] [-s "skeleton"] [-p "prefix"]`.

    A remote is the rest of the line with its double quotes removed, so a device's name may hold spaces.
    Raises ConfigError for an unknown verb (a stop in the reference), a missing quote, an empty name.
    """
    word, rest = (*line.split(maxsplit=1), "", "")[:2]
    verb = _verb(word)
    name, *options = _FIRST_OPTION.split(rest, maxsplit=1)
    if "@" in name:
        return FifoCommand(verb, _fifo_remote(name, bool(options)))
    words = _split_quoted(rest)
    if not words or not words[0].strip():
        raise ConfigError(f"FIFO command {line.strip()!r} names no driver; write: {verb} DRIVER")
    return FifoCommand(verb, _fifo_driver(words[0], words[1:]))


def _parse_remote(text: str) -> RemoteSpec:
    if match := _SCHEME.fullmatch(text):
        return _with_scheme(text, *match.groups())
    device, _, address = text.rpartition("@")
    host, port = _split_address(text, address)
    try:
        number = parse_port(port) if port else DEFAULT_PORT
    except ValueError as error:
        raise ConfigError(f"remote {text!r}: {error}") from None
    return RemoteSpec(name=text, host=host, port=number, device=device)


def _with_scheme(text: str, device: str, scheme: str, address: str) -> RemoteSpec:
    """`tls://` and `ssh://`: with the latter the address is as seen from the other machine."""
    login, _, place = address.rpartition("@")
    if login and (scheme == "tls" or login.startswith("-")):
        raise ConfigError(f"remote {text!r}: {login!r} is no part of a host; write [device]@{scheme}://host[:port]")
    plain = _parse_remote(f"{device}@{place}")
    if scheme == "tls":
        return replace(plain, name=text, tls=True)
    if plain.host.startswith("-"):
        raise ConfigError(f"remote {text!r}: {plain.host!r} is no host")
    return replace(plain, name=text, host="localhost", ssh=f"{login}@{plain.host}" if login else plain.host)


def _split_address(text: str, address: str) -> tuple[str, str]:
    """Return host and port of `host`, `host:port` or `[IPv6]:port`; the port is "" when none is given."""
    bracketed = _BRACKETED_HOST.fullmatch(address)
    if bracketed:
        host, tail = bracketed.groups()
    elif address.count(":") > 1:
        raise ConfigError(f"remote {text!r}: an IPv6 address needs brackets, as in device@[::1]:7624")
    else:
        host, colon, port = address.partition(":")
        tail = colon + port
    if not host or any(character.isspace() for character in host):
        raise ConfigError(f"remote {text!r} names no host; write [device]@host[:port]")
    if tail and (tail[0] != ":" or tail == ":"):
        raise ConfigError(f"remote {text!r}: after the host comes :port or nothing, not {tail!r}")
    return host, tail[1:]


def _verb(word: str) -> Literal["start", "stop"]:
    for verb in _VERBS:
        if word == verb:
            return verb
    near = get_close_matches(word.lower(), _VERBS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "write start DRIVER or stop DRIVER"
    raise ConfigError(f"FIFO command {word!r} is not known; {hint}")


def _split_quoted(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ConfigError(f"FIFO command has a quote without its partner in: {text}") from None


def _fifo_remote(text: str, has_options: bool) -> Spec:
    if text.count('"') % 2:
        raise ConfigError(f"FIFO command has a quote without its partner in: {text}")
    if has_options:
        raise ConfigError(f"remote {text.strip()!r} takes no options; -n -c -s -p are for local drivers")
    return parse_driver(text.replace('"', "").strip())


def _fifo_driver(command: str, words: list[str]) -> DriverSpec:
    """Apply `-n -c -s -p`, each with its value in the same word or in the next one."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option = word[:2]
        if option not in _FIFO_OPTIONS:
            raise ConfigError(f"FIFO option {word!r} of {command!r} is not known; there are -n -c -s -p")
        value = word[2:] or next(rest, "")
        if not value:
            raise ConfigError(f'FIFO option {option} of {command!r} has no value; write {option} "VALUE"')
        given[_FIFO_OPTIONS[option]] = value
    return DriverSpec(
        name=command,
        command=command,
        device=given.get("device"),
        config=given.get("config"),
        skeleton=given.get("skeleton"),
        prefix=given.get("prefix"),
    )
