"""Devices as PyIndi shows them; one that does not exist is false and has nothing, but is never None."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Protocol, TypeVar

from indigevent.client import model
from indigevent.compat.pyindi import constants
from indigevent.compat.pyindi.properties import (
    Home,
    Properties,
    Property,
    PropertyBlob,
    PropertyLight,
    PropertyNumber,
    PropertySwitch,
    PropertyText,
    view,
)
from indigevent.compat.pyindi.words import KINDS, as_text

P = TypeVar("P", bound=Property)


class Finder(Home, Protocol):
    """Where a device's properties are found."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held while what is known changes."""

    def find(self, device: str, name: str) -> model.Property | None:
        """A property; a look-up may wait for one that is not known yet."""

    def why_missing(self, device: str, name: str = "") -> str:
        """A clause that says what is missing."""


class BaseDevice:
    """A device.

    Arguments:
        known: what the client knows of it; None for a device that does not exist.
        finder: where its properties are found.
        asked: the name of a device that does not exist, for errors.
    """

    INDI_DEVICE_NOT_FOUND: ClassVar[int] = -1
    INDI_PROPERTY_INVALID: ClassVar[int] = -2
    INDI_PROPERTY_DUPLICATED: ClassVar[int] = -3
    INDI_DISPATCH_ERROR: ClassVar[int] = -4
    INDI_ENABLED: ClassVar[int] = 0
    INDI_DISABLED: ClassVar[int] = 1
    # The bits of getDriverInterface().
    GENERAL_INTERFACE: ClassVar[int] = 0
    TELESCOPE_INTERFACE: ClassVar[int] = 1 << 0
    CCD_INTERFACE: ClassVar[int] = 1 << 1
    GUIDER_INTERFACE: ClassVar[int] = 1 << 2
    FOCUSER_INTERFACE: ClassVar[int] = 1 << 3
    FILTER_INTERFACE: ClassVar[int] = 1 << 4
    DOME_INTERFACE: ClassVar[int] = 1 << 5
    GPS_INTERFACE: ClassVar[int] = 1 << 6
    WEATHER_INTERFACE: ClassVar[int] = 1 << 7
    AO_INTERFACE: ClassVar[int] = 1 << 8
    DUSTCAP_INTERFACE: ClassVar[int] = 1 << 9
    LIGHTBOX_INTERFACE: ClassVar[int] = 1 << 10
    DETECTOR_INTERFACE: ClassVar[int] = 1 << 11
    ROTATOR_INTERFACE: ClassVar[int] = 1 << 12
    SPECTROGRAPH_INTERFACE: ClassVar[int] = 1 << 13
    CORRELATOR_INTERFACE: ClassVar[int] = 1 << 14
    AUX_INTERFACE: ClassVar[int] = 1 << 15
    OUTPUT_INTERFACE: ClassVar[int] = 1 << 16
    INPUT_INTERFACE: ClassVar[int] = 1 << 17
    POWER_INTERFACE: ClassVar[int] = 1 << 18
    SENSOR_INTERFACE: ClassVar[int] = SPECTROGRAPH_INTERFACE | DETECTOR_INTERFACE | CORRELATOR_INTERFACE

    def __init__(self, known: model.Device | None = None, finder: Finder | None = None, asked: str = "") -> None:
        self._known = known or model.Device("")
        self._finder = finder
        self._asked = asked

    def __bool__(self) -> bool:
        return self.isValid()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseDevice) and other._known.name == self._known.name

    def __hash__(self) -> int:
        return hash(self._known.name)

    def __repr__(self) -> str:
        return f"<BaseDevice {self._known.name or 'that does not exist'}>"

    def isValid(self) -> bool:
        """Whether there is such a device."""
        return bool(self._known.name)

    def getDeviceName(self) -> str:
        """The device's name, "" where there is none."""
        return self._known.name

    def isDeviceNameMatch(self, otherName: str) -> bool:
        """Whether this is its name."""
        return self._known.name == otherName

    def isConnected(self) -> bool:
        """Whether the driver says that it is connected to its instrument."""
        switch = self.getSwitch("CONNECTION")
        return switch.getState() == constants.IPS_OK and switch.isSwitchOn("CONNECT")

    def getProperties(self) -> Properties:
        """All its properties at present, without waiting for more."""
        known = list(self._known.properties.values())
        return Properties([view(Property, one, self._home()) for one in known], self._known.name)

    def getProperty(self, name: str, type: int = constants.INDI_UNKNOWN) -> Property:
        """The property with this name, and of this type unless it is INDI_UNKNOWN; false where there is none."""
        if not isinstance(type, int):
            raise TypeError(f"{type!r} is not a type of properties; use INDI_NUMBER and so on")
        known = self._find(name)
        is_other = known is not None and type not in (constants.INDI_UNKNOWN, KINDS.index(known.kind))
        return self._view(Property, None if is_other else known, name)

    def getText(self, name: str) -> PropertyText:
        """The text property with this name; false where there is none."""
        return self._view(PropertyText, self._find(name), name)

    def getNumber(self, name: str) -> PropertyNumber:
        """The number property with this name; false where there is none."""
        return self._view(PropertyNumber, self._find(name), name)

    def getSwitch(self, name: str) -> PropertySwitch:
        """The switch property with this name; false where there is none."""
        return self._view(PropertySwitch, self._find(name), name)

    def getLight(self, name: str) -> PropertyLight:
        """The light property with this name; false where there is none."""
        return self._view(PropertyLight, self._find(name), name)

    def getBLOB(self, name: str) -> PropertyBlob:
        """The BLOB property with this name; false where there is none."""
        return self._view(PropertyBlob, self._find(name), name)

    def getPropertyState(self, name: str) -> int:
        """A property's state; IPS_IDLE where there is no such property, as measured."""
        found = self.getProperty(name)
        return found.getState() if found else constants.IPS_IDLE

    def getPropertyPermission(self, name: str) -> int:
        """A property's permission; IP_RO where there is no such property, as measured."""
        return self.getProperty(name).getPermission()

    def messageQueue(self, index: int) -> str:
        """One of the device's last 1000 messages, all counted from 0; IndexError where there is no such message."""
        with self._finder.lock if self._finder else nullcontext():
            first, messages = self._known.dropped_messages, list(self._known.messages)
        if not first <= index < first + len(messages):
            raise IndexError(
                f"{self._known.name} has no message {index}: it has {len(messages)} from number {first} on"
            )
        return messages[index - first]

    def lastMessage(self) -> str:
        """The device's last message; "" before the first one."""
        messages = self._known.messages
        return messages[-1] if messages else ""

    def getDriverName(self) -> str | None:
        """What the driver calls itself; None where it does not say."""
        return self._driver_info("DRIVER_NAME")

    def getDriverExec(self) -> str | None:
        """The driver's program; None where it does not say."""
        return self._driver_info("DRIVER_EXEC")

    def getDriverVersion(self) -> str | None:
        """The driver's version; None where it does not say."""
        return self._driver_info("DRIVER_VERSION")

    def getDriverInterface(self) -> int:
        """What it can do: a sum of CCD_INTERFACE and so on."""
        bits = self._driver_info("DRIVER_INTERFACE") or ""
        return int(bits) if bits.isdecimal() else 0

    def _driver_info(self, name: str) -> str | None:
        widgets = {widget.name: widget for widget in self.getText("DRIVER_INFO")}
        return widgets[name].text if name in widgets else None

    def _find(self, name: str) -> model.Property | None:
        as_text(name, "the name of a property")
        if not self or self._finder is None:
            return None
        return self._known.properties.get(name) or self._finder.find(self._known.name, name)

    def _view(self, view_type: type[P], known: model.Property | None, name: str) -> P:
        device = self._known.name or self._asked
        missing = self._finder.why_missing(device, name) if self._finder else f"no device {device}".rstrip()
        return view(view_type, known, self._home(), missing)

    def _home(self) -> Home:
        return self._finder or _Nowhere()


class _Nowhere:
    """The home of the properties of a device that does not exist."""

    def base_device(self, name: str) -> BaseDevice:
        """No device."""
        return BaseDevice()
