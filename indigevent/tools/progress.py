"""How far a BLOB has come while its message is not complete yet; and that as a line for a terminal. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = b"<setBLOBVector"
_HEAD_BYTES = 4096
_VECTOR = re.compile(rb"""device=["']([^"']*)["'][^>]*?name=["']([^"']*)["']""")
_BLOB = re.compile(rb"<oneBLOB\s[^>]*>")
_SIZE = re.compile(rb"""\s(?:enclen|size)=["']([0-9]{1,15})["']""")
_NAME = re.compile(rb"""\sname=["']([^"']*)["']""")
_BAR = 24


@dataclass(frozen=True)
class Progress:
    """So much of a BLOB has come, in bytes as they are sent, and after so many seconds."""

    name: str
    received: int
    expected: int
    took_s: float

    def line(self) -> str:
        """The bar: name, share, and megabytes per second."""
        share = min(1.0, self.received / self.expected) if self.expected else 0.0
        bar = "#" * round(share * _BAR)
        speed = self.received / self.took_s / 1e6 if self.took_s > 0 else 0.0
        return f"{self.name} [{bar:<{_BAR}}] {share:4.0%} of {self.expected / 1e6:.1f} MB, {speed:.1f} MB/s"


class Arrival:
    """Follows the bytes of one connection; tells the progress of the BLOB that is on its way."""

    def __init__(self) -> None:
        self._head = b""
        self._received = 0
        self._began = 0.0

    def feed(self, data: bytes, is_inside: bool, now: float) -> Progress | None:
        """More bytes came; `is_inside` tells that a message has begun among them that has not ended."""
        begin = data.rfind(_START)
        if begin >= 0:
            self._head, self._received, self._began = data[begin : begin + _HEAD_BYTES], len(data) - begin, now
        else:
            self._head += data[: max(0, _HEAD_BYTES - len(self._head))]
            self._received += len(data)
        if not is_inside:
            self._head = b""
        return self._progress(now) if self._head.startswith(_START) else None

    def _progress(self, now: float) -> Progress | None:
        vector, blob = _VECTOR.search(self._head), _BLOB.search(self._head)
        if vector is None or blob is None or (size := _SIZE.search(blob[0])) is None:
            return None
        element = _NAME.search(blob[0])
        names = (vector[1], vector[2], element[1] if element else b"")
        # Base64 takes four bytes for three.
        expected = int(size[1]) if b"enclen" in size[0] else (int(size[1]) + 2) // 3 * 4
        return Progress(b".".join(names).decode(errors="replace"), self._received, expected, now - self._began)
