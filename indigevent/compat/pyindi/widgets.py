"""Widgets: PyIndi's name for a property's elements. They are live: what is set here is in the client's cache at once.

The classes that begin with I hold the attributes of pyindi-client 1.x, those named WidgetView the methods of 2.x.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from numbers import Real

from indigevent.client.model import Blob, Element, Property
from indigevent.compat.pyindi import constants
from indigevent.compat.pyindi.words import STATES, SWITCH_STATES, as_text, word
from indigevent.errors import ClientError

_COMPRESSED = ".z"


class Widget:
    """One element.

    Arguments:
        element: the element.
        owner: its property.
    """

    def __init__(self, element: Element, owner: Property) -> None:
        self._element = element
        self._owner = owner

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Widget) and other._element is self._element

    def __hash__(self) -> int:
        return id(self._element)

    def __repr__(self) -> str:
        where = f"{self._owner.device}.{self._owner.name}.{self._element.name}"
        return f"<{type(self).__name__} {where} = {self._element.value!r}>"

    @property
    def name(self) -> str:
        """The element's name."""
        return self._element.name

    @name.setter
    def name(self, name: str) -> None:
        self._element.name = as_text(name, "a name")

    @property
    def label(self) -> str:
        """The element's name for people."""
        return self._element.label

    @label.setter
    def label(self, label: str) -> None:
        self._element.label = as_text(label, "a label")

    def getName(self) -> str:
        """The element's name."""
        return self.name

    def setName(self, name: str) -> None:
        """Change the name in the cache."""
        self.name = name

    def getLabel(self) -> str:
        """The element's name for people."""
        return self.label

    def setLabel(self, label: str) -> None:
        """Change the label in the cache."""
        self.label = label

    def isNameMatch(self, otherName: str) -> bool:
        """Whether this is its name."""
        return self.name == otherName

    def isLabelMatch(self, otherLabel: str) -> bool:
        """Whether this is its label."""
        return self.label == otherLabel


class IText(Widget):
    """A text, with 1.x's attributes."""

    @property
    def text(self) -> str:
        """The text."""
        return str(self._element.value)

    @text.setter
    def text(self, text: str) -> None:
        self._element.value = as_text(text, f"a text for {self.name}")


class WidgetViewText(IText):
    """A text."""

    def getText(self) -> str:
        """The text."""
        return self.text

    def setText(self, text: str) -> None:
        """Change the text in the cache; TypeError for anything but a str."""
        self.text = text

    def isEmpty(self) -> bool:
        """Whether there is no text."""
        return not self.text


class INumber(Widget):
    """A number, with 1.x's attributes."""

    @property
    def value(self) -> float:
        """The number."""
        return float(self._element.value)

    @value.setter
    def value(self, value: float) -> None:
        self._element.value = _number(value, self.name)

    @property
    def min(self) -> float:
        """The smallest number allowed; there is no range when it equals `max`."""
        return self._element.min

    @min.setter
    def min(self, value: float) -> None:
        self._element.min = _number(value, self.name)

    @property
    def max(self) -> float:
        """The largest number allowed."""
        return self._element.max

    @max.setter
    def max(self, value: float) -> None:
        self._element.max = _number(value, self.name)

    @property
    def step(self) -> float:
        """By how much the number is changed at a time."""
        return self._element.step

    @step.setter
    def step(self, value: float) -> None:
        self._element.step = _number(value, self.name)

    @property
    def format(self) -> str:
        """How to show it: printf's, or INDI's `%<width>.<fraction>m`."""
        return self._element.format

    @format.setter
    def format(self, format: str) -> None:
        self._element.format = as_text(format, f"a format for {self.name}")


class WidgetViewNumber(INumber):
    """A number."""

    def getValue(self) -> float:
        """The number."""
        return self.value

    def setValue(self, value: float) -> None:
        """Change the number in the cache; TypeError for anything but a number."""
        self.value = value

    def getMin(self) -> float:
        """The smallest number allowed."""
        return self.min

    def setMin(self, min: float) -> None:
        """Change the smallest number in the cache."""
        self.min = min

    def getMax(self) -> float:
        """The largest number allowed."""
        return self.max

    def setMax(self, max: float) -> None:
        """Change the largest number in the cache."""
        self.max = max

    def setMinMax(self, min: float, max: float) -> None:
        """Change the range in the cache."""
        self.min, self.max = min, max

    def getStep(self) -> float:
        """By how much the number is changed at a time."""
        return self.step

    def setStep(self, step: float) -> None:
        """Change the step in the cache."""
        self.step = step

    def getFormat(self) -> str:
        """How to show it."""
        return self.format

    def setFormat(self, format: str) -> None:
        """Change the format in the cache."""
        self.format = format


class ISwitch(Widget):
    """A switch, with 1.x's attributes."""

    @property
    def s(self) -> int:
        """ISS_OFF or ISS_ON."""
        return SWITCH_STATES.index(self._element.value)

    @s.setter
    def s(self, state: int | str) -> None:
        self._element.value = word(SWITCH_STATES, state, f"a state for the switch {self.name}")


class WidgetViewSwitch(ISwitch):
    """A switch."""

    def getState(self) -> int:
        """ISS_OFF or ISS_ON."""
        return self.s

    def getStateAsString(self) -> str:
        """Off or On."""
        return SWITCH_STATES[self.s].value

    def setState(self, state: int | str) -> None:
        """Change it in the cache: ISS_OFF, ISS_ON, "Off" or "On"."""
        self.s = state  # type: ignore[assignment]  # a property's setter may take more than its getter gives


class ILight(Widget):
    """A light, with 1.x's attributes."""

    @property
    def s(self) -> int:
        """IPS_IDLE, IPS_OK, IPS_BUSY or IPS_ALERT."""
        return STATES.index(self._element.value)

    @s.setter
    def s(self, state: int | str) -> None:
        self._element.value = word(STATES, state, f"a state for the light {self.name}")


class WidgetViewLight(ILight):
    """A light."""

    def getState(self) -> int:
        """IPS_IDLE, IPS_OK, IPS_BUSY or IPS_ALERT."""
        return self.s

    def getStateAsString(self) -> str:
        """Idle, Ok, Busy or Alert."""
        return STATES[self.s].value

    def setState(self, state: int | str) -> None:
        """Change it in the cache."""
        self.s = state  # type: ignore[assignment]  # a property's setter may take more than its getter gives


class IBLOB(Widget):
    """A BLOB, with 1.x's attributes; empty before the first one came.

    What came compressed (`.fits.z`) is given as it was before, as the real module does.
    """

    @property
    def format(self) -> str:
        """Such as `.fits`."""
        return self._blob.format.removesuffix(_COMPRESSED)

    @format.setter
    def format(self, format: str) -> None:
        format = as_text(format, f"a format for {self.name}")
        self._put(self.getblob(), format)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._blob.size

    @property
    def bloblen(self) -> int:
        """In bytes, too."""
        return self._blob.size

    @property
    def blob(self) -> bytes | None:
        """The bytes, None before any came."""
        return self.getblob() if self._element.value is not None else None

    def getblob(self) -> bytes:
        """The bytes, as scripts for 1.x ask for them."""
        blob = self._blob
        if not blob.format.endswith(_COMPRESSED):
            return bytes(blob.data)
        try:
            return _uncompressed(blob)
        except zlib.error as error:
            where = f"{blob.device}.{blob.property}.{blob.name}"
            raise ClientError(f"{where} cannot be uncompressed ({error}): its driver sent it damaged") from None

    def getblobdata(self) -> bytearray:
        """The bytes."""
        return bytearray(self.getblob())

    @property
    def _blob(self) -> Blob:
        return self._element.value or Blob(self._owner.device, self._owner.name, self.name, "", 0, b"")

    def _put(self, data: bytes, format: str) -> None:
        # Model's BLOBs do not change, so that whoever holds one keeps it: a changed one is another.
        self._element.value = replace(self._blob, data=data, size=len(data), format=format)


class WidgetViewBlob(IBLOB):
    """A BLOB."""

    def getFormat(self) -> str:
        """Such as `.fits`."""
        return self.format

    def setFormat(self, format: str) -> None:
        """Change the format in the cache, before it is sent."""
        self.format = format

    def getSize(self) -> int:
        """In bytes."""
        return self.size

    def getBlobLen(self) -> int:
        """In bytes, too."""
        return self.size

    def getBlob(self) -> bytes | None:
        """The bytes, None before any came."""
        return self.blob

    def setBlob(self, blob: bytes) -> None:
        """Put bytes into the cache, which `sendNewProperty` sends."""
        if not isinstance(blob, (bytes, bytearray, memoryview)):
            raise TypeError(f"{blob!r} is not a BLOB for {self.name}; give bytes")
        # What came may have been compressed, and this is not.
        self._put(bytes(blob), self.format if self.size else self._blob.format)

    def getBlobAsString(self) -> str:
        """The bytes as text, one character each; what is not UTF-8 becomes a surrogate, as in the real module."""
        return self.getblob().decode("utf-8", "surrogateescape")

    def clear(self) -> None:
        """Forget the bytes."""
        self._element.value = None


def _uncompressed(blob: Blob) -> bytes:
    """The bytes, never more than announced, however much a small BLOB would swell to; raises zlib.error."""
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(blob.data, max(blob.size, 0) + 1)
    if len(data) > blob.size or not unpacker.eof:
        raise zlib.error(f"{blob.size} bytes were announced")
    return data


def _number(value: object, name: str) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{value!r} is not a number for {name}; give an int or a float")
    return float(value)


WIDGETS: dict[int, type[Widget]] = {
    constants.INDI_NUMBER: WidgetViewNumber,
    constants.INDI_SWITCH: WidgetViewSwitch,
    constants.INDI_TEXT: WidgetViewText,
    constants.INDI_LIGHT: WidgetViewLight,
    constants.INDI_BLOB: WidgetViewBlob,
}
