#!/usr/bin/env python3
"""A dew heater with a switch, a duty cycle and a thermometer; where it says `self.box`, your own protocol comes in."""

from indigevent.driver import Device, Number, NumberVector, Refused, Switch, SwitchVector, every, run


class DewHeater(Device):
    name = "Dew Heater"
    power = SwitchVector("POWER", Switch("ON", "On"), Switch("OFF", "Off", True), label="Power")
    duty = NumberVector("DUTY", Number("PERCENT", "Percent", 20, format="%3.0f", max=100, step=5), label="Duty cycle")
    air = NumberVector("AIR", Number("CELSIUS", "Celsius", format="%5.1f"), label="Air temperature", perm="ro")

    def connect(self):  # what is raised here, the client is told
        self.box = {"heats": False, "percent": 20, "celsius": 4.0}

    def disconnect(self):  # also called when the driver ends
        self.box = None

    @power.on_new
    def switch(self, wanted):  # a handler that returns has obeyed: clients see the new value, and Ok
        self.box["heats"] = wanted["ON"]

    @duty.on_new
    def set_duty(self, wanted):  # a number is a number, and within its range
        if not self.power["ON"]:
            raise Refused("Switch the heater on first.")
        self.box["percent"] = wanted["PERCENT"]

    @every(1)
    def read_air(self):  # while it is connected
        self.air.set(CELSIUS=self.box["celsius"])


if __name__ == "__main__":
    run(DewHeater)
