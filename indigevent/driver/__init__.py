"""What a driver's author uses: devices in plain blocking Python, served under any INDI server or inside `Server`."""

from indigevent.driver.blobs import BLOB, Blob, BLOBVector, ReceivedBlob
from indigevent.driver.commands import Wanted
from indigevent.driver.device import Device
from indigevent.driver.driver import Driver
from indigevent.driver.properties import (
    Light,
    LightVector,
    Number,
    NumberVector,
    Switch,
    SwitchVector,
    Text,
    TextVector,
)
from indigevent.driver.run import run
from indigevent.driver.snooping import SnoopedDevice, SnoopedProperty
from indigevent.driver.standard import Interface, debug, polling_period, simulation
from indigevent.driver.work import background, every, every_poll
from indigevent.errors import Refused
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule
from indigevent.protocol.numbers import format_number, parse_number

__all__ = [
    "BLOB",
    "BLOBVector",
    "Blob",
    "Device",
    "Driver",
    "Interface",
    "Light",
    "LightVector",
    "Number",
    "NumberVector",
    "Permission",
    "PropertyState",
    "ReceivedBlob",
    "Refused",
    "SnoopedDevice",
    "SnoopedProperty",
    "Switch",
    "SwitchRule",
    "SwitchVector",
    "Text",
    "TextVector",
    "Wanted",
    "background",
    "debug",
    "every",
    "every_poll",
    "format_number",
    "parse_number",
    "polling_period",
    "run",
    "simulation",
]
