"""The examples of pyindi-client's README, taken out of a copy of it: they are GPL and no part of this repository.

INDIGEVENT_PYINDI_README names the copy. Complete scripts run as they are; fragments in a context that supplies only the
names that they leave undefined.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import FOLDER, RUNNER, Observatories, Started, at_both, check_image, stop_once

COPY = "INDIGEVENT_PYINDI_README"
Run = Callable[[int], list[Started]]


@pytest.fixture(scope="module")
def examples() -> list[str]:
    """The README's Python blocks; without them no server need be started."""
    copy = os.environ.get(COPY)
    if not copy:
        pytest.skip(f"{COPY} names no copy of pyindi-client's README")
    found = re.findall(r"^```python\n(.*?)^```$", Path(copy).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == 8, f"{copy} has {len(found)} Python blocks; the README of pyindi-client 2.3.0 has 8"
    return found


@pytest.fixture
def run(examples: list[str], observatories: Observatories, tmp_path: Path) -> Run:
    """Give a function that starts one of the README's Python blocks, counted from 0, at both servers."""

    def start(number: int) -> list[Started]:
        path = tmp_path / "example.py"
        path.write_text(examples[number], encoding="utf-8")
        words = RUNNER if "setServer" in examples[number] else (FOLDER / "fragment.py",)
        return at_both(observatories, *words, path)

    return start


def test_devices_and_properties_are_listed(run: Run) -> None:
    (ours, errors), (theirs, _) = (each.finish() for each in run(0))
    assert {line.split(" = ")[0] for line in ours.splitlines()} == {
        line.split(" = ")[0] for line in theirs.splitlines()
    }
    assert "   > CCD_EXPOSURE INDI_NUMBER\n       CCD_EXPOSURE_VALUE(Duration (s)) = 1.0\n" in ours
    assert "Server disconnected (exit code = 0,localhost:7624)" in errors


def test_setting_an_element_that_there_is_not_fails_as_with_the_real_module(run: Run) -> None:
    for running in run(1):
        errors = running.finish(status=1)[1]
        assert "CCD Simulator.CCD_EXPOSURE has no element CCD_TEMPERATURE_VALUE; it has CCD_EXPOSURE_VALUE" in errors
        assert errors.endswith("AttributeError: 'NoneType' object has no attribute 'setValue'\n")


def test_callbacks_come_until_control_c(run: Run) -> None:
    for running in run(2):
        stop_once(running, "CCD_EXPOSURE_VALUE (Duration (s)) = ")


@pytest.mark.parametrize("number", [3, 4, 5], ids=["BLOB mode", "tracking", "slewing"])
def test_fragments_end_well(run: Run, number: int) -> None:
    for running in run(number):
        assert running.finish() == ("", "")


def test_an_image_is_saved(run: Run) -> None:
    for running in run(6):
        assert check_image(running, "image.fits") == "Saved image.fits\n"


def test_the_automation_saves_its_image(run: Run) -> None:
    # Takes 13 s: the script sleeps for 10 s and exposes for 3 s, and it is not ours to change.
    for running in run(7):
        assert re.fullmatch(r"Saved capture_\d+\.fits\n", check_image(running, "capture_*.fits"))
