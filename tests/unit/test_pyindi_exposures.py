"""For how long an interpreter's end waits for an image."""

from __future__ import annotations

import pytest

from indigevent.client.model import Element, Property
from indigevent.compat.pyindi.exposures import Exposures
from indigevent.protocol.constants import Permission, PropertyState, VectorKind


def exposure(name: str = "CCD_EXPOSURE", duration_s: float = 3.0) -> Property:
    perm, elements = Permission.READ_WRITE, {"x": Element("x", "x", duration_s)}
    return Property("D", name, VectorKind.NUMBER, "", "", PropertyState.BUSY, perm, None, 60.0, "", "", elements)


def told(known: Property, state: PropertyState) -> None:
    known.state = state
    known.updates += 1


@pytest.fixture
def known() -> Property:
    return exposure()


@pytest.fixture
def exposures(known: Property) -> Exposures:
    made = Exposures()
    made.asked_for(known)
    return made


def test_it_waits_for_the_exposure_and_a_minute_for_the_download(exposures: Exposures) -> None:
    assert str(exposures) == "D.CCD_EXPOSURE"
    assert 60.0 < exposures.left_s() <= 63.0


def test_it_waits_on_after_an_old_message_that_the_driver_was_idle(exposures: Exposures, known: Property) -> None:
    told(known, PropertyState.OK)
    assert 0.0 < exposures.left_s() <= 5.0
    told(known, PropertyState.BUSY)
    assert exposures.left_s() > 60.0


def test_a_failed_exposure_is_not_waited_for(exposures: Exposures, known: Property) -> None:
    told(known, PropertyState.ALERT)
    assert exposures.left_s() == 0.0


def test_an_image_ends_the_waiting_for_what_was_asked_before_it(exposures: Exposures) -> None:
    before = exposures.answered("D", "CCD1")
    exposures.asked_for(exposure(duration_s=7.0))
    exposures.handled(before)
    assert exposures.left_s() > 63.0
    exposures.handled(exposures.answered("D", "CCD1"))
    assert exposures.left_s() == 0.0


def test_what_is_done_with_an_image_takes_its_time(exposures: Exposures, known: Property) -> None:
    exposures.answered("D", "CCD1")
    told(known, PropertyState.ALERT)
    assert exposures.left_s() > 63.0


def test_a_guide_image_is_not_the_main_camera_s(exposures: Exposures) -> None:
    exposures.asked_for(exposure("GUIDER_EXPOSURE", 1.0))
    exposures.handled(exposures.answered("D", "CCD2"))
    assert str(exposures) == "D.CCD_EXPOSURE"
    exposures.asked_for(exposure("GUIDER_EXPOSURE", 1.0))
    exposures.handled(exposures.answered("D", "CCD1"))
    assert str(exposures) == "D.GUIDER_EXPOSURE"


def test_other_commands_are_not_waited_for() -> None:
    exposures = Exposures()
    exposures.asked_for(exposure("CCD_TEMPERATURE"))
    assert exposures.left_s() == 0.0
