"""The mount under its sky: gotos, tracking, sides of the pier, guiding, parking, limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indigevent.simulators.models import Refusal
from indigevent.simulators.models.coordinates import SIDEREAL_DEGREES_PER_SECOND, signed
from indigevent.simulators.models.mount import MountModel
from indigevent.simulators.models.parking import Parking
from indigevent.simulators.models.pointing import PierSide
from indigevent.simulators.models.rates import SLEW_RATES, Direction, TrackMode

UTC = 1_735_689_600.0  # 2025-01-01 00:00
SIDEREAL_ARCSEC = 15.0410671787
A_LONG_TIME = 120.0


@pytest.fixture
def mount() -> MountModel:
    return MountModel(now=0.0, utc=UTC, latitude=50.0, longitude=10.0)


def ra_at(mount: MountModel, hour_angle: float) -> float:
    """Return the right ascension that has an hour angle, in degrees, at the time of the last advance."""
    return (mount.sidereal_degrees - hour_angle) % 360 / 15


def tracking(mount: MountModel, hour_angle: float, declination: float) -> float:
    """Slew the mount there; return the time when it has arrived."""
    mount.go_to(ra_at(mount, hour_angle), declination, 0.0)
    mount.advance(A_LONG_TIME)
    assert mount.is_tracking
    mount.take_notices()
    return A_LONG_TIME


def ra_arcsec(mount: MountModel, since: float) -> float:
    return signed((mount.right_ascension - since) * 15) * 3600


def test_starts_at_the_pole_unparked_and_standing(mount: MountModel) -> None:
    assert mount.declination == 90.0
    assert mount.parking is Parking.UNPARKED
    assert not mount.is_tracking
    assert mount.azimuth_altitude[1] == pytest.approx(50.0)


def test_the_clock_of_the_mount_is_utc_whatever_the_monotonic_clock_says() -> None:
    mount = MountModel(now=5000.0, utc=UTC)
    assert mount.utc == UTC
    mount.advance(5010.0)
    assert mount.utc == UTC + 10
    mount.set_utc(UTC + 7, 5020.0)
    mount.advance(5021.0)
    assert mount.utc == UTC + 8


def test_goto_arrives_where_it_was_sent_and_tracks(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    assert mount.is_slewing
    end = mount.next_event()
    assert end is not None
    assert 10 < end < 60
    mount.advance(end / 2)
    assert mount.is_slewing
    assert not mount.is_tracking
    mount.advance(end)
    assert not mount.is_slewing
    assert mount.take_notices() == ["The slew is complete, the mount tracks."]
    assert mount.take_notices() == []
    for later in (end, end + 3600):
        mount.advance(later)
        assert (mount.right_ascension, mount.declination) == pytest.approx((6.0, 20.0), abs=1e-6)


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_the_way_does_not_depend_on_how_often_it_is_asked(mount: MountModel, steps: int) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    for step in range(1, steps + 1):
        mount.advance(9.0 * step / steps)
    there = MountModel(now=0.0, utc=UTC, latitude=50.0, longitude=10.0)
    there.go_to(6.0, 20.0, 0.0)
    there.advance(9.0)
    assert mount.declination == pytest.approx(there.declination, abs=1e-9)
    assert mount.right_ascension == pytest.approx(there.right_ascension, abs=1e-9)


def test_an_axis_that_arrives_first_waits_under_the_target(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 80.0)
    ra = ra_at(mount, 31.0)
    mount.go_to(ra, 0.0, now)
    mount.advance(now + 8)
    assert mount.is_slewing
    assert mount.right_ascension == pytest.approx(ra, abs=1e-9)
    assert mount.declination == pytest.approx(80 - 8 * 6.0)


def test_goto_without_tracking_lets_the_sky_go_by(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0, tracks_then=False)
    mount.advance(A_LONG_TIME)
    assert mount.take_notices() == ["The slew is complete, the mount stands."]
    arrived = mount.right_ascension
    mount.advance(A_LONG_TIME + 10)
    assert ra_arcsec(mount, arrived) == pytest.approx(10 * SIDEREAL_ARCSEC, abs=0.001)
    assert mount.declination == 20.0


@pytest.mark.parametrize("ra", [0.0, 23.9999999, 24.0])
def test_right_ascension_is_below_24_hours(mount: MountModel, ra: float) -> None:
    mount.go_to(ra, 60.0, 0.0)
    mount.advance(A_LONG_TIME)
    assert 0 <= mount.right_ascension < 24
    assert ra_arcsec(mount, ra) == pytest.approx(0, abs=0.001)


def test_right_ascension_wraps_at_24_hours(mount: MountModel) -> None:
    mount.go_to(23.9999, 60.0, 0.0, tracks_then=False)
    mount.advance(A_LONG_TIME)
    assert mount.right_ascension == pytest.approx(0.0, abs=0.04)
    mount.advance(A_LONG_TIME + 360)
    assert mount.right_ascension == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize(("hour_angle", "side"), [(-30, PierSide.WEST), (30, PierSide.EAST), (0.001, PierSide.EAST)])
def test_a_goto_chooses_the_side_of_the_pier(mount: MountModel, hour_angle: float, side: PierSide) -> None:
    tracking(mount, hour_angle, 20.0)
    assert mount.side is side


@pytest.mark.parametrize(("latitude", "pole"), [(50.0, 90.0), (-35.0, -90.0)])
def test_a_change_of_side_goes_over_the_pole(latitude: float, pole: float) -> None:
    mount = MountModel(now=0.0, utc=UTC, latitude=latitude)
    now = tracking(mount, -10.0, 5.0)
    mount.go_to(ra_at(mount, 10.0), 5.0, now)
    nearest = 180.0
    while mount.is_slewing:
        now += 0.1
        mount.advance(now)
        nearest = min(nearest, abs(mount.declination - pole))
    assert nearest < 1
    assert mount.side is PierSide.EAST
    assert mount.declination == 5.0


def test_a_goto_to_the_same_place_after_the_meridian_flips(mount: MountModel) -> None:
    now = tracking(mount, -2.0, 20.0)
    ra = mount.right_ascension
    mount.advance(now + 1200)
    assert mount.hour_angle > 0
    assert mount.side is PierSide.WEST
    mount.go_to(ra, 20.0, now + 1200)
    mount.advance(now + 1200 + A_LONG_TIME)
    assert mount.side is PierSide.EAST
    assert mount.right_ascension == pytest.approx(ra, abs=1e-6)


def test_tracking_stops_past_the_meridian(mount: MountModel) -> None:
    now = tracking(mount, -2.0, 20.0)
    mount.advance(now + 3600)
    assert mount.is_tracking
    mount.advance(now + 2 * 3600)
    assert not mount.is_tracking
    (notice,) = mount.take_notices()
    assert notice.startswith("The mount stopped: it is 28.")
    assert notice.endswith("° past the meridian, the limit is 15.0°.")
    with pytest.raises(Refusal, match=r"may not point there: it is .* past the meridian"):
        mount.track(True, now + 7201)


def test_tracking_stops_at_the_horizon(mount: MountModel) -> None:
    now = tracking(mount, 85.0, 0.0)
    mount.advance(now + 600)
    assert mount.is_tracking
    mount.advance(now + 1300)
    assert not mount.is_tracking
    assert "below the limit of 0.0°" in mount.take_notices()[0]


@pytest.mark.parametrize("declination", [-80.0, -40.1])
def test_a_goto_below_the_horizon_is_refused(mount: MountModel, declination: float) -> None:
    with pytest.raises(Refusal, match=r"may not point there: altitude .* is below the limit"):
        mount.go_to(ra_at(mount, 0), declination, 0.0)
    assert not mount.is_slewing


def test_a_new_goto_replaces_the_old(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    mount.go_to(7.0, 30.0, 3.0)
    mount.advance(A_LONG_TIME)
    assert (mount.right_ascension, mount.declination) == pytest.approx((7.0, 30.0), abs=1e-6)
    assert len(mount.take_notices()) == 1


def test_abort_stops_and_gives_back_the_tracking_of_before(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    mount.abort(3.0)
    assert not mount.is_slewing
    assert not mount.is_tracking
    now = tracking(mount, 30.0, 20.0)
    mount.go_to(ra_at(mount, 40.0), 50.0, now)
    mount.go_to(ra_at(mount, 50.0), 50.0, now + 1)
    mount.abort(now + 2)
    assert mount.is_tracking
    stopped = mount.right_ascension
    mount.advance(now + 60)
    assert mount.right_ascension == pytest.approx(stopped, abs=1e-6)


def test_tracking_switched_during_a_slew_is_for_the_arrival(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    mount.track(False, 1.0)
    assert mount.is_slewing
    mount.advance(A_LONG_TIME)
    assert not mount.is_tracking


def test_sync_shifts_the_coordinates(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    ra = mount.right_ascension
    mount.sync(ra + 0.1, 20.5, now)
    assert (mount.right_ascension, mount.declination) == pytest.approx((ra + 0.1, 20.5), abs=1e-6)
    assert mount.is_tracking
    mount.go_to(ra, 20.0, now)
    mount.advance(now + A_LONG_TIME)
    assert (mount.right_ascension, mount.declination) == pytest.approx((ra, 20.0), abs=1e-6)


def test_sync_keeps_the_side_where_it_can(mount: MountModel) -> None:
    now = tracking(mount, -1.0, 20.0)
    mount.sync(ra_at(mount, 2.0), 20.0, now)
    assert mount.side is PierSide.WEST
    mount.sync(ra_at(mount, 40.0), 20.0, now)
    assert mount.side is PierSide.EAST


def test_sync_is_refused_while_slewing_and_below_the_horizon(mount: MountModel) -> None:
    with pytest.raises(Refusal, match="below the limit"):
        mount.sync(6.0, -80.0, 0.0)
    mount.go_to(6.0, 20.0, 0.0)
    with pytest.raises(Refusal, match="slewing"):
        mount.sync(6.0, 20.0, 1.0)


@pytest.mark.parametrize(
    ("mode", "drift"),
    [(TrackMode.SIDEREAL, 0.0), (TrackMode.SOLAR, 0.0410671787), (TrackMode.LUNAR, 0.5490)],
)
def test_sun_and_moon_drift_eastward(mount: MountModel, mode: TrackMode, drift: float) -> None:
    now = tracking(mount, 30.0, 20.0)
    ra = mount.right_ascension
    mount.set_track_mode(mode, now)
    mount.advance(now + 1000)
    assert ra_arcsec(mount, ra) == pytest.approx(drift * 1000, abs=0.1)


def test_custom_rates_move_both_axes(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    ra = mount.right_ascension
    mount.set_custom_rate(SIDEREAL_ARCSEC + 2.0, -1.0, now)
    mount.advance(now + 10)
    assert ra_arcsec(mount, ra) == pytest.approx(0.0, abs=0.001)
    mount.set_track_mode(TrackMode.CUSTOM, now + 10)
    mount.advance(now + 20)
    assert ra_arcsec(mount, ra) == pytest.approx(-20.0, abs=0.001)
    assert (mount.declination - 20.0) * 3600 == pytest.approx(-10.0, abs=0.001)


@pytest.mark.parametrize("hour_angle", [-30.0, 30.0])
@pytest.mark.parametrize(
    ("direction", "ra", "dec"),
    [
        (Direction.NORTH, 0, 1),
        (Direction.SOUTH, 0, -1),
        (Direction.WEST, -1, 0),
        (Direction.EAST, 1, 0),
    ],
)
def test_guide_pulses_have_their_length_on_either_side(
    mount: MountModel, hour_angle: float, direction: Direction, ra: int, dec: int
) -> None:
    now = tracking(mount, hour_angle, 20.0)
    before = mount.right_ascension
    mount.guide_rates[direction.axis] = 0.4
    mount.pulse(direction, 500, now)
    assert mount.is_pulsing(direction.axis)
    assert not mount.is_pulsing(1 - direction.axis)
    assert mount.next_event() == now + 0.5
    mount.advance(now + 5)
    assert not mount.is_pulsing(direction.axis)
    length = 0.5 * 0.4 * SIDEREAL_ARCSEC
    assert ra_arcsec(mount, before) == pytest.approx(ra * length, abs=0.001)
    assert (mount.declination - 20) * 3600 == pytest.approx(dec * length, abs=0.001)


def test_pulses_on_both_axes_at_once_and_cut_short(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    before = mount.right_ascension
    mount.pulse(Direction.NORTH, 1000, now)
    mount.pulse(Direction.WEST, 2000, now)
    mount.pulse(Direction.NORTH, 0, now + 0.5)
    mount.advance(now + 1)
    assert mount.is_pulsing(Direction.WEST.axis)
    mount.advance(now + 3)
    assert (mount.declination - 20) * 3600 == pytest.approx(0.25 * SIDEREAL_ARCSEC, abs=0.001)
    assert ra_arcsec(mount, before) == pytest.approx(-SIDEREAL_ARCSEC, abs=0.001)


def test_the_next_event_is_the_earliest(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    assert mount.next_event() is None
    mount.pulse(Direction.NORTH, 1000, now)
    mount.pulse(Direction.WEST, 400, now)
    assert mount.next_event() == now + 0.4
    mount.advance(now + 0.5)
    assert mount.next_event() == now + 1.0


COMMANDS = {
    "go_to": lambda mount, now: mount.go_to(6.0, 40.0, now),
    "sync": lambda mount, now: mount.sync(6.0, 40.0, now),
    "park": lambda mount, now: mount.park(now),
    "unpark": lambda mount, now: mount.unpark(now),
    "park_here": lambda mount, now: mount.park_here(now),
    "track": lambda mount, now: mount.track(False, now),
    "set_track_mode": lambda mount, now: mount.set_track_mode(TrackMode.SOLAR, now),
    "set_custom_rate": lambda mount, now: mount.set_custom_rate(1.0, 1.0, now),
    "set_site": lambda mount, now: mount.set_site(40.0, 10.0, now),
    "set_utc": lambda mount, now: mount.set_utc(UTC + now, now),
    "move": lambda mount, now: mount.move(Direction.SOUTH, 1.0, now),
    "halt": lambda mount, now: mount.halt(0, now),
    "pulse": lambda mount, now: mount.pulse(Direction.SOUTH, 100.0, now),
    "abort": lambda mount, now: mount.abort(now),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_lets_the_time_before_it_pass(
    mount: MountModel, command: Callable[[MountModel, float], None]
) -> None:
    """What happened before a command follows the rates of before it."""
    now = tracking(mount, 30.0, 20.0)
    mount.move(Direction.NORTH, 1.0, now)
    command(mount, now + 3)
    assert mount.utc == UTC + now + 3
    if command is not COMMANDS["sync"]:
        assert mount.declination == pytest.approx(23.0)


def test_motion_by_hand_until_it_is_ended(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    mount.move(Direction.NORTH, 1.0, now)
    mount.move(Direction.EAST, 2.0, now)
    assert mount.is_moving(0)
    assert mount.is_moving(1)
    before = mount.right_ascension
    mount.halt(1, now + 3)
    assert not mount.is_moving(1)
    mount.halt(0, now + 4)
    mount.advance(now + 60)
    assert mount.declination == pytest.approx(23.0)
    assert ra_arcsec(mount, before) / 3600 == pytest.approx(8.0, abs=1e-6)
    assert mount.is_tracking


def test_motion_by_hand_ends_at_the_pole_and_at_the_horizon(mount: MountModel) -> None:
    now = tracking(mount, 10.0, 80.0)
    mount.move(Direction.NORTH, 6.0, now)
    mount.advance(now + 10)
    assert mount.declination == 90.0
    mount.move(Direction.SOUTH, 6.0, now + 10)
    for second in range(11, 60):
        mount.advance(now + second)
    assert not mount.is_moving(1)
    assert mount.azimuth_altitude[1] == pytest.approx(0, abs=8)
    assert "below the limit" in mount.take_notices()[0]
    assert not mount.is_tracking
    mount.move(Direction.NORTH, 6.0, now + 60)
    mount.advance(now + 61)
    assert mount.is_moving(1), "it can be moved back in"


def test_a_limit_ends_motion_on_both_axes_and_pulses(mount: MountModel) -> None:
    now = tracking(mount, 80.0, 5.0)
    mount.move(Direction.WEST, 6.0, now)
    mount.move(Direction.SOUTH, 0.1, now)
    mount.pulse(Direction.NORTH, 60_000, now)
    mount.advance(now + 10)
    assert not mount.is_moving(0)
    assert not mount.is_moving(1)
    assert not mount.is_pulsing(1)
    stopped = mount.hour_angle, mount.declination
    mount.advance(now + 20)
    assert (mount.hour_angle, mount.declination) == stopped


def test_four_slew_rates_each_faster() -> None:
    assert sorted(SLEW_RATES) == list(SLEW_RATES)
    assert SLEW_RATES[0] == SIDEREAL_DEGREES_PER_SECOND


def test_park_and_unpark(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    mount.park(now)
    assert mount.parking is Parking.PARKING
    assert not mount.is_tracking
    mount.advance(now + A_LONG_TIME)
    assert mount.parking is Parking.PARKED
    assert mount.take_notices() == ["The mount is parked."]
    assert mount.declination == 90.0
    assert mount.hour_angle == pytest.approx(-90.0)
    mount.advance(now + 2 * A_LONG_TIME)
    assert mount.hour_angle == pytest.approx(-90.0)
    mount.park(now + 2 * A_LONG_TIME)
    assert mount.parking is Parking.PARKED
    mount.unpark(now + 3 * A_LONG_TIME)
    assert mount.parking is Parking.UNPARKED
    assert not mount.is_tracking


def test_a_parked_mount_refuses_everything_that_moves_it(mount: MountModel) -> None:
    mount.park(0.0)
    mount.advance(A_LONG_TIME)
    now = A_LONG_TIME
    commands = {
        "slew": lambda: mount.go_to(6.0, 20.0, now),
        "sync": lambda: mount.sync(6.0, 20.0, now),
        "track": lambda: mount.track(True, now),
        "move": lambda: mount.move(Direction.NORTH, 1.0, now),
        "guide": lambda: mount.pulse(Direction.NORTH, 100, now),
    }
    for verb, command in commands.items():
        with pytest.raises(Refusal, match=f"The mount is parked: unpark it before it can {verb}"):
            command()
    mount.track(False, now)
    mount.abort(now)
    assert mount.parking is Parking.PARKED


def test_park_while_slewing_and_abort_while_parking(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    mount.go_to(ra_at(mount, 60.0), 40.0, now)
    mount.park(now + 1)
    for refused in (lambda: mount.unpark(now + 2), lambda: mount.go_to(6.0, 20.0, now + 2)):
        with pytest.raises(Refusal, match="on its way to the park position"):
            refused()
    mount.abort(now + 3)
    assert mount.parking is Parking.UNPARKED
    assert not mount.is_slewing
    assert mount.is_tracking, "as before the slew"
    mount.park(now + 4)
    mount.advance(now + A_LONG_TIME)
    assert mount.parking is Parking.PARKED


def test_park_positions_current_and_chosen(mount: MountModel) -> None:
    now = tracking(mount, -30.0, 20.0)
    mount.park_here(now)
    assert mount.park_position == (mount.hour_angle / 15, 20.0)
    assert mount.park_position[0] == pytest.approx(-2.0, abs=0.05)
    mount.park_position = (5.0, -45.0)  # below the horizon: it is parked where told
    mount.park(now)
    mount.advance(now + A_LONG_TIME)
    assert (mount.hour_angle, mount.declination) == (75.0, -45.0)
    assert mount.side is PierSide.EAST
    mount.park_position = mount.default_park_position
    assert mount.park_position == (-6.0, 90.0)


def test_what_cannot_be_done_while_slewing(mount: MountModel) -> None:
    mount.go_to(6.0, 20.0, 0.0)
    refused = [
        lambda: mount.move(Direction.WEST, 1.0, 1.0),
        lambda: mount.pulse(Direction.WEST, 100, 1.0),
        lambda: mount.set_utc(UTC, 1.0),
        lambda: mount.set_site(10.0, 10.0, 1.0),
    ]
    for command in refused:
        with pytest.raises(Refusal, match="slewing"):
            command()


def test_site_and_clock_move_the_sky_not_the_mount(mount: MountModel) -> None:
    now = tracking(mount, 30.0, 20.0)
    ra = mount.right_ascension
    mount.set_utc(mount.utc + 86164.0905 / 24, now)
    assert mount.hour_angle == pytest.approx(30.0, abs=1e-2 + now * SIDEREAL_DEGREES_PER_SECOND)
    assert ra_arcsec(mount, ra) / 3600 == pytest.approx(15.0, abs=0.001)
    mount.set_site(50.0, 40.0, now)
    assert ra_arcsec(mount, ra) / 3600 == pytest.approx(45.0, abs=0.001)
    assert mount.declination == 20.0


def test_a_mount_still_at_home_follows_to_the_other_pole(mount: MountModel) -> None:
    mount.set_site(-35.0, 10.0, 0.0)
    assert mount.declination == -90.0
    assert mount.park_position == (-6.0, -90.0)
    assert mount.azimuth_altitude[1] == pytest.approx(35.0)


def test_a_chosen_park_position_survives_a_change_of_site(mount: MountModel) -> None:
    mount.park_position = (1.0, 30.0)
    mount.set_site(-35.0, 10.0, 0.0)
    assert mount.park_position == (1.0, 30.0)
