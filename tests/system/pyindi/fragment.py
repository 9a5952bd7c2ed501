"""Run a fragment of a script with the names that it leaves undefined: PyIndi, a connected client and a property."""

import sys

import indigevent.compat.pyindi as PyIndi

client = PyIndi.BaseClient()
client.setServer("localhost", 7624)
client.connectServer()
prop = client.getDevice("Telescope Simulator").getSwitch("TELESCOPE_TRACK_STATE")
with open(sys.argv[1], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[1], "exec"))
