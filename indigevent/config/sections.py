"""The keys of the config file's sections, and of its global part."""

from difflib import get_close_matches

from indigevent.config import values
from indigevent.config.option import Key, Option
from indigevent.config.options import OPTIONS

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
    Key(
        "stable-time",
        "SECONDS",
        values.seconds,
        "",
        "after so long its restarts are forgiven, instead of the global time",
    ),
    Key("stop-timeout", "SECONDS", values.seconds, "", "its time to stop before SIGTERM, instead of the global one"),
    Key("stall-timeout", "SECONDS", values.seconds, "", "its time to read something, instead of the global one"),
    Key(
        "watchdog",
        "SECONDS",
        values.seconds,
        "0",
        "restart it when it has not answered for so long; 0 never, for a camera may well be busy with an exposure",
    ),
    Key("max-memory", "MB", values.megabytes, "0", "warn when it uses more memory; 0 never"),
    Key("max-cpu", "PERCENT", values.count, "0", "warn when it uses more of a processor for a minute; 0 never"),
    Key("over-limit", "warn|restart", values.warn_restart, "warn", "what to do about too much memory or CPU"),
    Key("malformed", "warn|restart", values.warn_restart, "warn", "what to do when it keeps sending malformed XML"),
    Key("trace", "yes|no", values.yes_no, "no", "log this driver's whole traffic"),
)

REMOTE_KEYS: tuple[Key, ...] = (
    Key("host", "HOST", values.host, "", "name or address of the other server; this key is required"),
    Key("port", "PORT", values.port, "7624", "its TCP port"),
    Key("device", "NAME", values.any_text, "", "the only device wanted; without it all of them"),
    Key("blobs", "yes|no", values.yes_no, "yes", "whether its BLOBs are ever asked for"),
    Key("tls", "yes|no", values.yes_no, "no", "whether the connection is by TLS"),
    Key(
        "tls-ca",
        "FILE",
        values.text,
        "",
        "who may have signed the other server's certificate (PEM), instead of the system's",
        is_path=True,
    ),
    Key("tls-certificate", "FILE", values.text, "", "our certificate for the other server (PEM)", is_path=True),
    Key("tls-key", "FILE", values.text, "", "its key (PEM), unless the certificate's file has both", is_path=True),
    Key("ssh", "[USER@]HOST", values.ssh_host, "", "log in there with ssh, and reach HOST and PORT from there"),
    Key(
        "compression",
        "yes|no",
        values.yes_no,
        "no",
        "ask the other server to compress what it sends, if it is ours too",
    ),
    Key("trace", "yes|no", values.yes_no, "no", "log this remote's whole traffic"),
)

ACCESS_KEYS: tuple[Key, ...] = (
    Key("network", "NETWORK ...", values.networks, "", "for clients of these networks"),
    Key("uid", "USER ...", values.users, "", "for processes of these users on the local socket"),
    Key("certificate", "NAME ...", values.words, "", "for clients whose TLS certificate has one of these common names"),
    Key("devices", "NAME ...", values.words, "", "they see only these devices; * and ? stand for any characters"),
    Key("read-only", "yes|no", values.yes_no, "no", "they may watch, and change nothing"),
    Key("deny", "yes|no", values.yes_no, "no", "they are turned away"),
)

SECTIONS: dict[str, tuple[Key, ...]] = {"driver": DRIVER_KEYS, "remote": REMOTE_KEYS, "access": ACCESS_KEYS}


def nearest(word: str, known: list[str]) -> str:
    """Return `did you mean 'X'?` for the most similar known word, or a list of all when none is similar."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.4)
    return f"did you mean {found[0]!r}?" if found else f"there are {', '.join(known)}"
