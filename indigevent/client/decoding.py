"""Base64 that comes in pieces, decoded piece by piece: what is looked at is still in the processor's cache."""

from __future__ import annotations

import pybase64

_LAYOUT = (b"\n", b"\r", b" ", b"\t")


class Decoder:
    """Decodes one text; white space in it is layout."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_padded = False

    def feed(self, piece: bytes) -> bytes:
        """The bytes that the next piece, cut anywhere, completes; raises ValueError for what is no base64."""
        for layout in _LAYOUT:
            piece = piece.replace(layout, b"")
        text = self._rest + piece if self._rest else piece
        end = len(text) & ~3
        self._rest = text[end:]
        if not end:
            return b""
        if self._is_padded:  # of pieces that are whole by themselves, the decoder would not notice it
            raise ValueError("more comes after its padding")
        self._is_padded = text.endswith(b"=", 0, end)
        return pybase64.b64decode(memoryview(text)[:end], validate=True)

    def finish(self) -> None:
        """There is no more; raises ValueError when that is too early."""
        if self._rest:
            raise ValueError("it is cut off")
