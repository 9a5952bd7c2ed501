"""Properties as PyIndi shows them: live views of the client's cache; one that does not exist is false, never None."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from indigevent.client import model
from indigevent.compat.pyindi import constants
from indigevent.compat.pyindi.sequences import Sequence
from indigevent.compat.pyindi.widgets import (
    WIDGETS,
    Widget,
    WidgetViewBlob,
    WidgetViewLight,
    WidgetViewNumber,
    WidgetViewSwitch,
    WidgetViewText,
)
from indigevent.compat.pyindi.words import KINDS, PERMISSIONS, RULES, STATES, TYPE_NAMES, as_text, word
from indigevent.logs import log
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState, VectorKind

W = TypeVar("W", bound=Widget)


class Home(Protocol):
    """Where a property's device is found."""

    def base_device(self, name: str) -> Any:
        """The device with this name."""


class Property:
    """A property of any type.

    Arguments:
        other: another one, whose view this becomes; None for one that does not exist.
    """

    # What it is a view of, the type apart; the generic one is a view of any.
    _kind: ClassVar[VectorKind | None] = None

    def __init__(self, other: Property | None = None) -> None:
        if other is not None and not isinstance(other, Property):
            raise TypeError(f"a {type(self).__name__} is made of a property, not of {other!r}")
        self._home: Home | None = None if other is None else other._home
        self._missing: str = "no such property" if other is None else other._missing
        self._known: model.Property
        if other is not None and other and self._kind in (None, other._known.kind):
            self._known = other._known
        else:
            # As measured: a missing property is Alert, one that was asked for as a number and so on is Idle.
            self._known = _nothing(PropertyState.ALERT if self._kind is None else PropertyState.IDLE)

    def __bool__(self) -> bool:
        return self.isValid()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Property) and other._known is self._known

    def __hash__(self) -> int:
        return id(self._known)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.about()}>"

    def isValid(self) -> bool:
        """Whether there is such a property, of this type."""
        return bool(self._known.name)

    def isEmpty(self) -> bool:
        """Whether it has no elements."""
        return not self._known.elements

    def getType(self) -> int:
        """INDI_NUMBER and so on; INDI_UNKNOWN where there is no such property."""
        return KINDS.index(self._known.kind) if self else constants.INDI_UNKNOWN

    def getTypeAsString(self) -> str:
        """INDI_NUMBER and so on."""
        return TYPE_NAMES[self.getType()]

    def getName(self) -> str:
        """The property's name, "" where there is none."""
        return self._known.name

    def setName(self, name: str) -> None:
        """Change the name in the cache."""
        self._known.name = as_text(name, "a name")

    def getLabel(self) -> str:
        """The name for people."""
        return self._known.label

    def setLabel(self, label: str) -> None:
        """Change the label in the cache."""
        self._known.label = as_text(label, "a label")

    def getGroupName(self) -> str:
        """The group that it is shown in."""
        return self._known.group

    def setGroupName(self, groupName: str) -> None:
        """Change the group in the cache."""
        self._known.group = as_text(groupName, "the name of a group")

    def getDeviceName(self) -> str:
        """The device's name."""
        return self._known.device

    def setDeviceName(self, deviceName: str) -> None:
        """Change the device's name in the cache."""
        self._known.device = as_text(deviceName, "the name of a device")

    def getTimestamp(self) -> str:
        """When the driver told it last, in UTC."""
        return self._known.timestamp

    def setTimestamp(self, timestamp: str) -> None:
        """Change the time in the cache."""
        self._known.timestamp = as_text(timestamp, "a timestamp")

    def setTimeout(self, timeout: float) -> None:
        """Change the timeout in the cache, in seconds."""
        self._known.timeout = timeout

    def getState(self) -> int:
        """IPS_IDLE, IPS_OK, IPS_BUSY or IPS_ALERT."""
        return STATES.index(self._known.state)

    def getStateAsString(self) -> str:
        """Idle, Ok, Busy or Alert."""
        return self._known.state.value

    def setState(self, state: int) -> None:
        """Change the state in the cache."""
        self._known.state = word(STATES, state, "a property's state")

    def getPermission(self) -> int:
        """IP_RO, IP_WO or IP_RW."""
        return PERMISSIONS.index(self._known.perm)

    def setPermission(self, permission: int) -> None:
        """Change the permission in the cache."""
        self._known.perm = word(PERMISSIONS, permission, "a permission")

    def isNameMatch(self, otherName: str) -> bool:
        """Whether this is its name."""
        return self._known.name == otherName

    def isLabelMatch(self, otherLabel: str) -> bool:
        """Whether this is its label."""
        return self._known.label == otherLabel

    def isDeviceNameMatch(self, otherDeviceName: str) -> bool:
        """Whether this is its device."""
        return self._known.device == otherDeviceName

    def isTypeMatch(self, otherType: int) -> bool:
        """Whether this is its type."""
        return self.getType() == otherType

    def getBaseDevice(self) -> Any:
        """Its device."""
        assert self._home is not None
        return self._home.base_device(self._known.device)

    def getNumber(self) -> PropertyNumber | None:
        """It as a number property; None if it is of another type."""
        return PropertyNumber(self) or None

    def getText(self) -> PropertyText | None:
        """It as a text property; None if it is of another type."""
        return PropertyText(self) or None

    def getSwitch(self) -> PropertySwitch | None:
        """It as a switch property; None if it is of another type."""
        return PropertySwitch(self) or None

    def getLight(self) -> PropertyLight | None:
        """It as a light property; None if it is of another type."""
        return PropertyLight(self) or None

    def getBLOB(self) -> PropertyBlob | None:
        """It as a BLOB property; None if it is of another type."""
        return PropertyBlob(self) or None

    def about(self) -> str:
        """Its name in sentences."""
        return f"{self._known.device}.{self._known.name}" if self else self._missing


P = TypeVar("P", bound=Property)


def view(view_type: type[P], known: model.Property | None, home: Home, missing: str = "") -> P:
    """A view of what the client knows.

    Arguments:
        view_type: the class of the view.
        known: what is to be seen; None gives a property that does not exist.
        home: where its device is found.
        missing: a clause for errors about a property that does not exist.
    """
    whole = Property()
    whole._home, whole._missing = home, missing
    if known is not None:
        whole._known = known
    return view_type(whole)


def known_to(shown: Property) -> model.Property:
    """What a view shows, of which messages are made."""
    return shown._known


class PropertyTyped(Property, Sequence[W], Generic[W]):
    """A property whose type is known: its widgets can be counted, indexed, iterated over and found by name."""

    def __getitem__(self, index: int) -> W:
        if not self:
            raise IndexError(f"there is {self.about()}, so it has no element {index}")
        return super().__getitem__(index)

    def getTimeout(self) -> float:
        """The worst case, in seconds, until a new value has been applied."""
        return self._known.timeout

    def getPermissionAsString(self) -> str:
        """ro, wo or rw."""
        return self._known.perm.value

    def size(self) -> int:
        """How many widgets there are."""
        return len(self)

    def count(self) -> int:
        """How many widgets there are."""
        return len(self)

    def at(self, index: int) -> W:
        """The widget with this number, from 0."""
        return self[index]

    def findWidgetByName(self, name: str) -> W | None:
        """The widget with this name; None, and a warning, where there is none."""
        index = self.findWidgetIndexByName(name)
        return None if index < 0 else self[index]

    def findWidgetIndexByName(self, name: str) -> int:
        """The number of the widget with this name; -1, and a warning, where there is none."""
        names = [element.name for element in list(self._known.elements.values())]
        if name in names:
            return names.index(name)
        log.warning("%s has no element %s; it has %s", self.about(), name, ", ".join(names) or "none")
        return -1

    def _items(self) -> list[W]:
        known = self._known
        widget = cast(type[W], WIDGETS[KINDS.index(known.kind)])
        return [widget(element, known) for element in list(known.elements.values())]

    def _find(self, name: str) -> model.Element | None:
        return next((element for element in list(self._known.elements.values()) if element.name == name), None)


class PropertyText(PropertyTyped[WidgetViewText]):
    """A text property."""

    _kind = VectorKind.TEXT

    def update(self, texts: list[str], names: list[str], n: int) -> bool:
        """Change the first `n` of these texts in the cache; False, and nothing changed, where a name is missing."""
        return _update(self, texts, names, n)


class PropertyNumber(PropertyTyped[WidgetViewNumber]):
    """A number property."""

    _kind = VectorKind.NUMBER

    def update(self, values: list[float], names: list[str], n: int) -> bool:
        """Change the first `n` of these numbers in the cache; False, and nothing changed, where a name is missing."""
        return _update(self, values, names, n)


class PropertySwitch(PropertyTyped[WidgetViewSwitch]):
    """A switch property."""

    _kind = VectorKind.SWITCH

    def update(self, states: list[int], names: list[str], n: int) -> bool:
        """Change the first `n` of these switches in the cache; False, and nothing changed, where a name is missing."""
        return _update(self, states, names, n)

    def reset(self) -> None:
        """Switch all off, in the cache."""
        for element in list(self._known.elements.values()):
            element.value = SwitchState.OFF

    def findOnSwitch(self) -> WidgetViewSwitch | None:
        """The first switch that is on."""
        return next((widget for widget in self if widget.s), None)

    def findOnSwitchIndex(self) -> int:
        """The number of the first switch that is on; -1 where none is."""
        return next((index for index, widget in enumerate(self) if widget.s), -1)

    def findOnSwitchName(self) -> str:
        """The name of the first switch that is on; "" where none is."""
        return next((widget.name for widget in self if widget.s), "")

    def isSwitchOn(self, name: str) -> bool:
        """Whether there is such a switch, and on."""
        element = self._find(name)
        return element is not None and element.value is SwitchState.ON

    def getRule(self) -> int:
        """ISR_1OFMANY, ISR_ATMOST1 or ISR_NOFMANY."""
        return RULES.index(self._known.rule or SwitchRule.ONE_OF_MANY)

    def getRuleAsString(self) -> str:
        """OneOfMany, AtMostOne or AnyOfMany."""
        return RULES[self.getRule()].value

    def setRule(self, rule: int | str) -> None:
        """Change the rule in the cache."""
        self._known.rule = word(RULES, rule, "a switch rule")


class PropertyLight(PropertyTyped[WidgetViewLight]):
    """A light property."""

    _kind = VectorKind.LIGHT


class PropertyBlob(PropertyTyped[WidgetViewBlob]):
    """A BLOB property."""

    _kind = VectorKind.BLOB


class Properties(Sequence[Property]):
    """The properties of a device.

    Arguments:
        properties: in the order in which they were defined.
        device: the device's name.
    """

    def __init__(self, properties: list[Property] | None = None, device: str = "") -> None:
        self._properties = properties or []
        self._device = device

    def size(self) -> int:
        """How many there are."""
        return len(self)

    def _items(self) -> list[Property]:
        return self._properties

    def about(self) -> str:
        """Its name in sentences."""
        return f"the list of properties of {self._device or 'no device'}"


def _update(shown: PropertyTyped[Any], values: list[Any], names: list[str], n: int) -> bool:
    widgets = [shown.findWidgetByName(name) for name in names[:n]]
    if None in widgets:
        return False
    for widget, value in zip(widgets, values, strict=False):
        setattr(widget, _ATTRIBUTES[shown._known.kind], value)
    return True


_ATTRIBUTES = {VectorKind.TEXT: "text", VectorKind.NUMBER: "value", VectorKind.SWITCH: "s"}


def _nothing(state: PropertyState) -> model.Property:
    """What a view of nothing shows: the values that the real module gives for a missing property."""
    kind, perm = VectorKind.TEXT, Permission.READ_ONLY
    return model.Property("", "", kind, "", "", state, perm, None, 0.0, "", "", {})
