"""The dome: ways round, shutter, parking, following, and where its opening has to be."""

from __future__ import annotations

import math

import pytest

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.coordinates import horizontal
from indigevent.simulators.models.dome import DomeModel
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.slaving import Measurements, dome_azimuth


@pytest.fixture
def dome() -> DomeModel:
    return DomeModel(now=0.0)


@pytest.mark.parametrize(
    ("start", "target", "direction", "seconds"),
    [
        (0, 90, 1, 9),
        (0, 350, -1, 1),
        (350, 10, 1, 2),
        (10, 350, -1, 2),
        (0, 180, -1, 18),
        (90, 90, 0, 0),
        (0, 360, 0, 0),
    ],
)
def test_a_goto_takes_the_shortest_way(start: float, target: float, direction: int, seconds: float) -> None:
    dome = DomeModel(0.0, start)
    dome.go_to(target, 0.0)
    assert dome.direction(0.0) == direction
    assert dome.next_event(0.0) == (seconds or None)
    assert dome.azimuth(seconds) == target % 360
    assert dome.direction(seconds) == 0


def test_a_relative_turn_goes_the_way_it_is_told(dome: DomeModel) -> None:
    dome.turn(-30, 0.0)
    assert dome.azimuth(1.0) == 350
    assert dome.azimuth(99.0) == 330
    dome.turn(45, 99.0)
    assert dome.azimuth(200.0) == 15


def test_rotation_without_end_until_it_is_stopped(dome: DomeModel) -> None:
    dome.rotate(-1, 0.0)
    assert dome.direction(1000.0) == -1
    assert dome.next_event(0.0) is None
    assert dome.azimuth(37.0) == pytest.approx(350)
    dome.rotate(0, 38.0)
    assert dome.azimuth(99.0) == pytest.approx(340)
    dome.rotate(1, 100.0)
    dome.abort(101.0)
    assert dome.azimuth(200.0) == pytest.approx(350)


def test_a_new_goto_replaces_the_old(dome: DomeModel) -> None:
    dome.go_to(170, 0.0)
    dome.go_to(350, 2.0)
    assert dome.direction(2.0) == -1
    assert dome.azimuth(5.0) == 350


def test_the_shutter_takes_time_and_turns_back_half_way(dome: DomeModel) -> None:
    dome.move_shutter(True, 0.0)
    assert dome.is_shutter_moving(2.0)
    assert dome.opening(2.0) == pytest.approx(0.4)
    dome.move_shutter(False, 2.0)
    assert dome.next_event(2.0) == pytest.approx(4.0)
    assert dome.opening(4.0) == 0
    dome.move_shutter(True, 5.0)
    dome.abort(6.0)
    assert dome.opening(99.0) == pytest.approx(0.2)
    assert not dome.is_shutter_moving(99.0)


def test_parking_is_done_when_rotation_and_shutter_are(dome: DomeModel) -> None:
    dome.closes_when_parking = True
    dome.move_shutter(True, 0.0)
    dome.park_azimuth = 20
    dome.park(10.0)
    assert dome.parking(12.5) is Parking.PARKING
    assert dome.parking(15.0) is Parking.PARKED
    assert dome.azimuth(15.0) == 20
    assert dome.opening(15.0) == 0
    dome.park(16.0)
    assert dome.parking(16.0) is Parking.PARKED


def test_without_the_policy_the_shutter_stays(dome: DomeModel) -> None:
    dome.move_shutter(True, 0.0)
    dome.park(10.0)
    assert dome.parking(19.0) is Parking.PARKED
    assert dome.opening(19.0) == 1
    dome.unpark(20.0)
    assert dome.parking(20.0) is Parking.UNPARKED


def test_unparking_waits_for_the_shutter(dome: DomeModel) -> None:
    dome.opens_when_unparking = True
    dome.park(0.0)
    assert dome.parking(20.0) is Parking.PARKED
    dome.unpark(20.0)
    assert dome.parking(24.0) is Parking.UNPARKING
    dome.go_to(100, 24.0)
    assert dome.parking(25.0) is Parking.UNPARKED
    assert dome.opening(25.0) == 1


def test_a_parked_dome_refuses_to_move_but_opens_its_shutter(dome: DomeModel) -> None:
    dome.park(0.0)
    for now in (1.0, 20.0):
        for move, argument in ((dome.go_to, 10), (dome.turn, 10), (dome.rotate, 1)):
            with pytest.raises(Refusal, match="unpark it before moving"):
                move(argument, now)
    dome.move_shutter(True, 20.0)
    assert dome.parking(21.0) is Parking.PARKED
    assert dome.opening(25.0) == 1


def test_a_shutter_that_parking_closes_is_not_opened_meanwhile(dome: DomeModel) -> None:
    dome.closes_when_parking = True
    dome.park(0.0)
    with pytest.raises(Refusal, match="wait until it is parked"):
        dome.move_shutter(True, 1.0)


@pytest.mark.parametrize("command", ["abort", "unpark"])
def test_parking_is_given_up(dome: DomeModel, command: str) -> None:
    dome.rotate(1, 0.0)
    dome.park(27.0)  # from 270 back to 90
    getattr(dome, command)(28.0)
    assert dome.parking(28.0) is Parking.UNPARKED
    assert dome.direction(28.0) == 0


def test_abort_leaves_a_parked_dome_parked(dome: DomeModel) -> None:
    dome.park(0.0)
    dome.abort(20.0)
    assert dome.parking(20.0) is Parking.PARKED


def test_following_begins_beyond_the_threshold(dome: DomeModel) -> None:
    assert not dome.follow(5.0, 0.0)
    assert not dome.follow(355.0, 0.0)
    assert dome.follow(354.9, 0.0)
    assert not dome.follow(353.0, 0.1), "it goes there already"
    assert dome.azimuth(10.0) == pytest.approx(354.9)
    dome.rotate(1, 10.0)
    assert dome.follow(100.0, 11.0)
    assert dome.azimuth(99.0) == pytest.approx(100)
    dome.park(100.0)
    assert not dome.follow(200.0, 200.0)


def test_an_unmeasured_dome_looks_where_the_mount_does() -> None:
    assert dome_azimuth(-30, 20, 50, False, Measurements()) == horizontal(-30, 20, 50)[0]


def test_a_telescope_at_the_centre_looks_where_the_mount_does() -> None:
    for hour_angle in (-100, -30, 0.5, 80):
        azimuth = dome_azimuth(hour_angle, 20, 50, False, Measurements(radius=2))
        assert azimuth == pytest.approx(horizontal(hour_angle, 20, 50)[0])


def test_a_telescope_east_of_the_centre_looks_out_further_east() -> None:
    azimuth = dome_azimuth(0, 0, 0.001, True, Measurements(radius=2, east=1, up=0))  # straight up
    assert azimuth == pytest.approx(90, abs=0.1)
    azimuth = dome_azimuth(0, -40, 50, True, Measurements(radius=2, east=1))  # the southern horizon
    assert azimuth == pytest.approx(180 - 30)


def test_the_side_of_the_pier_is_the_side_of_the_telescope() -> None:
    measured = Measurements(radius=2, ota_offset=1)
    assert dome_azimuth(0, -40, 50, True, measured) == pytest.approx(180 - 30)
    assert dome_azimuth(0, -40, 50, False, measured) == pytest.approx(180 + 30)


def test_upward_displacement_and_northward() -> None:
    assert dome_azimuth(-90, 0, 0, False, Measurements(radius=2, north=1)) == pytest.approx(60)
    raised = Measurements(radius=2, up=math.sqrt(3), north=0.5)
    assert dome_azimuth(-90, 0, 0, False, raised) == pytest.approx(90 - 30)


def test_a_telescope_on_the_upper_end_of_the_declination_axis() -> None:
    half = math.sqrt(3) / 2  # together as high as where a dome of 2 m is 1 m wide
    measured = Measurements(radius=2, up=half, north=0.5, ota_offset=half)
    assert dome_azimuth(90, 0, 0, True, measured) == pytest.approx(270 + 30)


def test_a_telescope_outside_the_dome_is_refused() -> None:
    with pytest.raises(Refusal, match="outside the dome by DOME_MEASUREMENTS"):
        dome_azimuth(0, 0, 50, True, Measurements(radius=1, east=2))
