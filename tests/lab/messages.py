"""What a party received, as parsed messages: an incremental reader and the one-line form in which tests compare.

The one-line form sorts attributes, strips text and shows a BLOB as its decoded bytes, so that two servers agree when
their messages mean the same.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

UNPARSABLE = {code: 0xE000 + code for code in range(32) if code not in (9, 10, 13)} | {
    0xDC00 + byte: 0xE100 + byte for byte in range(128, 256)
}


@dataclass
class Message:
    """One XML element: a whole INDI message at top level, or one of its children."""

    tag: str
    attributes: dict[str, str]
    children: list[Message] = field(default_factory=list)
    text: str = ""
    attached: bytes | None = None

    def line(self) -> str:
        """Return the form in which messages are compared and shown."""
        attributes = "".join(f" {name}={shown(value)!r}" for name, value in sorted(self.attributes.items()))
        content = "".join(child.line() for child in self.children) + self._content()
        return f"<{self.tag}{attributes}>{content}</>" if content else f"<{self.tag}{attributes}/>"

    def matches(self, tag: str, **attributes: str) -> bool:
        """Tell whether this is a `tag` with at least these attributes."""
        return self.tag == tag and all(self.attributes.get(name) == value for name, value in attributes.items())

    def payload(self) -> bytes:
        """Return the decoded bytes of a oneBLOB, attached or inline."""
        if self.attached is not None:
            return self.attached
        return base64.b64decode("".join(self.text.split()))

    def _content(self) -> str:
        if self.tag != "oneBLOB":
            return shown(self.text.strip())
        try:
            payload = self.payload()
        except binascii.Error:
            return self.text.strip()
        content = repr(payload) if len(payload) <= 40 else f"{len(payload)} bytes {hashlib.sha1(payload).hexdigest()}"
        return f"{'attached' if self.attached is not None else 'inline'} {content}" if payload else ""


def shown(text: str) -> str:
    """Return a text as it stands in a line: long ones by their length and hash."""
    return text if len(text) <= 500 else f"({len(text)} characters {hashlib.sha1(text.encode()).hexdigest()})"


class MessageReader:
    """Cut a stream of top-level elements into messages with expat.

    What no XML parser accepts is made visible instead of losing the rest: control characters appear as U+E000 + code,
    bytes that are not UTF-8 as U+E100 + byte; where the syntax is broken a `#malformed` message ends the stream.
    """

    def __init__(self, attach: Callable[[Message], None]) -> None:
        """`attach` is called for each oneBLOB with attached="true" when it is complete."""
        self._attach = attach
        self._done: list[Message] = []
        self._stack: list[Message] = []
        self._broken = False
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.Parse(b"<stream>", False)

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes, return the messages that became complete."""
        if not self._broken:
            try:
                self._parser.Parse(self._decode(data).translate(UNPARSABLE).encode(), False)
            except expat.ExpatError as error:
                self._broken = True
                self._done.append(Message("#malformed", {"error": str(error)}, text=repr(data)))
        done, self._done = self._done, []
        return done

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._stack.append(Message(tag, dict(attributes)))

    def _characters(self, text: str) -> None:
        if len(self._stack) > 1:
            self._stack[-1].text += text

    def _end(self, _tag: str) -> None:
        message = self._stack.pop()
        if message.tag == "oneBLOB" and message.attributes.get("attached") == "true":
            self._attach(message)
        if len(self._stack) == 1:
            self._done.append(message)
        else:
            self._stack[-1].children.append(message)
