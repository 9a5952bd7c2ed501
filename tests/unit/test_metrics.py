"""Metrics made from a status: totals, names and bounds; and that the dashboard and the alerts name what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from indigevent.server.counters import Counters
from indigevent.server.delivery import QueueLimits
from indigevent.server.operating.metrics import exposition
from indigevent.server.operating.status import plain_counters
from indigevent.server.operating.web import health

CONF = Path(__file__).resolve().parents[2] / "conf"
TRAFFIC = {"received_messages": 5, "received_bytes": 500, "sent_messages": 3, "sent_bytes": 300}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Link:
    """A closed client's link."""

    received_messages = 2
    received_bytes = 20
    sent_messages = 7
    sent_bytes = 70


def driver(name: str, **differences: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "name": name,
        "kind": "local",
        "state": "RUNNING",
        "uptime_s": 12.5,
        "restarts": 0,
        "last_exit": "",
        "devices": ["A", "B"],
        "queue_bytes": 10,
        "malformed": 1,
        "repaired": 2,
        "cpu_percent": 150.0,
        "memory_bytes": 1 << 20,
        "descriptors": 9,
        "threads": 2,
    }
    return known | TRAFFIC | differences


def client(kind: str, queue_bytes: int = 0) -> dict[str, Any]:
    return {"kind": kind, "queue_bytes": queue_bytes, **TRAFFIC}


def page(counters: Counters, drivers: list[dict[str, Any]], clients: list[dict[str, Any]]) -> str:
    status = {
        "server": {"uptime_s": 60.0, "threads": 2, "greenlets": 9},
        "drivers": drivers,
        "clients": clients,
        "counters": plain_counters(counters),
    }
    return exposition(lambda: status, QueueLimits(1 << 20, 0), counters.ping_seconds, lambda: 4)().decode()


def samples(text: str) -> Samples:
    """Every sample; no series comes twice."""
    found = [s for family in text_string_to_metric_families(text) for s in family.samples]
    result = {(s.name, frozenset(s.labels.items())): s.value for s in found}
    assert len(result) == len(found)
    return result


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"indigevent_{name}", frozenset(labels.items())]


def test_a_driver_is_described_in_base_units() -> None:
    found = samples(page(Counters(), [driver("camera", state="BACKOFF")], []))
    assert value(found, "driver_state", driver="camera", kind="local", state="BACKOFF") == 1
    assert value(found, "driver_state", driver="camera", kind="local", state="RUNNING") == 0
    assert value(found, "driver_cpu_ratio", driver="camera", kind="local") == 1.5
    assert value(found, "driver_devices", driver="camera", kind="local") == 2
    assert value(found, "driver_bytes_total", driver="camera", kind="local", direction="sent") == 300


def test_what_is_not_known_of_a_driver_has_no_sample() -> None:
    found = samples(page(Counters(), [driver("far", kind="remote", memory_bytes=None)], []))
    assert ("indigevent_driver_memory_bytes", frozenset({("driver", "far"), ("kind", "remote")})) not in found


def test_clients_are_summed_by_kind_with_those_that_have_left() -> None:
    counters = Counters()
    counters.client_left("tcp", Link())
    found = samples(page(counters, [], [client("tcp", 10), client("tcp", 30), client("local")]))
    assert value(found, "clients", kind="tcp") == 2
    assert value(found, "client_connections_total", kind="tcp") == 3
    assert value(found, "client_messages_total", kind="tcp", direction="received") == 12
    assert value(found, "client_bytes_total", kind="tcp", direction="sent") == 670
    assert value(found, "client_queue_max_bytes", kind="tcp") == 30
    assert value(found, "clients_queue_bytes", kind="tcp") == 40
    assert value(found, "client_bytes_total", kind="tls", direction="sent") == 0


def test_reasons_and_faults_are_labels() -> None:
    counters = Counters(dropped_frames=3)
    counters.closed["behind"] += 2
    counters.malformed["duplicate-attribute"] += 1
    found = samples(page(counters, [], []))
    assert value(found, "closed_total", reason="behind") == 2
    assert value(found, "malformed_total", kind="duplicate-attribute") == 1
    assert value(found, "dropped_frames_total") == 3
    assert value(found, "log_lines_lost_total") == 4


def test_a_reason_is_there_before_it_first_happens_so_that_its_increase_is_seen() -> None:
    found = samples(page(Counters(), [], []))
    assert value(found, "closed_total", reason="behind") == 0
    assert value(found, "restarts_total", reason="watchdog") == 0


def test_answers_to_the_watchdog_are_a_histogram() -> None:
    counters = Counters()
    for duration_s in (0.0005, 0.001, 0.3, 100.0):
        counters.ping_seconds.observe(duration_s)
    found = samples(page(counters, [], []))
    buckets = [
        value(found, "driver_ping_seconds_bucket", le=bound) for bound in ("0.001", "0.25", "0.5", "60.0", "+Inf")
    ]
    assert buckets == [2, 2, 3, 3, 4]
    assert value(found, "driver_ping_seconds_count") == 4
    assert value(found, "driver_ping_seconds_sum") == pytest.approx(100.3015)


def test_no_name_of_a_driver_can_spoil_the_page() -> None:
    names = ["twice", "twice", 'quote" and\nline', "latin \udce9"]
    found = samples(page(Counters(), [driver(name) for name in names], []))
    for name in ("twice", "twice #2", 'quote" and\nline', "latin ?"):
        assert value(found, "driver_uptime_seconds", driver=name, kind="local") == 12.5


def test_no_number_of_a_namesake_is_anothers_name() -> None:
    found = samples(page(Counters(), [driver(name) for name in ("a #2", "a", "a", "a")], []))
    assert {value(found, "driver_devices", driver=name, kind="local") for name in ("a", "a #2", "a #3", "a #4")} == {2}


def test_health_asks_for_an_operator_only_where_nothing_happens_by_itself() -> None:
    waiting = driver("mount", state="BACKOFF", last_exit="exit status 1")
    assert health([driver("camera"), driver("old", state="STOPPED")])[::2] == ("200 OK", b"ok\n")
    assert health([waiting])[::2] == ("200 OK", b"ok\ndriver mount waits to be started again: exit status 1\n")
    sick = health([waiting, driver("dome", state="FATAL", last_exit="signal 9")])
    assert sick.status == "503 Service Unavailable"
    assert sick.body.startswith(b"degraded\ndriver dome is FATAL: signal 9\n")


# The files in conf


def dashboard_queries() -> Iterator[str]:
    panels = json.loads((CONF / "grafana-dashboard.json").read_text())["panels"]
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))


def alert_queries() -> Iterator[str]:
    text = (CONF / "prometheus-alerts.yml").read_text()
    yield from re.findall(r"^\s+expr: (.+)$", text, re.MULTILINE)


def everything() -> tuple[set[str], set[str]]:
    """The names of all metrics and of all labels; Prometheus adds `up`, `instance` and `job`."""
    counters = Counters()
    counters.not_allowed["guests"] += 1
    found = samples(page(counters, [driver("camera")], [client("tcp")]))
    labels = {name for _, pairs in found for name, _ in pairs}
    return {name for name, _ in found} | {"up"}, labels | {"instance", "job"}


def metrics_in(query: str) -> set[str]:
    return set(re.findall(r"\b(?:indigevent_\w+|process_\w+|up\b)", query))


def labels_in(query: str) -> set[str]:
    selectors = re.findall(r"(\w+)(?:=|!=|=~)\"", query)
    grouped = re.findall(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)", query)
    return {*selectors, *(label.strip() for group in grouped for label in group.split(","))}


@pytest.mark.parametrize("queries", [dashboard_queries, alert_queries])
def test_the_files_in_conf_name_what_there_is(queries: Any) -> None:
    names, labels = everything()
    found = list(queries())
    assert len(found) > 10
    for query in found:
        assert metrics_in(query) and metrics_in(query) <= names, query
        assert labels_in(query) <= labels, query
        assert query.count("(") == query.count(")") and query.count("{") == query.count("}"), query


def test_every_own_metric_that_can_go_wrong_is_on_the_dashboard_or_an_alert() -> None:
    names, _ = everything()
    shown = set().union(*map(metrics_in, (*dashboard_queries(), *alert_queries())))
    quiet = {
        "indigevent_build_info",
        "indigevent_client_connections_total",
        "indigevent_clients_queue_bytes",
        "indigevent_driver_devices",
        "indigevent_driver_ping_seconds_count",
        "indigevent_driver_ping_seconds_sum",
        "indigevent_driver_threads",
        "indigevent_driver_uptime_seconds",
        "indigevent_greenlets",
        "indigevent_repaired_total",
        "indigevent_threads",
    }
    assert {name for name in names if name.startswith("indigevent_")} - shown == quiet


def test_panels_have_their_own_places_and_numbers() -> None:
    panels = json.loads((CONF / "grafana-dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_legends_are_whole() -> None:
    """Grafana's schema (11.2) has these four as required; without showLegend a graph may have no legend."""
    panels = json.loads((CONF / "grafana-dashboard.json").read_text())["panels"]
    legends = [panel["options"]["legend"] for panel in panels if "legend" in panel.get("options", {})]
    assert len(legends) > 10
    for legend in legends:
        assert legend.keys() == {"showLegend", "displayMode", "placement", "calcs"} and legend["showLegend"], legend
