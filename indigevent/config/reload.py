"""Reading the config file again: which settings change while the server runs, and which wait for its next start."""

from dataclasses import fields

from indigevent.config.settings import Settings

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


def changes_for_later(current: Settings, wanted: Settings) -> list[str]:
    """The names of settings that differ and take effect only when the server is started again."""
    names = [each.name for each in fields(Settings) if each.name not in _LIVE]
    return [name for name in names if getattr(wanted, name) != getattr(current, name)]
