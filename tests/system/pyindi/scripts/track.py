"""Let a telescope track, with all switches off by index, and one on by name."""

import PyIndi

client = PyIndi.BaseClient()
client.setServer("localhost", 7624)
client.connectServer()
tracking = client.getDevice("Telescope Simulator").getSwitch("TELESCOPE_TRACK_STATE")
for index in range(len(tracking)):
    tracking[index].setState(PyIndi.ISS_OFF)
found = tracking.findWidgetByName("TRACK_ON")
if found:
    found.setState(PyIndi.ISS_ON)
client.sendNewSwitch(tracking)
