"""What the callbacks of pyindi-client 1.x were given: properties with attributes, and BLOBs one by one."""

from __future__ import annotations

from collections.abc import Iterator

from indigevent.client.model import Property as KnownProperty
from indigevent.compat.pyindi.properties import (
    Home,
    Property,
    PropertyBlob,
    PropertyLight,
    PropertyNumber,
    PropertySwitch,
    PropertyText,
    view,
)
from indigevent.compat.pyindi.widgets import WidgetViewBlob
from indigevent.protocol.constants import VectorKind


class _Attributes(Property):
    """1.x's attributes of every property."""

    @property
    def device(self) -> str:
        """The device's name."""
        return self.getDeviceName()

    @property
    def name(self) -> str:
        """The property's name."""
        return self.getName()

    @property
    def label(self) -> str:
        """The name for people."""
        return self.getLabel()

    @property
    def group(self) -> str:
        """The group that it is shown in."""
        return self.getGroupName()

    @property
    def p(self) -> int:
        """IP_RO, IP_WO or IP_RW."""
        return self.getPermission()

    @property
    def s(self) -> int:
        """IPS_IDLE, IPS_OK, IPS_BUSY or IPS_ALERT."""
        return self.getState()

    @s.setter
    def s(self, state: int) -> None:
        self.setState(state)

    @property
    def timeout(self) -> float:
        """The worst case, in seconds, until a new value has been applied."""
        return self._known.timeout

    @property
    def timestamp(self) -> str:
        """When the driver told it last, in UTC."""
        return self.getTimestamp()

    def _count(self) -> int:
        return len(self._known.elements)


class ITextVectorProperty(_Attributes, PropertyText):
    """A text property, as `newText` gets it."""

    ntp = property(_Attributes._count, doc="How many texts there are.")
    tp = property(list, doc="The texts.")


class INumberVectorProperty(_Attributes, PropertyNumber):
    """A number property, as `newNumber` gets it."""

    nnp = property(_Attributes._count, doc="How many numbers there are.")
    np = property(list, doc="The numbers.")


class ISwitchVectorProperty(_Attributes, PropertySwitch):
    """A switch property, as `newSwitch` gets it."""

    nsp = property(_Attributes._count, doc="How many switches there are.")
    sp = property(list, doc="The switches.")
    r = property(PropertySwitch.getRule, doc="ISR_1OFMANY, ISR_ATMOST1 or ISR_NOFMANY.")


class ILightVectorProperty(_Attributes, PropertyLight):
    """A light property, as `newLight` gets it."""

    nlp = property(_Attributes._count, doc="How many lights there are.")
    lp = property(list, doc="The lights.")


class IBLOBVectorProperty(_Attributes, PropertyBlob):
    """The BLOB property of a BLOB."""

    nbp = property(_Attributes._count, doc="How many BLOBs there are.")
    bp = property(list, doc="The BLOBs.")


class ArrivedBlob(WidgetViewBlob):
    """What `newBLOB` gets: the BLOB, which is a sequence of itself too.

    1.x gave it one BLOB; scripts that were written by analogy with the other callbacks iterate over what they get.
    """

    def __init__(self, vector: IBLOBVectorProperty, name: str) -> None:
        known = vector._known
        super().__init__(known.elements[name], known)
        self.bvp = vector

    def __iter__(self) -> Iterator[ArrivedBlob]:
        return iter([self])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> ArrivedBlob:
        return [self][index]


VECTORS: dict[VectorKind, tuple[str, type[_Attributes]]] = {
    VectorKind.TEXT: ("newText", ITextVectorProperty),
    VectorKind.NUMBER: ("newNumber", INumberVectorProperty),
    VectorKind.SWITCH: ("newSwitch", ISwitchVectorProperty),
    VectorKind.LIGHT: ("newLight", ILightVectorProperty),
}


def arrived_blob(known: KnownProperty, name: str, home: Home) -> ArrivedBlob:
    """The argument of `newBLOB` for one element of a property."""
    return ArrivedBlob(view(IBLOBVectorProperty, known, home), name)
