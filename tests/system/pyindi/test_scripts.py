"""Scripts that use PyIndi in the ways that people do, at both servers and, where it is there, with the real module."""

from __future__ import annotations

import os

import pytest

from .conftest import FOLDER, RUNNER, SCRIPTS, Observatories, Observatory, at_both, check_image, stop_once
from .test_surface import REAL


def check_alike(ours: str, theirs: str) -> None:
    """The same lines but for values that change by themselves, as a telescope's position, and folders."""
    mine, others = sorted(ours.splitlines()), sorted(theirs.splitlines())
    assert [line.split(" = ")[0] for line in mine] == [line.split(" = ")[0] for line in others]
    assert len(set(mine) & set(others)) > 0.9 * len(set(others)) > 100


def test_all_devices_and_properties_are_listed(observatories: Observatories) -> None:
    ours, theirs = (each.finish() for each in at_both(observatories, *RUNNER, SCRIPTS / "inventory.py"))
    check_alike(ours[0], theirs[0])
    output, errors = ours
    assert "\n  CCD_EXPOSURE: INDI_NUMBER in 'Main Control'\n    CCD_EXPOSURE_VALUE (Duration (s)) = 1\n" in output
    assert output.startswith("connected: localhost, True\nCCD Simulator\n")
    assert output.endswith("all were told: True\ndevices: 2 gone: 0\ndisconnected with 0: localhost, False\n")
    assert errors == ""


def test_what_is_listed_is_what_the_real_module_lists(observatories: Observatories) -> None:
    interpreter = os.environ.get(REAL)
    if not interpreter:
        pytest.skip(f"{REAL} names no interpreter that has pyindi-client")
    script = SCRIPTS / "inventory.py"
    for each in observatories:
        output, _ = each.start(*RUNNER, script).finish()
        check_alike(output, each.start(FOLDER / "real_script.py", script, interpreter=interpreter).finish()[0])


def test_callbacks_come_while_the_script_spins_and_control_c_ends_it(observatories: Observatories) -> None:
    for running in at_both(observatories, *RUNNER, SCRIPTS / "watch.py"):
        stop_once(running, "CCD_EXPOSURE_VALUE [Duration (s)] is ")


def slews(observatory: Observatory, hours: float, degrees: float) -> None:
    """Wait until the telescope says that it is on its way there."""
    told = {}
    while told != {"RA": hours, "DEC": degrees}:
        target = observatory.telescope.told("TARGET_EOD_COORD")
        told = {name: float(value) for name, value in target.items()}


def tracks(observatory: Observatory) -> None:
    observatory.telescope.told("TELESCOPE_TRACK_STATE", state="Busy")


def test_switches_set_by_index_and_by_name_reach_the_driver(observatories: Observatories) -> None:
    for running in at_both(observatories, *RUNNER, SCRIPTS / "track.py"):
        assert running.finish() == ("", "")
    for each in observatories:
        tracks(each)


def test_numbers_set_by_index_and_by_name_reach_the_driver(observatories: Observatories) -> None:
    for running in at_both(observatories, *RUNNER, SCRIPTS / "slew.py"):
        assert running.finish() == ("", "")
    for each in observatories:
        slews(each, 4.25, -20.5)


def test_an_image_is_saved_although_the_script_ends_before_it_comes(observatories: Observatories) -> None:
    for running in at_both(observatories, *RUNNER, SCRIPTS / "snapshot.py"):
        assert check_image(running, "snapshot.fits").startswith("wrote ")
    for each in observatories:
        slews(each, 7.5, 12.0)


def test_an_element_that_there_is_not_is_none_and_named_in_the_log(observatories: Observatories) -> None:
    for running in at_both(observatories, *RUNNER, SCRIPTS / "mistaken.py"):
        errors = running.finish(status=1)[1]
        assert "CCD Simulator.CCD_EXPOSURE has no element CCD_TEMPERATURE_VALUE; it has CCD_EXPOSURE_VALUE" in errors
        assert errors.endswith("AttributeError: 'NoneType' object has no attribute 'setValue'\n")
