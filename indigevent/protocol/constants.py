"""INDI 1.7's own words, spelled as they are on the wire."""

from __future__ import annotations

from enum import Enum
from typing import NoReturn

PROTOCOL_VERSION = "1.7"
DEFAULT_PORT = 7624


class _Word(str, Enum):
    """One of a few words; any other is a ValueError that names them."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is no {cls.__name__}, which is one of {', '.join(one.value for one in cls)}")


class PropertyState(_Word):
    """How a property vector, or one light, is."""

    IDLE = "Idle"
    OK = "Ok"
    BUSY = "Busy"
    ALERT = "Alert"


class Permission(_Word):
    """What a client may do with a property vector."""

    READ_ONLY = "ro"
    WRITE_ONLY = "wo"
    READ_WRITE = "rw"


class SwitchRule(_Word):
    """How many switches of a vector may be On together."""

    ONE_OF_MANY = "OneOfMany"
    AT_MOST_ONE = "AtMostOne"
    ANY_OF_MANY = "AnyOfMany"


class SwitchState(str, Enum):
    """One switch; as a condition, it is true when it is On."""

    OFF = "Off"
    ON = "On"

    def __bool__(self) -> bool:
        return self is SwitchState.ON


class BlobMode(str, Enum):
    """What an `enableBLOB` asks for: no BLOBs, BLOBs too, or nothing else."""

    NEVER = "Never"
    ALSO = "Also"
    ONLY = "Only"


class VectorKind(str, Enum):
    """The kinds of property vectors, as in `def<kind>Vector`."""

    TEXT = "Text"
    NUMBER = "Number"
    SWITCH = "Switch"
    LIGHT = "Light"
    BLOB = "BLOB"


DEF_TAGS = frozenset(f"def{kind.value}Vector" for kind in VectorKind)
SET_TAGS = frozenset(f"set{kind.value}Vector" for kind in VectorKind)
NEW_TAGS = frozenset(f"new{kind.value}Vector" for kind in VectorKind if kind is not VectorKind.LIGHT)
OTHER_TAGS = frozenset({"getProperties", "delProperty", "message", "enableBLOB", "pingRequest", "pingReply"})
TOP_LEVEL_TAGS = DEF_TAGS | SET_TAGS | NEW_TAGS | OTHER_TAGS
