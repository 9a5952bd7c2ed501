"""From the text of one value to the value; a ValueError's text is a clause that says what is wrong."""

import pwd
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from indigevent.config.settings import ListenAddress, Rotation
from indigevent.routing.access import Network, parse_network
from indigevent.supervision.specs import parse_port

BYTES_PER_MB = 1024 * 1024  # what the reference means by MB (measured: -m 1 closes above 1048576 bytes)

# An address in the abstract namespace fits into sun_path (108 bytes) together with its leading NUL.
MAX_SOCKET_NAME_BYTES = 107

_DECIMAL = re.compile(r"(\d+(\.\d*)?|\.\d+)", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_TRUTH = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


def any_text(value: str) -> str:
    """Any text, the empty one too."""
    return value


def text(value: str) -> str:
    """Any text but the empty one."""
    if not value.strip():
        raise ValueError("the value is empty; give one or leave the option out")
    return value


def port(value: str) -> int:
    """A TCP port, 1 to 65535."""
    return parse_port(value)


def host(value: str) -> str:
    """One host name or address; an IPv6 address may stand in brackets."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not bare or re.search(r"[\s,\[\]/]", bare):
        raise ValueError(f"{value!r} is not a host name or address")
    return bare


def hosts(value: str) -> tuple[str, ...]:
    """Host names or addresses, separated by commas or spaces; each is kept once."""
    found = [host(word) for word in re.split(r"[\s,]+", value) if word]
    if not found:
        raise ValueError("no address is given; give one such as 127.0.0.1")
    return tuple(dict.fromkeys(found))


def local_socket(value: str) -> str:
    """The name of a local socket, short enough for the operating system."""
    size = len(text(value).encode())
    if size > MAX_SOCKET_NAME_BYTES:
        raise ValueError(f"the name has {size} bytes; a socket's name has at most {MAX_SOCKET_NAME_BYTES}")
    return value


def count(value: str) -> int:
    """A whole number, 0 or more."""
    if not _WHOLE.fullmatch(value):
        raise ValueError(f"{value!r} is not a whole number; give 0 or more")
    return int(value)


def seconds(value: str) -> float:
    """A duration in seconds, 0 or more."""
    return _decimal(value, "a number of seconds")


def megabytes(value: str) -> int:
    """A size given in MB, 0 or more, as bytes."""
    return int(_decimal(value, "a number of MB") * BYTES_PER_MB)


def positive_megabytes(value: str) -> int:
    """A size given in MB, more than 0, as bytes."""
    size = megabytes(value)
    if size == 0:
        raise ValueError(f"{value!r} MB would close every client at its first message; give more than 0")
    return size


def verbosity(value: str) -> int:
    """0 to 3; more v's than three are three, as in the reference."""
    return min(count(value), 3)


def yes_no(value: str) -> bool:
    """Yes or no, in the usual spellings."""
    try:
        return _TRUTH[value.lower()]
    except KeyError:
        raise ValueError(f"{value!r} is neither yes nor no") from None


def words(value: str) -> tuple[str, ...]:
    """Words separated and quoted as in a shell."""
    try:
        return tuple(shlex.split(value))
    except ValueError:
        raise ValueError(f"a quote has no partner in {value}") from None


def environment(value: str) -> Mapping[str, str]:
    """`NAME=VALUE` words separated and quoted as in a shell."""
    pairs = {}
    for word in words(value):
        name, equals, content = word.partition("=")
        if not equals or not _VARIABLE.fullmatch(name):
            raise ValueError(f"{word!r} is not NAME=VALUE")
        pairs[name] = content
    return MappingProxyType(pairs)


def positive_seconds(value: str) -> float:
    """A duration in seconds, more than 0."""
    duration = seconds(value)
    if not duration:
        raise ValueError(f"{value!r} seconds is no duration; give more than 0")
    return duration


def networks(value: str) -> tuple[Network, ...]:
    """IPv4 or IPv6 networks or addresses, separated by commas or spaces."""
    found = tuple(parse_network(word) for word in re.split(r"[\s,]+", value) if word)
    if not found:
        raise ValueError("no network is given; give one such as 192.168.1.0/24")
    return found


def users(value: str) -> tuple[int, ...]:
    """Users of this machine by name or number, separated by commas or spaces, as numbers."""
    found = tuple(_user(word) for word in re.split(r"[\s,]+", value) if word)
    if not found:
        raise ValueError("no user is given; give names or numbers")
    return found


def listen_address(value: str) -> ListenAddress:
    """`[HOST:]PORT`, where an IPv6 address has brackets; without HOST 127.0.0.1."""
    before, colon, last = value.rpartition(":")
    if before.count(":") and not before.startswith("["):
        raise ValueError(f"{value!r}: an IPv6 address needs brackets, as in [::1]:7625")
    return ListenAddress(host(before) if colon else "127.0.0.1", port(last))


def log_format(value: str) -> Literal["text", "json"]:
    """How log lines are written."""
    if value not in ("text", "json"):
        raise ValueError(f"{value!r} is no log format; give text or json")
    return "json" if value == "json" else "text"


def rotation(value: str) -> Rotation:
    """A size in MB, or `daily`."""
    if value == "daily":
        return Rotation(is_daily=True)
    size = megabytes(value) if _DECIMAL.fullmatch(value) else 0
    if not size:
        raise ValueError(f"{value!r} is neither a number of MB nor daily")
    return Rotation(max_bytes=size)


def warn_restart(value: str) -> Literal["warn", "restart"]:
    """What to do about a driver."""
    if value not in ("warn", "restart"):
        raise ValueError(f"{value!r} is neither warn nor restart")
    return "restart" if value == "restart" else "warn"


def ssh_host(value: str) -> str:
    """`[USER@]HOST` as ssh takes it; nothing that ssh would read as an option."""
    if not re.fullmatch(r"(?!-)[\w.-]+(@(?!-)[\w.:-]+)?", value, re.ASCII):
        raise ValueError(f"{value!r} is not [USER@]HOST")
    return value


def _user(word: str) -> int:
    if word.isascii() and word.isdigit():
        return int(word)
    try:
        return pwd.getpwnam(word).pw_uid
    except KeyError:
        raise ValueError(f"this machine has no user {word!r}; give a name or a number") from None


def _decimal(value: str, what: str) -> float:
    if not _DECIMAL.fullmatch(value) or len(value) > 12:
        raise ValueError(f"{value!r} is not {what}; give 0 or more")
    return float(value)
