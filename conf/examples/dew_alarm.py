#!/usr/bin/env python3
"""A device that follows another one: a light that is red while the dew heater's air is near freezing."""

from indigevent.driver import Device, Light, LightVector, Number, NumberVector, PropertyState, run


class DewAlarm(Device):
    name = "Dew Alarm"
    limit = NumberVector("LIMIT", Number("CELSIUS", "Celsius", 2, format="%.1f", min=-20, max=30), label="Alarm below")
    alarm = LightVector("ALARM", Light("FROST", "Frost"), label="Alarm")

    def __init__(self, name=""):
        super().__init__(name)
        self.air = self.snoop("Dew Heater", "AIR", self.judge)  # a live mirror; judge is called at every change

    @limit.on_new
    def set_limit(self, wanted):
        self.limit.set(CELSIUS=wanted["CELSIUS"])
        self.judge(self.air)

    def judge(self, air):
        if not air.is_defined or air.state is PropertyState.IDLE:  # not there, or nothing measured yet
            self.alarm.set(FROST=PropertyState.IDLE, state=PropertyState.IDLE)
            return
        is_frost = air["CELSIUS"] < self.limit["CELSIUS"]
        self.alarm.set(FROST=PropertyState.ALERT if is_frost else PropertyState.OK)


if __name__ == "__main__":
    run(DewAlarm)
