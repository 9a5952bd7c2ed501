"""A driver with numbered updates, 20 a second, and a BLOB with every fiftieth: what somebody missed can be named."""

from __future__ import annotations

import base64
import os
import select
import time

DEVICE = "Ticker"
_PERIOD_S = 0.05
_BLOB = base64.b64encode(os.urandom(300_000)).decode()


def main() -> None:
    """Tick until the server goes."""
    number, due = 0, time.monotonic()
    while True:
        readable, _, _ = select.select([0], [], [], max(0.0, due - time.monotonic()))
        if readable:
            data = os.read(0, 65536)
            if not data:
                return
            if b"<getProperties" in data:
                write(definitions())
            continue
        number, due = number + 1, due + _PERIOD_S
        write(tick(number))


def definitions() -> str:
    """What it has."""
    number = "<defNumber name='x' format='%g' min='0' max='0' step='0'>0</defNumber>"
    vector = f"<defNumberVector device='{DEVICE}' name='N' state='Ok' perm='ro'>{number}</defNumberVector>"
    blob = f"<defBLOBVector device='{DEVICE}' name='B' state='Ok' perm='ro'><defBLOB name='b'/></defBLOBVector>"
    return vector + blob + "\n"


def tick(number: int) -> str:
    """Update `number`."""
    content = f"<oneNumber name='x'>{number}</oneNumber>"
    text = f"<setNumberVector device='{DEVICE}' name='N' state='Ok'>{content}</setNumberVector>\n"
    if number % 50 == 0:
        blob = f"<oneBLOB name='b' size='300000' format='.bin'>{_BLOB}</oneBLOB>"
        text += f"<setBLOBVector device='{DEVICE}' name='B' state='Ok'>{blob}</setBLOBVector>\n"
    return text


def write(text: str) -> None:
    """All of it."""
    view = memoryview(text.encode())
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
