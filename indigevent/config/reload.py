"""Reading the config file again: which settings change while the server runs, and which wait for its next start."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields

from indigevent.config.load import UsageError, load
from indigevent.config.settings import Settings
from indigevent.errors import ConfigError

_LIVE = frozenset(
    (
        "access",
        "allow",
        "drivers",
        "local_uids",
        "max_clients",
        "max_per_address",
        "max_queue_bytes",
        "max_rate",
        "max_stream_bytes",
        "message_timeout_s",
        "restart_delay_s",
        "restarts",
        "stable_time_s",
        "stall_timeout_s",
        "stop_timeout_s",
        "verbosity",
    )
)


def load_again(argv: Sequence[str], environ: Mapping[str, str], program: str, config_file: str | None) -> Settings:
    """As `load`, for a server that runs.

    Raises ConfigError with one line for anything that is wrong: no file, one that would have to be waited for, or one
    that names nothing to run, as half of a file may.
    """
    if config_file is not None and os.path.exists(config_file) and not os.path.isfile(config_file):
        raise ConfigError(f"config file {config_file} is no regular file, and cannot be read again")
    try:
        return load(argv, environ, program)
    except UsageError:
        raise ConfigError(f"config file {config_file} names no driver, and nothing else does") from None


def changes_for_later(current: Settings, wanted: Settings) -> list[str]:
    """The names of settings that differ and take effect only when the server is started again."""
    names = [each.name for each in fields(Settings) if each.name not in _LIVE]
    return [name for name in names if getattr(wanted, name) != getattr(current, name)]
