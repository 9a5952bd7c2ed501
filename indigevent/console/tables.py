"""A server's status as lines of text: what runs, who is connected, and what had to be turned away."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tabulate

from indigevent.console.figures import UNKNOWN, duration, percent, rates, size, traffic
from indigevent.console.text import clean

# Widths are right already, by fillers, whether another package is installed or not; and every column counts.
tabulate.WIDE_CHARS_MODE = False
tabulate.MIN_PADDING = 0

_NAME_COLUMNS = 32
_LIST_COLUMNS = 44
_NOTE_COLUMNS = 60
_COUNTED = {
    "refused": "refused",
    "closed": "closed",
    "restarts": "restarts",
    "malformed": "malformed",
    "repaired": "repaired",
    "not_allowed": "not allowed",
    "dropped_frames": "frames dropped",
    "dropped_messages": "messages dropped",
}
_STYLES = {"FATAL": "alert", "BACKOFF": "warning", "STARTING": "warning", "STOPPING": "faint", "STOPPED": "faint"}

Row = Mapping[str, Any]


class Line(NamedTuple):
    """A line, with fillers, and how it is to stand out: `heading`, `alert`, `warning`, `faint` or not at all."""

    text: str
    style: str = ""


class Sample(NamedTuple):
    """A server's status, and when it was looked at, in seconds of any clock."""

    status: Row
    at: float


class _Column(NamedTuple):
    heading: str
    cell: Callable[[Row, Row | None], str]
    align: str = "left"


def status_lines(now: Sample, before: Sample | None) -> list[Line]:
    """The whole status; rates are since `before`, and unknown without it."""
    seconds = 0.0 if before is None else now.at - before.at
    status, earlier = now.status, None if before is None else before.status
    lines = [*_server_lines(status, earlier, seconds), Line("")]
    drivers = [(row, _rates(row, earlier, "drivers", "name", seconds)) for row in status["drivers"]]
    clients = [(row, _rates(row, earlier, "clients", "number", seconds)) for row in status["clients"]]
    styles = [_STYLES.get(row["state"], "") for row in status["drivers"]]
    lines += [*_table(_DRIVER_COLUMNS, drivers, styles, "no drivers"), *_trouble_lines(status["drivers"]), Line("")]
    return [*lines, *_table(_CLIENT_COLUMNS, clients, [], "no clients")]


def client_lines(clients: Sequence[Row]) -> list[Line]:
    """The clients alone, with what they have sent and got in all."""
    return _table(_CLIENT_TOTALS, [(row, None) for row in clients], [], "no clients")


def event_lines(events: Sequence[Row]) -> list[Line]:
    """What operators and scripts had the server do, the latest last."""
    styles = ["" if row["ok"] else "alert" for row in events]
    return _table(_EVENT_COLUMNS, [(row, None) for row in events], styles, "no events since the server was started")


def _server_lines(status: Row, earlier: Row | None, seconds: float) -> list[Line]:
    server = status["server"]
    figures = [
        f"pid {server['pid']}",
        f"up {duration(server['uptime_s'])}",
        f"CPU {percent(_server_cpu(server, earlier, seconds))}",
        size(server["memory_bytes"]),
        _many(server["descriptors"], "descriptor"),
        _many(server["threads"], "thread"),
        _many(server["greenlets"], "greenlet"),
        _many(len(status["drivers"]), "driver"),
        _many(len(status["clients"]), "client"),
    ]
    places = [*server["listening"], f"@{server['local_socket']}"]
    config = f"   config {server['config_file']}" if server["config_file"] else ""
    return [
        Line(clean(f"indigevent {server['version']}   {'   '.join(figures)}"), "heading"),
        Line(clean(f"listens on {'  '.join(places)}{config}")),
        Line(clean(_counted(status["counters"]))),
    ]


def _trouble_lines(drivers: Sequence[Row]) -> list[Line]:
    """Why drivers do not run, in full."""
    lines = []
    for row in drivers:
        if row["state"] in ("BACKOFF", "FATAL") and row["last_exit"]:
            reset = f"; indigevent-ctl reset {shlex.quote(row['name'])} starts it again"
            way_out = reset if row["state"] == "FATAL" else ""
            lines.append(Line(clean(f"{row['name']}: {row['last_exit']}{way_out}"), _STYLES[row["state"]]))
    return lines


def _server_cpu(server: Row, earlier: Row | None, seconds: float) -> float | None:
    """In percent of one processor: since the earlier look, or as the server has sampled it."""
    if earlier is None or seconds <= 0 or earlier["server"]["pid"] != server["pid"]:
        return server["cpu_percent"]  # type: ignore[no-any-return]
    return 100 * float(server["cpu_seconds"] - earlier["server"]["cpu_seconds"]) / seconds


def _counted(counters: Row) -> str:
    """What was refused, closed, dropped and started again; what never happened is left out."""
    found = ((label, counters.get(key)) for key, label in _COUNTED.items())
    parts = [f"{label}: {_reasons(value)}" for label, value in found if value]
    return "   ".join(parts) or "nothing was refused, closed or dropped"


def _reasons(value: Mapping[str, int] | int) -> str:
    if isinstance(value, int):
        return str(value)
    return ", ".join(f"{reason} {count}" for reason, count in sorted(value.items()))


def _rates(row: Row, earlier: Row | None, kind: str, key: str, seconds: float) -> Row | None:
    candidates = [] if earlier is None else earlier[kind]
    before = next((one for one in candidates if one[key] == row[key]), None)
    return rates(row, before, seconds)


def _table(
    columns: Sequence[_Column], rows: Sequence[tuple[Row, Row | None]], styles: Sequence[str], nothing: str
) -> list[Line]:
    if not rows:
        return [Line(nothing, "faint")]
    cells = [[column.cell(row, per_second) for column in columns] for row, per_second in rows]
    aligns = [column.align for column in columns]
    text = tabulate.tabulate(
        cells,
        headers=[column.heading for column in columns],
        tablefmt="plain",
        colalign=aligns,
        headersalign=aligns,
        disable_numparse=True,
    )
    lines = [line.rstrip() for line in text.split("\n")]
    return list(map(Line, lines, ["heading", *(styles or [""] * len(rows))]))


def _name(row: Row, _: Row | None) -> str:
    """A driver's name; of a long path the end tells more than the beginning."""
    name = str(row["name"])
    return clean(
        name if len(name) <= _NAME_COLUMNS or "/" not in name else "…/" + name.rpartition("/")[2], _NAME_COLUMNS
    )


def _devices(row: Row, _: Row | None) -> str:
    """The devices, and what is to be known besides."""
    notes = []
    if row["next_start_s"] is not None:
        notes.append(f"next start in {duration(row['next_start_s'])}")
    if row["malformed"]:
        notes.append(f"{row['malformed']} malformed")
    return clean("; ".join([", ".join(row["devices"]), *notes]).removeprefix("; "), _LIST_COLUMNS) or UNKNOWN


def _who(row: Row, _: Row | None) -> str:
    return clean(row["certificate"] or row["user"] or UNKNOWN, _NAME_COLUMNS)


def _rule(row: Row, _: Row | None) -> str:
    return clean(f"{row['rule']} (read only)" if row["read_only"] else row["rule"] or UNKNOWN, _NAME_COLUMNS)


def _total(direction: str) -> Callable[[Row, Row | None], str]:
    return lambda row, _: f"{row[f'{direction}_messages']} {size(row[f'{direction}_bytes'])}"


_DRIVER_COLUMNS = (
    _Column("DRIVER", _name),
    _Column("STATE", lambda row, _: row["state"]),
    _Column("PID", lambda row, _: str(row["pid"] or UNKNOWN), "right"),
    _Column("UPTIME", lambda row, _: duration(row["uptime_s"] or None), "right"),
    _Column("RESTARTS", lambda row, _: str(row["restarts"]), "right"),
    _Column("DEVICES", _devices),
    _Column("RECEIVED", lambda _, per_second: traffic(per_second, "received"), "right"),
    _Column("SENT", lambda _, per_second: traffic(per_second, "sent"), "right"),
    _Column("QUEUE", lambda row, _: size(row["queue_bytes"]), "right"),
    _Column("MEMORY", lambda row, _: size(row["memory_bytes"]), "right"),
    _Column("CPU", lambda row, _: percent(row["cpu_percent"]), "right"),
)
_CLIENT_IDENTITY = (
    _Column("CLIENT", lambda row, _: str(row["number"]), "right"),
    _Column("ADDRESS", lambda row, _: clean(row["address"] or UNKNOWN, _LIST_COLUMNS)),
    _Column("KIND", lambda row, _: row["kind"]),
    _Column("WHO", _who),
    _Column("CONNECTED", lambda row, _: duration(row["connected_s"]), "right"),
    _Column("SUBSCRIBED TO", lambda row, _: clean(", ".join(row["subscriptions"]), _LIST_COLUMNS) or UNKNOWN),
)
_CLIENT_STATE = (
    _Column("QUEUE", lambda row, _: size(row["queue_bytes"]), "right"),
    _Column("RULE", _rule),
)
_CLIENT_COLUMNS = (
    *_CLIENT_IDENTITY,
    _Column("RECEIVED", lambda _, per_second: traffic(per_second, "received"), "right"),
    _Column("SENT", lambda _, per_second: traffic(per_second, "sent"), "right"),
    *_CLIENT_STATE,
)
_CLIENT_TOTALS = (
    *_CLIENT_IDENTITY,
    _Column("RECEIVED", _total("received"), "right"),
    _Column("SENT", _total("sent"), "right"),
    *_CLIENT_STATE,
)
_EVENT_COLUMNS = (
    _Column("TIME", lambda row, _: clean(row["time"])),
    _Column("FROM", lambda row, _: clean(row["source"], _NAME_COLUMNS)),
    _Column("COMMAND", lambda row, _: clean(row["command"], _NOTE_COLUMNS)),
    _Column("OUTCOME", lambda row, _: clean(row["outcome"])),
)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
