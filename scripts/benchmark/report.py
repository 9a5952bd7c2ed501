"""The report: medians and ratios as a table for people, everything as JSON, the ratios as a plot."""

from __future__ import annotations

import json
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

from .scenarios import Result, Scenario
from .servers import OURS, REFERENCE, RELAY

_MEGABYTE = 1 << 20
_ATTEMPTS = 2


@dataclass
class Row:
    """All runs of one scenario, by kind of server."""

    scenario: Scenario
    runs: dict[str, list[Result]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)

    def is_hopeless(self, kind: str) -> bool:
        """Whether a server has failed too often to be tried again."""
        return len(self.failures.get(kind, [])) >= _ATTEMPTS

    def median(self, kind: str, measure: str) -> float | None:
        """Seconds, the median of the runs; None when there are none."""
        results = self.runs.get(kind)
        if not results:
            return None
        values = [each.cost.cpu_s if measure == "cpu" else each.seconds[measure] for each in results]
        return statistics.median(values)

    def ratio(self, measure: str, kind: str = REFERENCE) -> float | None:
        """How many times less time ours takes; below 1 it takes more."""
        ours, other = self.median(OURS, measure), self.median(kind, measure)
        return other / ours if ours and other else None

    def peak_bytes(self, kind: str) -> int:
        """The most memory of all runs."""
        return max((each.cost.peak_bytes for each in self.runs.get(kind, [])), default=0)


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ": unknown")
    return {
        "processor": model.partition(":")[2].strip(),
        "cores": str(len([line for line in _lines("/proc/cpuinfo") if line.startswith("processor")])),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "indigevent": _first_line([sys.executable, "-m", "indigevent", "--version"]),
        "indiserver": _reference_version(),
    }


def table(rows: Sequence[Row], style: str = "simple") -> str:
    """One line per scenario and measure."""
    lines = [line for row in rows for line in _lines_of(row)]
    heads = ["scenario", "measure", "ours", "reference", "ratio", "target", "relay", "peak MB, ours / reference"]
    return tabulate(lines, heads, tablefmt=style, disable_numparse=True)


def as_json(rows: Sequence[Row], extras: dict[str, Any]) -> str:
    """Every run's figures."""
    scenarios = {
        row.scenario.name: {
            "title": row.scenario.title,
            "targets": row.scenario.targets,
            "ratios": {measure: row.ratio(measure) for measure in _measures(row)},
            "runs": {kind: [asdict(each) for each in results] for kind, results in row.runs.items()},
            "failures": row.failures,
        }
        for row in rows
    }
    return json.dumps({"machine": machine(), "scenarios": scenarios, **extras}, indent=1)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Horizontal bars of the ratios, logarithmic, with the targets as ticks."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    shown = [(row, measure, ratio) for row in rows for measure in _measures(row) if (ratio := row.ratio(measure))]
    figure, axes = pyplot.subplots(figsize=(9, 0.34 * len(shown) + 1.2))
    labels = [f"{row.scenario.title}, {measure}" for row, measure, _ in shown]
    colours = ["#4a90b8" if measure != "cpu" else "#9db8c7" for _, measure, _ in shown]
    axes.barh(labels, [ratio for *_, ratio in shown], color=colours)
    for place, (row, measure, _) in enumerate(shown):
        if target := row.scenario.targets.get(measure):
            axes.plot([target, target], [place - 0.4, place + 0.4], color="#b03030")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("times less than indiserver takes (red: target)")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _lines_of(row: Row) -> list[list[str]]:
    lines = []
    for measure in _measures(row):
        ratio, target = row.ratio(measure), row.scenario.targets.get(measure)
        peaks = [row.peak_bytes(kind) / _MEGABYTE for kind in (OURS, REFERENCE)]
        lines.append(
            [
                "" if lines else row.scenario.title,
                measure,
                _shown(row.median(OURS, measure), row.failures.get(OURS)),
                _shown(row.median(REFERENCE, measure), row.failures.get(REFERENCE)),
                f"{ratio:.1f}x" if ratio else "",
                _target(ratio, target),
                _shown(row.median(RELAY, measure), row.failures.get(RELAY)),
                "" if lines else " / ".join(f"{peak:.0f}" for peak in peaks),
            ]
        )
    return lines


def _measures(row: Row) -> list[str]:
    results = next((results for results in row.runs.values() if results), [])
    return [*(results[0].seconds if results else {}), "cpu"]


def _target(ratio: float | None, target: float | None) -> str:
    if target is None or ratio is None:
        return "" if target is None else f"{target:g}x"
    return f"{target:g}x {'met' if ratio >= target else 'MISSED'}"


def _shown(seconds: float | None, failures: list[str] | None) -> str:
    if seconds is None:
        return "failed" if failures else ""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _first_line(words: list[str]) -> str:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().splitlines()[0]


def _reference_version() -> str:
    if shutil.which("indiserver") is None:
        return "not installed"
    result = subprocess.run(["indiserver", "-h"], capture_output=True, text=True, check=False)
    words = [line for line in (result.stdout + result.stderr).splitlines() if "ersion" in line or "Library" in line]
    return words[0].strip() if words else "unknown version"
