"""Send a telescope somewhere, with numbers set by index and by name, right after connecting."""

import PyIndi

client = PyIndi.BaseClient()
client.setServer("localhost", 7624)
client.connectServer()
position = client.getDevice("Telescope Simulator").getNumber("EQUATORIAL_EOD_COORD")
position[0].setValue(4.25)
position.findWidgetByName("DEC").setValue(-20.5)
client.sendNewNumber(position)
