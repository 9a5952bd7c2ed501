"""Focuser, filter wheel, weather, cooler and exposures as models."""

from __future__ import annotations

import math

import pytest

from indigevent.protocol.constants import PropertyState
from indigevent.simulators.models import Refusal
from indigevent.simulators.models.cooler import CoolerModel
from indigevent.simulators.models.exposure import Exposure, FrameRate
from indigevent.simulators.models.focuser import FocuserModel
from indigevent.simulators.models.travel import Travel
from indigevent.simulators.models.weather import PARAMETERS, Range, WeatherModel
from indigevent.simulators.models.wheel import WheelModel

OK, BUSY, ALERT = PropertyState.OK, PropertyState.BUSY, PropertyState.ALERT


def test_a_way_without_end() -> None:
    way = Travel(10.0, -math.inf, 2.0, 5.0)
    assert way.position(4.0) == 10.0
    assert way.position(8.0) == 4.0
    assert way.is_under_way(1e9)


# Focuser.


@pytest.fixture
def focuser() -> FocuserModel:
    return FocuserModel(now=0.0)


def test_the_focuser_takes_its_time_both_ways(focuser: FocuserModel) -> None:
    focuser.go_to(60_000, 0.0)
    assert focuser.end == 2.0
    assert focuser.is_moving(1.9)
    assert focuser.position(1.0) == 55_000
    assert focuser.position(9.0) == 60_000
    focuser.move(-5000, 10.0)
    assert focuser.position(10.5) == 57_500
    assert focuser.target == focuser.position(11.0) == 55_000
    assert not focuser.is_moving(11.0)


@pytest.mark.parametrize("position", [-1, 100_001, -0.6])
def test_the_focuser_stays_within_its_range(focuser: FocuserModel, position: float) -> None:
    with pytest.raises(Refusal, match="is not from 0 to 100000"):
        focuser.go_to(position, 0.0)
    with pytest.raises(Refusal, match="is not from 0 to 100000"):
        focuser.move(position - 50_000, 0.0)
    assert not focuser.is_moving(0.0)


@pytest.mark.parametrize("position", [0, 100_000])
def test_the_ends_of_the_range_are_reached(focuser: FocuserModel, position: int) -> None:
    focuser.go_to(position, 0.0)
    assert focuser.position(99.0) == position


def test_the_focuser_stops_when_aborted(focuser: FocuserModel) -> None:
    focuser.go_to(60_000, 0.0)
    focuser.abort(0.5)
    assert not focuser.is_moving(0.5)
    assert focuser.position(9.0) == 52_500


def test_speed_counts_on_a_way_already_begun(focuser: FocuserModel) -> None:
    focuser.set_speed(2, 0.0)
    assert not focuser.is_moving(0.0)
    focuser.go_to(70_000, 0.0)
    assert focuser.end == 2.0
    focuser.set_speed(1, 1.0)
    assert focuser.end == 3.0
    assert focuser.position(2.0) == 65_000


def test_the_limit_cannot_go_below_where_the_focuser_is_or_goes(focuser: FocuserModel) -> None:
    with pytest.raises(Refusal, match="cannot be below 50000"):
        focuser.set_max_position(49_999, 0.0)
    focuser.go_to(60_000, 0.0)
    with pytest.raises(Refusal, match="cannot be below 60000"):
        focuser.set_max_position(55_000, 0.0)
    focuser.set_max_position(60_000, 0.0)
    with pytest.raises(Refusal):
        focuser.go_to(60_001, 5.0)


def test_backlash_is_taken_up_once_per_turn(focuser: FocuserModel) -> None:
    focuser.backlash_steps = 500
    focuser.go_to(51_000, 0.0)  # outward, as it begins
    assert focuser.end == pytest.approx(0.2)
    focuser.go_to(50_000, 1.0)
    assert focuser.position(1.1) == 51_000
    assert focuser.end == pytest.approx(1.3)
    focuser.go_to(49_000, 2.0)
    assert focuser.end == pytest.approx(2.2)
    focuser.go_to(49_000, 3.0)
    assert not focuser.is_moving(3.0)
    focuser.go_to(50_000, 4.0)
    assert focuser.end == pytest.approx(4.3)


def test_sync_renames_the_position(focuser: FocuserModel) -> None:
    focuser.sync(1234, 0.0)
    assert focuser.position(0.0) == 1234
    focuser.sync(0, 0.0)
    assert focuser.position(0.0) == 0
    with pytest.raises(Refusal, match="is not from 0"):
        focuser.sync(-1, 0.0)
    focuser.go_to(10_000, 0.0)
    with pytest.raises(Refusal, match="moving"):
        focuser.sync(0, 0.1)


# Wheel.


@pytest.mark.parametrize(
    ("start", "target", "steps", "passed"), [(1, 4, 3, 2), (1, 8, 1, None), (8, 1, 1, None), (2, 7, 3, 1), (1, 5, 4, 2)]
)
def test_the_wheel_turns_the_shortest_way(start: int, target: int, steps: int, passed: int | None) -> None:
    wheel = WheelModel(8, now=0.0)
    wheel.select(start, 0.0)
    assert wheel.slot(50.0) == start
    wheel.select(target, 100.0)
    assert wheel.target == target
    assert wheel.end == pytest.approx(100 + 0.5 * steps)
    assert wheel.is_turning(100.1)
    if passed:
        assert wheel.slot(100.5) == passed
    assert wheel.slot(200.0) == target
    assert not wheel.is_turning(200.0)


def test_the_wheel_turns_back_on_the_way() -> None:
    wheel = WheelModel(8, now=0.0)
    wheel.select(4, 0.0)
    wheel.select(1, 0.75)
    assert wheel.end == pytest.approx(1.5)
    assert wheel.slot(2.0) == 1
    wheel.select(1, 3.0)
    assert not wheel.is_turning(3.0)


@pytest.mark.parametrize("slot", [0, 9, -1, 1.5])
def test_the_wheel_refuses_slots_that_it_does_not_have(slot: float) -> None:
    with pytest.raises(Refusal, match="the slots are 1 to 8"):
        WheelModel(8, now=0.0).select(slot, 0.0)


# Weather.


def test_weather_left_alone_is_always_safe_and_the_same() -> None:
    weather = WeatherModel()
    for quarter in range(400):
        utc = 1_735_689_600.0 + quarter * 900
        assert weather.status(utc) is OK
        assert weather.judge("WEATHER_WIND_GUST", weather.values(utc)["WEATHER_WIND_GUST"]) is OK
        assert weather.values(utc) == WeatherModel().values(utc)


def test_afternoons_are_warmer_by_the_sun_not_by_utc() -> None:
    noon_utc = 1_735_689_600.0 + 12 * 3600
    warm = WeatherModel(longitude=45.0).values(noon_utc)["WEATHER_TEMPERATURE"]
    cold = WeatherModel(longitude=-135.0).values(noon_utc)["WEATHER_TEMPERATURE"]
    assert (warm, cold) == pytest.approx((16.0, 4.0))


@pytest.mark.parametrize(
    ("low", "high", "value", "light"),
    [
        (0, 20, 0, OK),
        (0, 20, 16.9, OK),
        (0, 20, 17.1, BUSY),
        (0, 20, 20, BUSY),
        (0, 20, 20.1, ALERT),
        (-10, 30, -5, BUSY),
        (-10, 30, -3, OK),
        (-10, 30, 24.1, BUSY),
        (-10, 30, 23.9, OK),
        (-10, 30, -10.1, ALERT),
        (-20, 0, 0, OK),
        (0, 0, 0, OK),
        (0, 0, 3, ALERT),
    ],
)
def test_ranges_judge_as_the_reference_does(low: float, high: float, value: float, light: PropertyState) -> None:
    assert Range(low, high).judge(value) is light


def test_a_range_that_holds_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="from 5 to 4 holds nothing"):
        Range(5, 4)


def test_a_user_makes_a_storm_and_ends_it() -> None:
    weather = WeatherModel()
    weather.control({"WEATHER_WIND_SPEED": 18.0})
    assert weather.lights(0.0)["WEATHER_WIND_SPEED"] is BUSY
    assert weather.status(0.0) is BUSY
    weather.control({"WEATHER_RAIN_HOUR": 3.0})
    assert weather.values(0.0)["WEATHER_WIND_SPEED"] == 18.0
    assert weather.status(0.0) is ALERT
    weather.release()
    assert weather.status(0.0) is OK


def test_what_is_not_critical_closes_nothing() -> None:
    weather = WeatherModel()
    weather.control({"WEATHER_WIND_GUST": 45.0})
    assert weather.judge("WEATHER_WIND_GUST", 45.0) is ALERT
    assert "WEATHER_WIND_GUST" not in weather.lights(0.0)
    assert weather.status(0.0) is OK


def test_a_changed_range_counts_at_once() -> None:
    weather = WeatherModel()
    weather.ranges["WEATHER_TEMPERATURE"] = Range(20, 30)
    assert weather.status(0.0) is ALERT


def test_an_unknown_parameter_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Refusal, match="no weather parameter WEATHER_FROGS: they are WEATHER_FORECAST"):
        WeatherModel().control({"WEATHER_FROGS": 1.0})


def test_every_parameter_has_a_value_and_a_range() -> None:
    weather = WeatherModel()
    names = [parameter.name for parameter in PARAMETERS]
    assert list(weather.values(0.0)) == names == list(weather.ranges)


# Cooler.


@pytest.fixture
def cooler() -> CoolerModel:
    return CoolerModel(now=0.0)


def test_a_cooler_that_is_off_leaves_the_sensor_at_ambient(cooler: CoolerModel) -> None:
    assert cooler.temperature(1e6) == 15.0
    assert cooler.power(0.0) == 0.0
    assert cooler.has_settled(0.0, 0.1)


def test_cooling_is_steady_and_then_levels_off(cooler: CoolerModel) -> None:
    cooler.cool_to(-5.0, 0.0)
    assert cooler.is_on
    assert cooler.temperature(0.0) == 15.0
    assert cooler.temperature(10.0) == 10.0
    assert cooler.temperature(36.0) == pytest.approx(-3.0)
    assert cooler.temperature(40.0) == pytest.approx(-5 + 2 / math.e)
    assert not cooler.has_settled(40.0, 0.2)
    assert cooler.has_settled(46.0, 0.2)
    assert cooler.temperature(1e6) == pytest.approx(-5.0)


def test_a_step_smaller_than_the_level_part(cooler: CoolerModel) -> None:
    cooler.cool_to(14.0, 0.0)
    assert cooler.temperature(4.0) == pytest.approx(14 + 1 / math.e)


def test_power_is_full_on_the_way_and_falls_to_what_holds(cooler: CoolerModel) -> None:
    cooler.cool_to(-5.0, 0.0)
    assert cooler.power(5.0) == 100.0
    assert cooler.power(1e6) == pytest.approx(50.0)
    cooler.cool_to(5.0, 1e6)
    assert cooler.power(1e6 + 1) == 0.0, "warming needs none"
    assert cooler.power(2e6) == pytest.approx(25.0)


def test_the_coldest_set_point(cooler: CoolerModel) -> None:
    with pytest.raises(Refusal, match=r"-25\.1 °C cannot be held: the cooler reaches -25\.0 °C"):
        cooler.cool_to(-25.1, 0.0)
    assert not cooler.is_on
    cooler.cool_to(-25.0, 0.0)
    assert cooler.power(1e6) == pytest.approx(100.0)


def test_off_lets_it_warm_and_on_holds_what_it_has(cooler: CoolerModel) -> None:
    cooler.cool_to(-5.0, 0.0)
    cooler.switch(False, 1000.0)
    assert cooler.power(1001.0) == 0.0
    assert cooler.temperature(1010.0) == pytest.approx(0.0)
    cooler.switch(True, 1010.0)
    assert cooler.set_point == pytest.approx(0.0)
    assert cooler.temperature(2000.0) == pytest.approx(0.0)
    cooler.switch(True, 2000.0)
    cooler.switch(False, 2000.0)
    assert cooler.temperature(9999.0) == pytest.approx(15.0)


def test_a_ramp_slows_cooling_and_nothing_else(cooler: CoolerModel) -> None:
    cooler.set_ramp(6.0, 0.0)
    cooler.cool_to(-5.0, 0.0)
    assert cooler.temperature(60.0) == pytest.approx(9.0)
    assert cooler.power(60.0) == pytest.approx(100 * (6 / 40 + 0.2))
    cooler.set_ramp(0.0, 60.0)
    assert cooler.temperature(70.0) == pytest.approx(4.0)
    cooler.set_ramp(6000.0, 70.0)
    assert cooler.temperature(72.0) == pytest.approx(3.0), "no faster than it can"


def test_warming_above_ambient(cooler: CoolerModel) -> None:
    cooler.cool_to(20.0, 0.0)
    assert cooler.temperature(1e6) == pytest.approx(20.0)
    assert cooler.power(1e6) == 0.0


# Exposures.


def test_an_exposure_counts_down() -> None:
    exposure = Exposure(2.5, since=10.0)
    assert [exposure.remaining(now) for now in (10.0, 11.0, 12.5, 99.0)] == [2.5, 1.5, 0.0, 0.0]
    assert exposure.end == 12.5


def test_reports_come_at_whole_seconds_left() -> None:
    exposure = Exposure(2.5, since=10.0)
    times = [10.0]
    while times[-1] < exposure.end:
        times.append(exposure.next_report(times[-1]))
    assert times == [10.0, 10.5, 11.5, 12.5]
    assert Exposure(0.25, since=0.0).next_report(0.0) == 0.25


def test_frame_rates() -> None:
    rate = FrameRate()
    rate.count(0.0)
    assert (rate.instant, rate.average) == (0.0, 0.0)
    for frame in range(1, 21):
        rate.count(frame / 10)
    assert rate.instant == pytest.approx(10)
    assert rate.average == pytest.approx(10)
    rate.count(4.0)
    assert rate.instant == pytest.approx(0.5)
    assert rate.average == pytest.approx(0.5)
