"""The simulated weather station as a client sees it through the server: values, lights, and how to try a closure."""

from __future__ import annotations

import pytest

from tests.lab.instrument import Instrument
from tests.lab.lab import Lab

SIMULATOR = "indigevent.simulators.weather:WeatherSimulator"
DEVICE = "Weather Simulator"
SAFE = dict.fromkeys(("WEATHER_FORECAST", "WEATHER_TEMPERATURE", "WEATHER_WIND_SPEED", "WEATHER_RAIN_HOUR"), "Ok")


@pytest.fixture
def weather(lab: Lab) -> Instrument:
    station = Instrument(lab, lab.server(SIMULATOR, HOME=str(lab.folder)), DEVICE)
    station.connect()
    station.definition("CONFIG_PROCESS")
    return station


def test_left_alone_it_is_safe(weather: Instrument) -> None:
    assert weather.latest("WEATHER_STATUS") == SAFE
    assert weather.definition("WEATHER_STATUS").attributes["state"] == "Ok"
    told = weather.latest("WEATHER_PARAMETERS")
    assert 0 < told["WEATHER_TEMPERATURE"] < 20
    assert 0 < told["WEATHER_WIND_SPEED"] < told["WEATHER_WIND_GUST"] < 20


@pytest.mark.parametrize(("wind", "state", "zone"), [(18, "Busy", "warning"), (50, "Alert", "danger")])
def test_the_lights_follow_the_parameters(weather: Instrument, wind: float, state: str, zone: str) -> None:
    weather.set("WEATHER_CONTROL", Wind=wind)
    assert weather.expect("WEATHER_PARAMETERS", state)["WEATHER_WIND_SPEED"] == wind
    assert weather.expect("WEATHER_STATUS", state) == {**SAFE, "WEATHER_WIND_SPEED": state}
    assert weather.message() == f"Wind (kph): {wind:.2f} is in the {zone} zone."
    weather.set("WEATHER_NATURE", RELEASE=True)
    assert weather.expect("WEATHER_STATUS", "Ok") == SAFE
    assert weather.latest("WEATHER_PARAMETERS")["WEATHER_WIND_SPEED"] < 15


def test_only_the_parameters_that_are_named_are_controlled(weather: Instrument) -> None:
    before = weather.latest("WEATHER_PARAMETERS")
    weather.set("WEATHER_CONTROL", Precip=3)
    told = weather.expect("WEATHER_PARAMETERS", "Alert")
    assert told["WEATHER_RAIN_HOUR"] == 3
    assert told["WEATHER_TEMPERATURE"] == pytest.approx(before["WEATHER_TEMPERATURE"], abs=0.1)


def test_gusts_alone_close_nothing(weather: Instrument) -> None:
    weather.set("WEATHER_CONTROL", Gust=90)
    assert weather.expect("WEATHER_PARAMETERS", "Ok")["WEATHER_WIND_GUST"] == 90
    assert weather.expect("WEATHER_STATUS", "Ok") == SAFE


def test_another_range_holds_at_once(weather: Instrument) -> None:
    weather.set("WEATHER_TEMPERATURE", MIN_OK=30, MAX_OK=40)
    weather.expect("WEATHER_STATUS", "Alert", WEATHER_TEMPERATURE="Alert")
    weather.expect("WEATHER_TEMPERATURE", "Ok", MIN_OK=30, MAX_OK=40, PERC_WARN=15)
    weather.set("WEATHER_TEMPERATURE", MIN_OK=50)
    assert weather.refusal("WEATHER_TEMPERATURE").startswith("A range from 50 to 40 holds nothing")


def test_an_override_says_that_it_is_safe_and_leaves_the_lights(weather: Instrument) -> None:
    weather.set("WEATHER_CONTROL", Weather=1)
    weather.expect("WEATHER_STATUS", "Alert")
    weather.set("WEATHER_OVERRIDE", OVERRIDE=True)
    weather.expect("WEATHER_OVERRIDE", "Busy", OVERRIDE=True)
    assert weather.expect("WEATHER_STATUS", "Ok")["WEATHER_FORECAST"] == "Alert"
    weather.set("WEATHER_OVERRIDE", OVERRIDE=False)
    weather.expect("WEATHER_OVERRIDE", "Idle", OVERRIDE=False)
    weather.expect("WEATHER_STATUS", "Alert")


def test_measures_when_asked_and_in_its_period(weather: Instrument) -> None:
    weather.set("WEATHER_REFRESH", REFRESH=True)
    weather.expect("WEATHER_PARAMETERS", "Ok")
    assert weather.expect("WEATHER_REFRESH", "Ok") == {"REFRESH": False}
    weather.set("WEATHER_UPDATE", PERIOD=0.05)
    weather.expect("WEATHER_UPDATE", "Ok")
    for _ in range(3):
        weather.expect("WEATHER_PARAMETERS", "Ok")
    weather.set("CONNECTION", DISCONNECT=True)
    weather.expect("CONNECTION", "Idle")


def test_it_is_another_time_of_day_elsewhere(weather: Instrument) -> None:
    before = weather.latest("WEATHER_PARAMETERS")["WEATHER_TEMPERATURE"]
    weather.set("GEOGRAPHIC_COORD", LONG=180)
    there = weather.expect("WEATHER_PARAMETERS", "Ok")["WEATHER_TEMPERATURE"]
    assert there + before == pytest.approx(20, abs=0.2)


def test_control_out_of_range_is_refused(weather: Instrument) -> None:
    weather.set("WEATHER_CONTROL", Wind=500)
    assert weather.refusal("WEATHER_CONTROL") == "WEATHER_CONTROL has Wind from 0 to 100, not 500"
