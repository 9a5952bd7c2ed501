"""Metrics for Prometheus, made anew from the daemon's status at every scrape: nothing is counted twice.

Totals never fall: what clients that have left had sent and received is kept by kind in `Counters`, and a driver's own
totals are kept by its supervisor. The number of series is bounded: drivers are listed by name, clients only by kind.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count
from typing import Any

import gevent
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from indigevent import __version__
from indigevent.protocol.framing import FaultKind
from indigevent.server.counters import Histogram
from indigevent.server.delivery import QueueLimits
from indigevent.supervision.states import State

CLIENT_KINDS = ("tcp", "tls", "local")
Snapshot = Mapping[str, Any]
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily | InfoMetricFamily


# The values of a peer's labels, and what its status says.
Named = tuple[tuple[str, ...], Mapping[str, Any]]
_DRIVER_LABELS = ("driver", "kind")


@dataclass(frozen=True)
class _Row:
    """A value of the status and the metric that it becomes, in base units by `factor`."""

    key: str
    name: str
    help: str
    factor: float = 1.0


_DRIVER_TOTALS = (
    _Row("malformed", "malformed", "Elements of a driver that were dropped because they could not be read."),
    _Row("repaired", "repaired", "Messages of a driver that were made well-formed."),
)
_DRIVER_GAUGES = (
    _Row("restarts", "restarts_in_a_row", "Restarts of a driver since it last ran long enough to be called stable."),
    _Row("uptime_s", "uptime_seconds", "How long a driver's process, or the connection to a remote, has lasted."),
    _Row("queue_bytes", "queue_bytes", "Bytes that wait to be read by a driver."),
    _Row("cpu_percent", "cpu_ratio", "Share of one processor that a driver's process uses; 1 is all of it.", 0.01),
    _Row("memory_bytes", "memory_bytes", "Resident memory of a driver's process."),
    _Row("descriptors", "descriptors", "File descriptors that a driver's process has open."),
    _Row("threads", "threads", "Threads of a driver's process."),
)
_REASONS = (
    _Row("refused", "refused", "Connections turned away, by reason."),
    _Row("closed", "closed", "Connections closed by the server, by reason."),
    _Row("restarts", "restarts", "Drivers started again, by reason."),
    _Row("malformed", "malformed", "Elements dropped because they could not be read, by kind of fault."),
    _Row("not_allowed", "not_allowed", "Messages of clients that their access rule does not allow, by rule."),
)
_PLAIN_TOTALS = (
    _Row("repaired", "repaired", "Messages that were made well-formed."),
    _Row("dropped_frames", "dropped_frames", "Frames of streams that slow readers missed."),
    _Row("dropped_messages", "dropped_messages", "Messages for drivers that do not read."),
)
_DIRECTIONS = ("received", "sent")
_UNITS = ("messages", "bytes")
_TRAFFIC_KEYS = tuple(f"{direction}_{unit}" for direction in _DIRECTIONS for unit in _UNITS)
# Series that exist before anything has happened: Prometheus sees no increase in the first sample of a series.
_KNOWN_REASONS = {
    "refused": (
        "access",
        "local-uids",
        "max-clients",
        "max-per-address",
        "network",
        "tls",
        "control",
        "http-bad-request",
    ),
    "closed": (
        "behind",
        "blob",
        "lingering",
        "malformed",
        "names",
        "operator",
        "rate",
        "silent",
        "unfinished",
        "http-slow",
        "http-crowded",
    ),
    "restarts": ("exit", "stalled", "watchdog", "memory", "cpu", "malformed", "operator", "reconnect"),
    "malformed": tuple(kind.value for kind in FaultKind),
}
# What each reason's label is called; `reason` where nothing else is said.
_LABELS = {"malformed": "kind", "not_allowed": "rule"}


class StatusCollector(Collector):
    """What the registry asks at each scrape.

    Arguments:
        snapshot: the daemon's status, made in one go: a client that leaves meanwhile would be counted twice.
        limits: how far a peer may be behind (`-m`).
        ping_seconds: how long drivers took to answer the watchdog.
        lost_log_lines: how many lines of the log were not written.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        limits: QueueLimits,
        ping_seconds: Histogram,
        lost_log_lines: Callable[[], int],
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._ping_seconds = ping_seconds
        self._lost_log_lines = lost_log_lines

    def collect(self) -> Iterator[Family]:
        """The metrics now."""
        snapshot = self._snapshot()
        counters = snapshot["counters"]
        yield _build()
        yield from _about_server(snapshot["server"], self._limits.max_queue_bytes)
        yield from _about_drivers(_uniquely_named(snapshot["drivers"]))
        yield from _about_clients(snapshot["clients"], counters)
        yield from _about_events(counters)
        yield _about_pings(self._ping_seconds)
        yield CounterMetricFamily(
            "indigevent_log_lines_lost", "Lines of the log that were not written.", self._lost_log_lines()
        )


def exposition(
    snapshot: Callable[[], Snapshot],
    limits: QueueLimits,
    ping_seconds: Histogram,
    lost_log_lines: Callable[[], int],
) -> Callable[[], bytes]:
    """Return what makes a page in Prometheus' text format 0.0.4: this server's metrics and the usual `process_*`."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(snapshot, limits, ping_seconds, lost_log_lines))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def _build() -> Family:
    versions = {"version": __version__, "python": platform.python_version(), "gevent": gevent.__version__}
    return InfoMetricFamily("indigevent_build", "What this server is made of.", versions)


def _about_server(server: Mapping[str, Any], max_queue_bytes: int) -> Iterator[Family]:
    for row in (
        _Row("uptime_s", "uptime_seconds", "How long the server has run."),
        _Row("threads", "threads", "Threads of the server."),
        _Row("greenlets", "greenlets", "Greenlets of the server."),
    ):
        yield _gauge(row.name, row.help, server[row.key])
    yield _gauge("queue_limit_bytes", "How many bytes may wait for a client before it is closed (-m).", max_queue_bytes)


def _about_drivers(drivers: Sequence[Named]) -> Iterator[Family]:
    states = GaugeMetricFamily(
        "indigevent_driver_state",
        "1 for the state that a driver is in, 0 for the others.",
        labels=(*_DRIVER_LABELS, "state"),
    )
    devices = GaugeMetricFamily(
        "indigevent_driver_devices", "Devices that a driver has defined.", labels=_DRIVER_LABELS
    )
    for labels, driver in drivers:
        for state in (state.value for state in State):
            states.add_metric((*labels, state), float(driver["state"] == state))
        devices.add_metric(labels, len(driver["devices"]))
    yield states
    yield devices
    yield from _traffic("driver", drivers, _DRIVER_LABELS)
    for row in _DRIVER_TOTALS:
        yield _of_each(CounterMetricFamily, row, drivers)
    for row in _DRIVER_GAUGES:
        yield _of_each(GaugeMetricFamily, row, drivers)


def _of_each(make: type[CounterMetricFamily] | type[GaugeMetricFamily], row: _Row, drivers: Iterable[Named]) -> Family:
    """A driver of which a value is not known has no sample."""
    family = make(f"indigevent_driver_{row.name}", row.help, labels=_DRIVER_LABELS)
    for labels, driver in drivers:
        value = driver[row.key]
        if value is not None:
            family.add_metric(labels, value * row.factor)
    return family


def _about_clients(clients: Iterable[Mapping[str, Any]], counters: Mapping[str, Any]) -> Iterator[Family]:
    connected: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    furthest = dict.fromkeys(CLIENT_KINDS, 0)
    traffic = {
        kind: Counter({key: counters[f"past_{key}"].get(kind, 0) for key in _TRAFFIC_KEYS}) for kind in CLIENT_KINDS
    }
    for client in clients:
        kind, queue_bytes = client["kind"], client["queue_bytes"]
        connected[kind] += 1
        waiting[kind] += queue_bytes
        furthest[kind] = max(furthest[kind], queue_bytes)
        totals = traffic[kind]
        for key in _TRAFFIC_KEYS:
            totals[key] += client[key]
    come = connected + Counter(counters["past_clients"])
    yield _by_kind(GaugeMetricFamily, "clients", "Clients that are connected.", connected)
    yield _by_kind(CounterMetricFamily, "client_connections", "Clients that have come since the start.", come)
    yield _by_kind(GaugeMetricFamily, "clients_queue_bytes", "Bytes that wait to be read by all clients.", waiting)
    yield _by_kind(
        GaugeMetricFamily, "client_queue_max_bytes", "Bytes that wait for the client that is furthest behind.", furthest
    )
    yield from _traffic("client", [((kind,), totals) for kind, totals in traffic.items()], ("kind",))


def _by_kind(
    make: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, text: str, values: Mapping[str, float]
) -> Family:
    """Every kind of client has a sample, so that a graph begins at nought and not with the first client."""
    family = make(f"indigevent_{name}", text, labels=("kind",))
    for kind in CLIENT_KINDS:
        family.add_metric((kind,), values.get(kind, 0))
    return family


def _traffic(who: str, peers: Sequence[Named], labels: tuple[str, ...]) -> Iterator[Family]:
    """Messages and bytes, received from and sent to peers."""
    for unit in _UNITS:
        text = f"{unit.capitalize()} received from and sent to each {who if who == 'driver' else 'kind of client'}."
        family = CounterMetricFamily(f"indigevent_{who}_{unit}", text, labels=(*labels, "direction"))
        for values, totals in peers:
            for direction in _DIRECTIONS:
                family.add_metric((*values, direction), totals[f"{direction}_{unit}"])
        yield family


def _about_events(counters: Mapping[str, Any]) -> Iterator[Family]:
    for row in _REASONS:
        family = CounterMetricFamily(f"indigevent_{row.name}", row.help, labels=(_LABELS.get(row.name, "reason"),))
        happened = counters[row.key]
        for reason in dict.fromkeys((*_KNOWN_REASONS.get(row.key, ()), *happened)):
            family.add_metric((_text(reason),), happened.get(reason, 0))
        yield family
    for row in _PLAIN_TOTALS:
        yield CounterMetricFamily(f"indigevent_{row.name}", row.help, counters[row.key])


def _about_pings(durations: Histogram) -> Family:
    """Prometheus' buckets hold all that is shorter as well."""
    bounds = [*map(str, durations.bounds), "+Inf"]
    text = "How long drivers took to answer what their watchdog asked."
    buckets = list(zip(bounds, accumulate(durations.counts), strict=True))
    return HistogramMetricFamily("indigevent_driver_ping_seconds", text, buckets, durations.sum)


def _gauge(name: str, text: str, value: float) -> Family:
    return GaugeMetricFamily(f"indigevent_{name}", text, value)


def _uniquely_named(drivers: Iterable[Mapping[str, Any]]) -> list[Named]:
    """Drivers by name; of namesakes the later ones have a number, because equal series would spoil the whole scrape."""
    named: dict[str, Named] = {}
    for driver in drivers:
        name = _text(driver["name"])
        numbered = chain((name,), (f"{name} #{number}" for number in count(2)))
        unique = next(each for each in numbered if each not in named)
        named[unique] = (unique, driver["kind"]), driver
    return list(named.values())


def _text(label: str) -> str:
    """A name from the command line may hold bytes that are not UTF-8, which a page cannot."""
    return label.encode(errors="replace").decode()
