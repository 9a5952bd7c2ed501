"""The header of a FITS file: cards of 80 bytes, up to END, in blocks of 2880 bytes."""

from __future__ import annotations

CARD_BYTES, BLOCK_BYTES = 80, 2880
BYTES_BY_BITPIX = {8: 1, 16: 2, 32: 4, 64: 8, -32: 4, -64: 8}


def read_header(data: bytes) -> dict[str, str]:
    """Return the values of a FITS file's cards as text, commentary cards left out; ValueError if it is none."""
    if not data.startswith(b"SIMPLE  =") or len(data) % BLOCK_BYTES:
        raise ValueError(f"not a FITS file: {len(data)} bytes that begin with {data[:30]!r}")
    cards: dict[str, str] = {}
    for start in range(0, len(data), CARD_BYTES):
        card = data[start : start + CARD_BYTES].decode("ascii")
        keyword = card[:8].rstrip()
        if keyword == "END":
            return cards
        if card[8:10] == "= ":
            cards[keyword] = _value(card[10:])
    raise ValueError("a FITS header without END")


def size_from_header(cards: dict[str, str]) -> int:
    """Return the number of bytes of pixels that a header announces."""
    pixels = 1
    for axis in range(1, int(cards["NAXIS"]) + 1):
        pixels *= int(cards[f"NAXIS{axis}"])
    return pixels * BYTES_BY_BITPIX[int(cards["BITPIX"])]


def _value(field: str) -> str:
    if field.startswith("'"):
        return field[1 : field.index("'", 1)].rstrip()
    return field.split("/", 1)[0].strip()
