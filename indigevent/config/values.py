"""From the text of one value to the value; a ValueError's text is a clause that says what is wrong."""

import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

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


def _decimal(value: str, what: str) -> float:
    if not _DECIMAL.fullmatch(value) or len(value) > 12:
        raise ValueError(f"{value!r} is not {what}; give 0 or more")
    return float(value)
