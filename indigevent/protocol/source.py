"""The bytes of one peer, read as if they were all there.

The framer is written as generators over a `Source`: a step that lacks bytes yields, and goes on when `feed` has
brought more. Every byte is looked at once, and whatever ends a step does so at the same offset of the stream however
the bytes were cut into chunks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Generator
from enum import Enum
from typing import TypeVar

_T = TypeVar("_T")
Steps = Generator[None, None, _T]

INDI_TAGS = (
    rb"(?:(?:def|set|new)(?:Text|Number|Switch|Light|BLOB)Vector|message|delProperty|getProperties|enableBLOB"
    rb"|ping(?:Request|Reply))"
)
INDI_START = rb"<" + INDI_TAGS + rb"[\s/>]"
# Control bytes are passed over wherever they stand.
_CONTROL = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
_SPACE = re.compile(rb"[\x00-\x20]*")
_NAME = re.compile(rb"[A-Za-z_:][A-Za-z0-9_:.\x00-\x08\x0b\x0c\x0e-\x1f-]*")
_HEAD_BYTES = 60
# As many trailing bytes may be the beginning of an INDI start tag or of a terminator, one byte short.
_OVERLAP = len(b"<defNumberVector")


class FaultKind(str, Enum):
    """Why an element was dropped."""

    CUT = "cut"
    ATTRIBUTE = "attribute"
    END_TAG = "end-tag"
    MARKUP = "markup"
    NAME = "name"
    LIMIT = "limit"
    BLOB = "blob"
    END_OF_INPUT = "end-of-input"


class Malformed(Exception):
    """The element being read cannot be kept; reading stands where that was seen."""

    def __init__(self, kind: FaultKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class CutOff(Malformed):
    """A new INDI element began where none can; reading stands at its `<`."""

    def __init__(self, detail: str) -> None:
        super().__init__(FaultKind.CUT, detail)


class EndOfInput(Exception):
    """The peer has closed and more bytes were needed."""


def until(terminator: bytes) -> re.Pattern[bytes]:
    """The pattern for `Source.run` that ends a run at `terminator` (a regular expression)."""
    return re.compile(rb"(?P<end>" + terminator + rb")|" + INDI_START)


class Source:
    """A peer's bytes, with a position, and a `limit`: the stream offset that the present element may not pass."""

    __slots__ = ("buffer", "pos", "base", "limit", "closed", "max_name_bytes", "removed", "_mark", "_head")

    def __init__(self, max_name_bytes: int) -> None:
        self.buffer = b""
        self.pos = 0
        self.base = 0
        self.limit: float = math.inf
        self.closed = False
        self.max_name_bytes = max_name_bytes
        self.removed = 0
        self._mark = 0
        self._head = b""

    @property
    def offset(self) -> int:
        """The stream offset of the next byte."""
        return self.base + self.pos

    def feed(self, data: bytes) -> None:
        """Add what was read; bytes that nobody has taken yet are few, or one message at most."""
        self.base += self.pos
        self.buffer = self.buffer[self.pos :] + data if self.pos < len(self.buffer) else data
        self.pos = 0
        if len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]

    def mark(self) -> None:
        """An element begins here; `excerpt` will show its first bytes."""
        self._mark = self.offset
        self._head = self.buffer[self.pos : self.pos + _HEAD_BYTES]

    def excerpt(self) -> bytes:
        """The first bytes after the mark, as far as they have been read."""
        return self._head if self.closed else self._head[: self.offset - self._mark + 1]

    def take(self, count: int) -> bytes:
        """The next `count` bytes, which must be there."""
        taken = self.buffer[self.pos : self.pos + count]
        self.pos += count
        return taken

    def need(self, count: int = 1) -> Steps[None]:
        """Wait until `count` bytes are there."""
        while len(self.buffer) - self.pos < count:
            yield from self._more()
        if self.offset + count > self.limit:
            raise Malformed(FaultKind.LIMIT, "it is longer than allowed")

    def looking_at(self, literal: bytes) -> Steps[bool]:
        """Whether the next bytes are `literal`; waits for no more of them than that takes."""
        for index, expected in enumerate(literal):
            yield from self.need(index + 1)
            if self.buffer[self.pos + index] != expected:
                return False
        return True

    def space(self) -> Steps[bytes]:
        """White space, possibly none, without the control bytes in it; the byte after it is there."""
        pieces = []
        while True:
            yield from self.need()
            match = _SPACE.match(self.buffer, self.pos, self._window())
            assert match is not None
            pieces.append(self._without_control(self.take(match.end() - self.pos)))
            if self.pos < len(self.buffer):
                yield from self.need()
                return b"".join(pieces)

    def name(self) -> Steps[bytes]:
        """An XML name (ASCII); raises Malformed where there is none, or one without end."""
        while True:
            yield from self.need()
            match = _NAME.match(self.buffer, self.pos)
            if match is None:
                raise Malformed(FaultKind.NAME, "a name was expected")
            length = match.end() - self.pos
            if length > self.max_name_bytes:
                raise Malformed(FaultKind.LIMIT, f"a name is longer than {self.max_name_bytes} bytes")
            if match.end() < len(self.buffer):
                return self._without_control(self.take(length))
            yield from self._more()

    def run(self, pattern: re.Pattern[bytes], *, keep: bool = True) -> Steps[bytes]:
        """The bytes before the terminator of `pattern` (see `until`); reading stands at the terminator.

        One INDI start tag is let pass as content, so that a value or comment may quote XML; a second one shows that
        the terminator was lost, and raises CutOff.
        """
        pieces: list[bytes] = []
        tolerated = False
        while True:
            window = self._window()
            match = pattern.search(self.buffer, self.pos, window)
            end = match.start() if match else max(self.pos, window - _OVERLAP)
            piece = self.take(end - self.pos)
            if keep:
                pieces.append(piece)
            if match is None:
                yield from self._more_of_run(window)
            elif match["end"] is not None:
                return b"".join(pieces)
            elif tolerated:
                raise CutOff("a second new element began inside it")
            else:
                tolerated = True
                pieces.append(self.take(1))

    def before_markup(
        self, is_plain: Callable[[bytes], bool], write: Callable[[bytes], object] | None = None
    ) -> Steps[tuple[list[bytes], bool]]:
        """The pieces of character data before the next `<`, as they came; reading stands at the `<`.

        The flag tells whether all of the pieces are plain. With `write` each piece is handed over, and none returned.
        """
        pieces: list[bytes] = []
        keep = write or pieces.append
        all_plain = True
        while True:
            window = self._window()
            found = self.buffer.find(b"<", self.pos, window)
            end = window if found < 0 else found
            if end > self.pos:
                whole = self.pos == 0 and end == len(self.buffer)
                piece = self.buffer if whole else self.buffer[self.pos : end]
                all_plain = all_plain and is_plain(piece)
                keep(piece)
                self.pos = end
            if found >= 0:
                return pieces, all_plain
            yield from self._more_of_run(window)

    def skip_to(self, pattern: re.Pattern[bytes]) -> Steps[re.Match[bytes]]:
        """Pass over everything before `pattern`, whose matches are at most an INDI start tag long or end in it."""
        while (match := pattern.search(self.buffer, self.pos)) is None:
            self.pos = max(self.pos, len(self.buffer) - self.max_name_bytes - 3)
            yield from self._more()
        self.pos = match.start()
        return match

    def _without_control(self, taken: bytes) -> bytes:
        kept = taken.translate(None, _CONTROL)
        self.removed += len(taken) - len(kept)
        return kept

    def _more_of_run(self, window: int) -> Steps[None]:
        if window < len(self.buffer):
            raise Malformed(FaultKind.LIMIT, "it is longer than allowed")
        yield from self._more()

    def _more(self) -> Steps[None]:
        if self.closed:
            raise EndOfInput
        yield

    def _window(self) -> int:
        """Where the part of the buffer ends that the present element may use."""
        return int(min(len(self.buffer), self.limit - self.base))
