"""The wire corpus and the one way to run it: bytes in some chunks in, everything that came out back.

A case is `NAME.xml`, the bytes that a peer sends, and beside it `NAME.expect`, written by hand from the rules:
the messages that must come out, the faults, how many messages were repaired, how many handles come along.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from indigevent.protocol.framing import Framer, Limits
from indigevent.protocol.message import BlobElement, Message

CORPUS = Path(__file__).resolve().parent
RANDOM_CHUNKINGS = 4


@dataclass(frozen=True)
class Case:
    """One file of the corpus with its expectation."""

    name: str
    data: bytes
    expected: dict[str, Any]

    @property
    def fds(self) -> list[str]:
        """Stand-ins for the handles that come with the first chunk; the framer only passes them on."""
        return [f"handle {index}" for index in range(self.expected.get("fds", 0))]


@dataclass(frozen=True)
class Outcome:
    """Everything that a framer gave for one stream; equal for two runs that mean the same."""

    messages: list[dict[str, Any]]
    faults: list[tuple[str, int]]
    repaired: int


def cases(folder: str) -> list[Case]:
    """The cases of `valid` or `invalid`."""
    return [read_case(path) for path in sorted((CORPUS / folder).glob("*.xml"))]


def read_case(path: Path) -> Case:
    """The case whose input is `path`."""
    expected = json.loads(path.with_suffix(".expect").read_text("utf-8"))
    return Case(f"{path.parent.name}/{path.stem}", path.read_bytes(), expected)


def run(chunks: Iterable[bytes], fds: Iterable[object] = (), limits: Limits | None = None) -> Outcome:
    """Feed `chunks`, the handles with the first one, close, and return what came out."""
    framer = Framer(limits) if limits else Framer()
    waiting = list(fds)
    messages: list[Message] = []
    for chunk in chunks:
        messages += framer.feed(chunk, waiting)
        waiting = []
    messages += framer.close()
    faults = [(str(fault.kind), fault.offset) for fault in framer.take_faults()]
    return Outcome([seen(message) for message in messages], faults, framer.repaired)


def seen(message: Message) -> dict[str, Any]:
    """All that a message says of itself, as plain values."""
    return {
        "tag": message.tag,
        "device": message.device,
        "name": message.name,
        "data": message.data,
        "size": message.size,
        "attributes": message.attributes,
        "text": message.text,
        "elements": [blob_seen(blob) for blob in message.elements],
    }


def blob_seen(blob: BlobElement) -> dict[str, Any]:
    """All that a BLOB says of itself, the payload in one piece."""
    return {"attributes": dict(blob.attributes), "payload": b"".join(blob.payload), "attached": blob.attached}


def bytewise(data: bytes) -> list[bytes]:
    """One chunk per byte."""
    return [data[index : index + 1] for index in range(len(data))]


def at_random(data: bytes, seed: int, longest: int = 40) -> Iterator[bytes]:
    """Chunks of random length; the same ones for the same seed."""
    dice = random.Random(seed)
    position = 0
    while position < len(data):
        length = dice.randint(1, longest)
        yield data[position : position + length]
        position += length


def chunkings(data: bytes) -> Iterator[list[bytes]]:
    """The ways in which a stream is cut besides whole: by bytes, by lines, with empty reads, at random."""
    yield bytewise(data)
    yield data.splitlines(keepends=True)
    yield [b"", *(part for byte in re.findall(rb"(?s).{1,7}", data) for part in (byte, b""))]
    for seed in range(RANDOM_CHUNKINGS):
        yield list(at_random(data, seed))


@dataclass(frozen=True)
class Parsed:
    """The root of a document as expat reads it."""

    tag: str
    attributes: dict[str, str]
    text: str
    has_children: bool


def parse(document: bytes) -> Parsed:
    """Read `document` with expat; raises expat.ExpatError when it is not well-formed."""
    starts: list[tuple[str, dict[str, str]]] = []
    text: list[str] = []
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = lambda tag, attributes: starts.append((tag, attributes))
    parser.CharacterDataHandler = text.append
    parser.Parse(document, True)
    return Parsed(*starts[0], "".join(text), len(starts) > 1)


def flat(text: str) -> str:
    """Text with its line ends and tabs as blanks: XML parsers normalise them, messages keep what was sent."""
    return re.sub(r"\r\n|[\r\n\t]", " ", text)
