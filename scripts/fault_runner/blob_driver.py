"""A driver that sends one inline BLOB of `BLOB_DRIVER_BYTES` bytes when it gets a command, without holding it."""

from __future__ import annotations

import base64
import os

DEVICE = "Big"
_PIECE = 3 << 20


def main() -> None:
    """Define, wait for the command, send, and stay."""
    size = int(os.environ["BLOB_DRIVER_BYTES"])
    write(
        f"<defBLOBVector device='{DEVICE}' name='B' state='Ok' perm='ro'><defBLOB name='b'/></defBLOBVector>".encode()
    )
    rest = b""
    while data := os.read(0, 65536):
        rest = (rest + data)[-4096:]
        if b"newSwitchVector" in rest:
            rest = b""
            send(size)


def send(size: int) -> None:
    """The BLOB, in pieces whose base64 needs no padding but the last."""
    start = f"<setBLOBVector device='{DEVICE}' name='B' state='Ok'><oneBLOB name='b' size='{size}' format='.bin'>"
    write(start.encode())
    piece = base64.b64encode(bytes(range(256)) * (_PIECE // 256))
    for _ in range(size // _PIECE):
        write(piece)
    write(base64.b64encode(bytes(size % _PIECE)))
    write(b"</oneBLOB></setBLOBVector>\n")


def write(data: bytes) -> None:
    """All of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
