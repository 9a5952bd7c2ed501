"""Look for an element in the wrong property, and go on as if it had been found."""

import PyIndi

client = PyIndi.BaseClient()
client.setServer("localhost", 7624)
client.connectServer()
exposure = client.getDevice("CCD Simulator").getNumber("CCD_EXPOSURE")
exposure.findWidgetByName("CCD_TEMPERATURE_VALUE").setValue(-10)
client.sendNewNumber(exposure)
