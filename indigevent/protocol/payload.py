"""Whether the bytes of a BLOB can stay as they came: the one look that each of them gets.

A decoder for base64 that takes many bytes at a time is ten times as fast as a table, so it is asked first. What it does
not take, line breaks for instance, is looked up in the table.
"""

from __future__ import annotations

import binascii

import pybase64

# What is not plain becomes a space, and so differs.
_PLAIN = bytes(b if (0x20 <= b <= 0x7E and b not in b"&>") or b in b"\t\n\r" else 0x20 for b in range(256))


def is_plain(piece: bytes) -> bool:
    """Whether a piece of a payload, cut anywhere, is printable ASCII without `&` and `>`, and white space."""
    whole_groups = len(piece) & ~3
    try:
        pybase64.b64decode(memoryview(piece)[:whole_groups], validate=True)
    except binascii.Error:
        return _is_in_table(piece)
    return _is_in_table(piece[whole_groups:])


def _is_in_table(piece: bytes) -> bool:
    return piece.translate(_PLAIN) == piece
