"""The C library's heap, told to keep what BLOBs take and give back all the time."""

from __future__ import annotations

import contextlib
import ctypes

# glibc's names and numbers for mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_PIECE_BYTES = 32 << 20
_KEPT_BYTES = 64 << 20


def keep_for_blobs() -> None:
    """Keep up to 64 MB of freed memory instead of returning it to the system.

    By default every BLOB is written into pages that the kernel has just filled with zeros, and returned afterwards:
    that costs as much as encoding and sending it.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library: it does as it likes
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_PIECE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
