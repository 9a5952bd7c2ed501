"""What is inside a message: every INDI element as a typed, immutable object.

A class here is one INDI element; its fields are that element's attributes under their own names, `elements`
are its children, and the field marked as text is its text. `codec` reads and writes them by that alone. An
optional string that is "" stands for an attribute that is not there; a `timeout` is the worst case in
seconds until a new value has been applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from indigevent.protocol.constants import (
    PROTOCOL_VERSION,
    BlobMode,
    Permission,
    PropertyState,
    SwitchRule,
    SwitchState,
    VectorKind,
)

_TEXT = {"is_text": True}


@dataclass(frozen=True)
class Content:
    """Any INDI element; `tag` is its name on the wire."""

    tag: ClassVar[str]


@dataclass(frozen=True)
class DefText(Content):
    """An element of a DefTextVector."""

    tag = "defText"
    name: str
    value: str = field(metadata=_TEXT)
    label: str = ""


@dataclass(frozen=True)
class DefNumber(Content):
    """An element of a DefNumberVector; there is no range when `min` equals `max` (INDI 1.7)."""

    tag = "defNumber"
    name: str
    value: float = field(metadata=_TEXT)
    format: str
    min: float
    max: float
    step: float
    label: str = ""


@dataclass(frozen=True)
class DefSwitch(Content):
    """An element of a DefSwitchVector."""

    tag = "defSwitch"
    name: str
    value: SwitchState = field(metadata=_TEXT)
    label: str = ""


@dataclass(frozen=True)
class DefLight(Content):
    """An element of a DefLightVector."""

    tag = "defLight"
    name: str
    value: PropertyState = field(metadata=_TEXT)
    label: str = ""


@dataclass(frozen=True)
class DefBLOB(Content):
    """An element of a DefBLOBVector; it has no value yet."""

    tag = "defBLOB"
    name: str
    label: str = ""


@dataclass(frozen=True)
class OneText(Content):
    """A text of a set or new vector."""

    tag = "oneText"
    name: str
    value: str = field(metadata=_TEXT)


@dataclass(frozen=True)
class OneNumber(Content):
    """A number of a set or new vector; by `min`, `max`, `step` libindi drivers tell a changed range."""

    tag = "oneNumber"
    name: str
    value: float = field(metadata=_TEXT)
    min: float | None = None
    max: float | None = None
    step: float | None = None


@dataclass(frozen=True)
class OneSwitch(Content):
    """A switch of a set or new vector."""

    tag = "oneSwitch"
    name: str
    value: SwitchState = field(metadata=_TEXT)


@dataclass(frozen=True)
class OneLight(Content):
    """A light of a set vector."""

    tag = "oneLight"
    name: str
    value: PropertyState = field(metadata=_TEXT)


@dataclass(frozen=True)
class OneBLOB(Content):
    """A BLOB of a set or new vector.

    `size` is in bytes before compression, so it differs from the length of `data` when `format` ends in `.z`.
    When `attached`, the bytes travel beside the stream and `data` is empty.
    """

    tag = "oneBLOB"
    name: str
    size: int
    format: str
    data: bytes = field(default=b"", repr=False, metadata=_TEXT)
    attached: bool = False


@dataclass(frozen=True, kw_only=True)
class Vector(Content):
    """A property vector of any kind; `timestamp` is in UTC as `YYYY-MM-DDTHH:MM:SS.S`."""

    kind: ClassVar[VectorKind]
    device: str
    name: str
    timestamp: str = ""


@dataclass(frozen=True, kw_only=True)
class DefVector(Vector):
    """A driver defines a property."""

    state: PropertyState
    label: str = ""
    group: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class DefTextVector(DefVector):
    """A driver defines a text property."""

    tag = "defTextVector"
    kind = VectorKind.TEXT
    perm: Permission
    timeout: float = 0.0
    elements: tuple[DefText, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefNumberVector(DefVector):
    """A driver defines a number property."""

    tag = "defNumberVector"
    kind = VectorKind.NUMBER
    perm: Permission
    timeout: float = 0.0
    elements: tuple[DefNumber, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefSwitchVector(DefVector):
    """A driver defines a switch property."""

    tag = "defSwitchVector"
    kind = VectorKind.SWITCH
    perm: Permission
    rule: SwitchRule
    timeout: float = 0.0
    elements: tuple[DefSwitch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefLightVector(DefVector):
    """A driver defines a light property, which is always read-only."""

    tag = "defLightVector"
    kind = VectorKind.LIGHT
    elements: tuple[DefLight, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefBLOBVector(DefVector):
    """A driver defines a BLOB property."""

    tag = "defBLOBVector"
    kind = VectorKind.BLOB
    perm: Permission
    timeout: float = 0.0
    elements: tuple[DefBLOB, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetVector(Vector):
    """A driver tells a property's new state and values; what is absent (None, no element) has not changed."""

    state: PropertyState | None = None
    timeout: float | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class SetTextVector(SetVector):
    """A driver tells texts."""

    tag = "setTextVector"
    kind = VectorKind.TEXT
    elements: tuple[OneText, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetNumberVector(SetVector):
    """A driver tells numbers."""

    tag = "setNumberVector"
    kind = VectorKind.NUMBER
    elements: tuple[OneNumber, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetSwitchVector(SetVector):
    """A driver tells switches."""

    tag = "setSwitchVector"
    kind = VectorKind.SWITCH
    elements: tuple[OneSwitch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetLightVector(SetVector):
    """A driver tells lights."""

    tag = "setLightVector"
    kind = VectorKind.LIGHT
    elements: tuple[OneLight, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetBLOBVector(SetVector):
    """A driver sends BLOBs."""

    tag = "setBLOBVector"
    kind = VectorKind.BLOB
    elements: tuple[OneBLOB, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewVector(Vector):
    """A client asks for new values; elements that are not named keep theirs."""


@dataclass(frozen=True, kw_only=True)
class NewTextVector(NewVector):
    """A client asks for texts."""

    tag = "newTextVector"
    kind = VectorKind.TEXT
    elements: tuple[OneText, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewNumberVector(NewVector):
    """A client asks for numbers."""

    tag = "newNumberVector"
    kind = VectorKind.NUMBER
    elements: tuple[OneNumber, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewSwitchVector(NewVector):
    """A client asks for switches."""

    tag = "newSwitchVector"
    kind = VectorKind.SWITCH
    elements: tuple[OneSwitch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewBLOBVector(NewVector):
    """A client sends BLOBs."""

    tag = "newBLOBVector"
    kind = VectorKind.BLOB
    elements: tuple[OneBLOB, ...] = ()


@dataclass(frozen=True)
class GetProperties(Content):
    """Ask for the definitions of all devices, of one device, or of one property."""

    tag = "getProperties"
    device: str = ""
    name: str = ""
    version: str = PROTOCOL_VERSION


@dataclass(frozen=True)
class DelProperty(Content):
    """A driver takes a property away, or all of a device when there is no `name`."""

    tag = "delProperty"
    device: str
    name: str = ""
    timestamp: str = ""
    message: str = ""


@dataclass(frozen=True)
class EnableBLOB(Content):
    """A client says which BLOBs it wants: of everything, of a device, or of a property."""

    tag = "enableBLOB"
    value: BlobMode = field(metadata=_TEXT)
    device: str = ""
    name: str = ""


@dataclass(frozen=True)
class UserMessage(Content):
    """INDI's `<message>`: a sentence for the user, of a device or of nobody in particular."""

    tag = "message"
    message: str
    device: str = ""
    timestamp: str = ""


@dataclass(frozen=True)
class PingRequest(Content):
    """Ask for a PingReply with this `uid` after everything before was taken in (libindi's extension)."""

    tag = "pingRequest"
    uid: str


@dataclass(frozen=True)
class PingReply(Content):
    """The answer to a PingRequest."""

    tag = "pingReply"
    uid: str
