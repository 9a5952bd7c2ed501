"""The README's tables of the simulators against what libindi's and ours define, property by property.

`python -m tests.system.test_readme_simulators` prints the rows of the first table anew.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE
from tests.lab.vocabulary import EVERYTHING
from tests.unit.test_readme import README

CONNECT = "<newSwitchVector device='{}' name='CONNECTION'><oneSwitch name='CONNECT'>On</oneSwitch></newSwitchVector>"
ALL = "all"


@dataclass(frozen=True)
class Pair:
    """A simulator of ours and its counterpart in libindi."""

    driver: str
    program: str


PAIRS = {
    "telescope": Pair("telescope:TelescopeSimulator", "indi_simulator_telescope"),
    "camera": Pair("ccd:CCDSimulator", "indi_simulator_ccd"),
    "focuser": Pair("focuser:FocuserSimulator", "indi_simulator_focus"),
    "filter wheel": Pair("wheel:FilterWheelSimulator", "indi_simulator_wheel"),
    "dome": Pair("dome:DomeSimulator", "indi_simulator_dome"),
    "weather station": Pair("weather:WeatherSimulator", "indi_simulator_weather"),
}


def names(lab: Lab, driver: str) -> set[str]:
    """What a driver defines, before and after it is connected."""
    home = lab.folder / driver.rpartition(":")[2]
    home.mkdir()
    client = lab.client(lab.server(driver, HOME=str(home)), driver, EVERYTHING)
    device = client.expect("defSwitchVector", name="CONNECTION").attributes["device"]
    client.send(CONNECT.format(device))
    connected(client)
    client.send(CONNECT.format(device))  # answered when all that belongs to the first is done
    connected(client)
    lab.settle()
    return {m.attributes["name"] for m in client.inbox if m.tag.startswith("def") and m.attributes["device"] == device}


def connected(client: ScriptedClient) -> None:
    client.expect("setSwitchVector", name="CONNECTION", state="Ok")


def both(lab: Lab, pair: Pair) -> tuple[set[str], set[str]]:
    """The names of ours, and of libindi's."""
    return names(lab, f"indigevent.simulators.{pair.driver}"), names(lab, pair.program)


def words(text: str) -> set[str]:
    """The property names in a cell of a table; `PREFIX_*` stands for all that begin so."""
    return set(re.findall(r"`([\w*]+)`", text))


def as_row(simulator: str, ours: set[str], theirs: set[str]) -> str:
    """A simulator's row in the table of properties that are there."""
    pair = PAIRS[simulator]
    return f"| {simulator} | `{pair.driver}`, `{pair.program}` | {cell(ours & theirs)} | {cell(ours - theirs)} |"


def cell(properties: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(properties)) or "none"


def section(title: str) -> list[str]:
    """The rows of the table under a heading of the README."""
    part = README.read_text(encoding="utf-8").split(f"\n### {title}\n")[1].split("\n#")[0]
    return [line for line in part.splitlines() if line.startswith("| ")][2:]


def present(simulator: str) -> str:
    """A simulator's row as it stands in the README."""
    (found,) = [line for line in section("The simulators' properties") if line.startswith(f"| {simulator} |")]
    return found


def left_out(simulator: str) -> set[str]:
    """What the README says is left out of a simulator, with a reason for each."""
    rows = [line.strip("| ").split(" | ") for line in section("What is left out of the simulators")]
    assert all(len(cells) == 3 and len(cells[2]) > 10 for cells in rows)
    return set().union(*(words(cells[1]) for cells in rows if {simulator, ALL} & set(cells[0].split(", "))))


def matches(name: str, patterns: set[str]) -> bool:
    return any(re.fullmatch(pattern.replace("*", r"\w*"), name) for pattern in patterns)


@pytest.mark.skipif(shutil.which("indiserver") is None, reason="indi-bin is not installed")
@pytest.mark.skipif(importlib.util.find_spec("astropy") is None, reason="astropy is not installed")
@pytest.mark.parametrize("simulator", PAIRS)
def test_every_property_is_there_or_left_out_for_a_reason(simulator: str, lab: Lab) -> None:
    ours, theirs = both(lab, PAIRS[simulator])
    assert present(simulator) == as_row(simulator, ours, theirs)
    reasons = left_out(simulator)
    assert {name for name in theirs - ours if not matches(name, reasons)} == set(), "no reason in the README"
    assert not {name for name in ours if matches(name, reasons)}, "the README says that it is left out"


def main() -> None:
    """Print the rows of all simulators, or of those that the command line names."""
    for simulator in sys.argv[1:] or PAIRS:
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(CANDIDATE, Path(folder))
            try:
                print(as_row(simulator, *both(lab, PAIRS[simulator])))
            finally:
                lab.close()


if __name__ == "__main__":
    main()
