"""A simulated weather station: weather that is always safe, until somebody puts other values in its place."""

from __future__ import annotations

import time

from indigevent import __version__
from indigevent.driver import (
    Device,
    Interface,
    Light,
    LightVector,
    Number,
    NumberVector,
    Permission,
    PropertyState,
    Switch,
    SwitchRule,
    SwitchVector,
    Wanted,
    run,
)
from indigevent.driver.agenda import Timer
from indigevent.simulators.models.weather import PARAMETERS, Parameter, Range, WeatherModel

_PARAMETERS_GROUP = "Parameters"
_LABELS = {each.name: each.label for each in PARAMETERS}
_ZONES = {PropertyState.BUSY: "in the warning zone", PropertyState.ALERT: "in the danger zone"}
_SEVERITY = (PropertyState.IDLE, PropertyState.OK, PropertyState.BUSY, PropertyState.ALERT)
# WEATHER_CONTROL's elements are those of libindi's simulator.
_CONTROLLED = {
    "Weather": "WEATHER_FORECAST",
    "Temperature": "WEATHER_TEMPERATURE",
    "Wind": "WEATHER_WIND_SPEED",
    "Gust": "WEATHER_WIND_GUST",
    "Precip": "WEATHER_RAIN_HOUR",
}


def _controlled(name: str, min: float, max: float, step: float) -> Number:
    return Number(name, format="%.2f", min=min, max=max, step=step)


def _measured(parameter: Parameter) -> Number:
    good = parameter.good
    return Number(parameter.name, parameter.label, format="%4.2f", min=good.low, max=good.high)


def _limit(name: str, label: str, value: float) -> Number:
    return Number(name, label, value, format="%4.2f", min=-1_000_000, max=1_000_000)


def _range_of(parameter: Parameter) -> NumberVector:
    return NumberVector(
        parameter.name,
        _limit("MIN_OK", "OK range min", parameter.good.low),
        _limit("MAX_OK", "OK range max", parameter.good.high),
        Number("PERC_WARN", "% for Warning", parameter.good.warning_percent, format="%g", max=100, step=1),
        label=parameter.label,
        group=_PARAMETERS_GROUP,
        saved=True,
    )


class WeatherSimulator(Device):
    """The weather station.

    WEATHER_STATUS is what a client closes its observatory for: Ok is safe, Busy a warning, Alert danger.
    WEATHER_CONTROL puts values in the place of nature's at once, for those parameters that it names, until
    WEATHER_NATURE.
    """

    name = "Weather Simulator"
    version = __version__
    interface = Interface.WEATHER

    status = LightVector(
        "WEATHER_STATUS", *(Light(each.name, each.label) for each in PARAMETERS if each.is_critical), label="Status"
    )
    update = NumberVector(
        "WEATHER_UPDATE",
        Number("PERIOD", "Period (s)", 60, format="%.f", max=3600, step=60),
        label="Update",
        saved=True,
    )
    refresh = SwitchVector(
        "WEATHER_REFRESH",
        Switch("REFRESH", "Refresh"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Weather",
    )
    override = SwitchVector(
        "WEATHER_OVERRIDE", Switch("OVERRIDE", "Override Status"), rule=SwitchRule.ANY_OF_MANY, label="Safety"
    )
    control = NumberVector(
        "WEATHER_CONTROL",
        _controlled("Weather", 0, 1, 1),
        _controlled("Temperature", -50, 70, 10),
        _controlled("Wind", 0, 100, 5),
        _controlled("Gust", 0, 100, 5),
        _controlled("Precip", 0, 100, 10),
        label="Control",
    )
    nature = SwitchVector(
        "WEATHER_NATURE",
        Switch("RELEASE", "Leave it to nature"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Control",
    )
    parameters = NumberVector(
        "WEATHER_PARAMETERS",
        *map(_measured, PARAMETERS),
        label="Parameters",
        group=_PARAMETERS_GROUP,
        perm=Permission.READ_ONLY,
    )
    forecast, temperature, wind, gust, rain = map(_range_of, PARAMETERS)
    site = NumberVector(
        "GEOGRAPHIC_COORD",
        Number("LAT", "Lat (dd:mm:ss)", 51.4779, format="%010.6m", min=-90, max=90),
        Number("LONG", "Lon (dd:mm:ss)", 0, format="%010.6m", min=0, max=360),
        Number("ELEV", "Elevation (m)", 46, format="%g", min=-200, max=10_000),
        label="Location",
        group="Site Management",
        saved=True,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._model = WeatherModel(self.site["LONG"])
        self._next: Timer | None = None

    def connect(self) -> None:
        """Measure for the first time, and again in due course."""
        self._observe()
        self._schedule(self.update["PERIOD"])

    def disconnect(self) -> None:
        """Measure no more."""
        self._schedule(0)

    @update.on_new
    def _set_period(self, wanted: Wanted) -> None:
        self._schedule(wanted["PERIOD"])

    @refresh.on_new
    def _refresh(self, wanted: Wanted) -> None:
        self._observe()

    @override.on_new
    def _override(self, wanted: Wanted) -> None:
        is_on = wanted["OVERRIDE"]
        self.override.set(OVERRIDE=is_on, state=PropertyState.BUSY if is_on else PropertyState.IDLE)
        self._observe()

    @control.on_new
    def _take_control(self, wanted: Wanted) -> None:
        self._model.control({_CONTROLLED[name]: wanted[name] for name in wanted.named})
        self._observe()

    @nature.on_new
    def _release(self, wanted: Wanted) -> None:
        self._model.release()
        self._observe()

    @forecast.on_new
    def _judge_forecast(self, wanted: Wanted) -> None:
        self._judge(self.forecast, wanted)

    @temperature.on_new
    def _judge_temperature(self, wanted: Wanted) -> None:
        self._judge(self.temperature, wanted)

    @wind.on_new
    def _judge_wind(self, wanted: Wanted) -> None:
        self._judge(self.wind, wanted)

    @gust.on_new
    def _judge_gust(self, wanted: Wanted) -> None:
        self._judge(self.gust, wanted)

    @rain.on_new
    def _judge_rain(self, wanted: Wanted) -> None:
        self._judge(self.rain, wanted)

    @site.on_new
    def _set_site(self, wanted: Wanted) -> None:
        self._model.longitude = wanted["LONG"]
        self._observe()

    def _judge(self, prop: NumberVector, wanted: Wanted) -> None:
        """Another range holds at once."""
        self._model.ranges[prop.name] = Range(wanted["MIN_OK"], wanted["MAX_OK"], wanted["PERC_WARN"])
        self.parameters.set_range(prop.name, wanted["MIN_OK"], wanted["MAX_OK"], 0)
        self._observe()

    def _schedule(self, period_s: float) -> None:
        """Measure every so many seconds from now on; a period of 0 leaves it to WEATHER_REFRESH (libindi's meaning)."""
        if self._next is not None:
            self._next.cancel()

        def observe() -> None:
            self._observe()
            self._schedule(period_s)

        self._next = self.after(period_s, observe) if period_s else None

    def _observe(self) -> None:
        """Tell values and lights, and in words what has become worse."""
        utc = time.time()
        values, lights, state = self._model.values(utc), self._model.lights(utc), self._model.status(utc)
        worse = [name for name, light in lights.items() if _SEVERITY.index(light) > _SEVERITY.index(self.status[name])]
        self.parameters.set(values, state=state)
        self.status.set(lights, state=PropertyState.OK if self.override["OVERRIDE"] else state)
        for name in worse:
            if lights[name] in _ZONES:
                self.message(f"{_LABELS[name]}: {values[name]:.2f} is {_ZONES[lights[name]]}.")


if __name__ == "__main__":
    run(WeatherSimulator)
