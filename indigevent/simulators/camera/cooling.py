"""The cooler of the simulated camera."""

from __future__ import annotations

import time

from indigevent.driver import (
    Device,
    Number,
    NumberVector,
    Permission,
    PropertyState,
    Switch,
    SwitchVector,
    Wanted,
    every_poll,
    polling_period,
)
from indigevent.simulators.models.cooler import CoolerModel

_VALUE = "CCD_TEMPERATURE_VALUE"
_POWER = "CCD_COOLER_VALUE"
_STEP_CELSIUS = 0.01
_STEP_PERCENT = 1.0


class Cooled(Device):
    """A sensor with a cooler and a thermometer."""

    temperature = NumberVector(
        "CCD_TEMPERATURE",
        Number(_VALUE, "Temperature (C)", 15, format="%5.2f", min=-50, max=50),
        label="Temperature",
    )
    ramp = NumberVector(
        "CCD_TEMP_RAMP",
        Number("RAMP_SLOPE", "Max. dT (C/min)", 0, format="%.f", max=30, step=1),
        Number("RAMP_THRESHOLD", "Threshold (C)", 0.2, format="%.1f", min=0.1, max=2, step=0.1),
        label="Temp. Ramp",
        saved=True,
    )
    cooler = SwitchVector("CCD_COOLER", Switch("COOLER_ON", "On"), Switch("COOLER_OFF", "Off", True), label="Cooler")
    power = NumberVector(
        "CCD_COOLER_POWER",
        Number(_POWER, "Cooling Power (%)", 0, format="%.f", max=100),
        label="Cooling Power",
        perm=Permission.READ_ONLY,
    )
    polling = polling_period()

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._cooler = CoolerModel(time.monotonic())

    def celsius(self) -> float:
        """Return the sensor's temperature now."""
        return self._cooler.temperature(time.monotonic())

    @temperature.on_new
    def _cool(self, wanted: Wanted) -> None:
        self._cooler.cool_to(wanted[_VALUE], time.monotonic())
        self._tell_cooler()
        self.temperature.set({_VALUE: self.celsius()}, state=PropertyState.BUSY)

    @cooler.on_new
    def _switch_cooler(self, wanted: Wanted) -> None:
        self._cooler.switch(wanted["COOLER_ON"], time.monotonic())
        self._tell_cooler()
        if wanted["COOLER_OFF"]:
            self.temperature.set({_VALUE: self.celsius()}, state=PropertyState.IDLE)

    @ramp.on_new
    def _limit_ramp(self, wanted: Wanted) -> None:
        self._cooler.set_ramp(wanted["RAMP_SLOPE"], time.monotonic())

    @every_poll
    def _watch(self) -> None:
        """Tell temperature and power when they have changed."""
        now = time.monotonic()
        celsius, power = self._cooler.temperature(now), self._cooler.power(now)
        has_settled = self._cooler.has_settled(now, self.ramp["RAMP_THRESHOLD"])
        has_arrived = has_settled and self.temperature.state is PropertyState.BUSY
        if has_arrived or abs(celsius - self.temperature[_VALUE]) >= _STEP_CELSIUS:
            self.temperature.set({_VALUE: celsius}, state=PropertyState.OK if has_arrived else self.temperature.state)
        if abs(power - self.power[_POWER]) >= _STEP_PERCENT:
            self.power.set({_POWER: power}, state=PropertyState.BUSY if power else PropertyState.IDLE)

    def _tell_cooler(self) -> None:
        """Busy is a cooler that is on, as with libindi's drivers."""
        is_on = self._cooler.is_on
        state = PropertyState.BUSY if is_on else PropertyState.IDLE
        self.cooler.choose("COOLER_ON" if is_on else "COOLER_OFF", state=state)
