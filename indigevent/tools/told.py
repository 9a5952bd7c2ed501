"""What a server tells of a property, as it was written: values keep the notation that the driver chose.

The client library's typed contents read `12:30:15` as a number; who prints it has to print `12:30:15`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from indigevent.logs import log
from indigevent.protocol.constants import VectorKind
from indigevent.protocol.message import BlobMessage, Message

_VECTOR = re.compile(r"(def|set)(Text|Number|Switch|Light|BLOB)Vector")
_SPACE = " \t\r\n"


@dataclass(frozen=True)
class Told:
    """One definition or update of a property: its attributes, and the texts of its elements without space around.

    `blobs` is the message itself when it brings BLOBs; `elements` is empty then.
    """

    is_definition: bool
    kind: VectorKind
    device: str
    name: str
    attributes: Mapping[str, str]
    elements: Mapping[str, str]
    blobs: BlobMessage | None = None


def tell(message: Message) -> Told | None:
    """What a message tells of a property; None for one that tells something else."""
    found = _VECTOR.fullmatch(message.tag)
    if found is None:
        return None
    is_definition, kind = found[1] == "def", VectorKind(found[2])
    if isinstance(message, BlobMessage):
        return Told(is_definition, kind, message.device, message.name, message.attributes, {}, message)
    try:
        root = ElementTree.fromstring(message.data)
    except ElementTree.ParseError as error:
        log.warning("the server sent a %s that cannot be read: %s", message.tag, error)
        return None
    elements = {child.get("name", ""): (child.text or "").strip(_SPACE) for child in root}
    return Told(is_definition, kind, message.device, message.name, root.attrib, elements)


def transcript(message: Message) -> str:
    """A message to look at; of one with BLOBs only how it begins."""
    data = message.start if isinstance(message, BlobMessage) else message.data
    return data.decode(errors="replace")
