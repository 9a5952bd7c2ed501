"""INDI's standard properties that any device may have, ready to be put into a class body or made by the framework."""

from __future__ import annotations

from enum import IntFlag

from indigevent.driver.properties import Number, NumberVector, Switch, SwitchVector, Text, TextVector
from indigevent.protocol.constants import Permission, SwitchRule

_OPTIONS = "Options"
_CONNECTION = "Connection"


class Interface(IntFlag):
    """What kind of device it is: the bits of DRIVER_INTERFACE, by which clients like Ekos choose (libindi's values)."""

    GENERAL = 0
    TELESCOPE = 1 << 0
    CCD = 1 << 1
    GUIDER = 1 << 2
    FOCUSER = 1 << 3
    FILTER = 1 << 4
    DOME = 1 << 5
    GPS = 1 << 6
    WEATHER = 1 << 7
    AO = 1 << 8
    DUSTCAP = 1 << 9
    LIGHTBOX = 1 << 10
    DETECTOR = 1 << 11
    ROTATOR = 1 << 12
    SPECTROGRAPH = 1 << 13
    CORRELATOR = 1 << 14
    AUX = 1 << 15


def connection() -> SwitchVector:
    """CONNECTION, which every device has that must be reached before it can be used."""
    return SwitchVector(
        "CONNECTION",
        Switch("CONNECT", "Connect"),
        Switch("DISCONNECT", "Disconnect", True),
        label="Connection",
        always=True,
    )


def driver_info(name: str, program: str, version: str, interface: int) -> TextVector:
    """DRIVER_INFO: which driver serves the device."""
    return TextVector(
        "DRIVER_INFO",
        Text("DRIVER_NAME", "Name", name),
        Text("DRIVER_EXEC", "Exec", program),
        Text("DRIVER_VERSION", "Version", version),
        Text("DRIVER_INTERFACE", "Interface", str(int(interface))),
        label="Driver Info",
        group=_CONNECTION,
        perm=Permission.READ_ONLY,
        always=True,
    )


def config_process() -> SwitchVector:
    """CONFIG_PROCESS: load, save, go back to what was saved first, forget."""
    return SwitchVector(
        "CONFIG_PROCESS",
        Switch("CONFIG_LOAD", "Load"),
        Switch("CONFIG_SAVE", "Save"),
        Switch("CONFIG_DEFAULT", "Default"),
        Switch("CONFIG_PURGE", "Purge"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Configuration",
        group=_OPTIONS,
    )


def debug() -> SwitchVector:
    """DEBUG: whether the device's `log` shows debug messages; for a class body."""
    return _enabling("DEBUG", "Debug")


def simulation() -> SwitchVector:
    """SIMULATION: what it means is the author's; for a class body."""
    return _enabling("SIMULATION", "Simulation")


def polling_period(period_ms: float = 1000) -> NumberVector:
    """POLLING_PERIOD: how often methods under `@every_poll` run; for a class body."""
    period = Number("PERIOD_MS", "Period (ms)", period_ms, format="%.f", min=10, max=600_000, step=1000)
    return NumberVector("POLLING_PERIOD", period, label="Polling", group=_OPTIONS, always=True, saved=True)


def _enabling(name: str, label: str) -> SwitchVector:
    switches = (Switch("ENABLE", "Enable"), Switch("DISABLE", "Disable", True))
    return SwitchVector(name, *switches, label=label, group=_OPTIONS, always=True)
