"""A driver that answers each command for its device with the same value, and asks for nothing."""

from __future__ import annotations

import os
import re

DEVICE = "Echo"
DEFINITION = (
    f"<defNumberVector device='{DEVICE}' name='P' state='Ok' perm='rw'>"
    "<defNumber name='x' format='%g' min='0' max='0' step='0'>0</defNumber></defNumberVector>"
)
_ASKS = re.compile(rb"<getProperties[^>]*>|<newNumberVector[^>]*>\s*<oneNumber[^>]*>\s*([0-9]+)")


def main() -> None:
    """Answer until the server goes."""
    rest = b""
    while data := os.read(0, 65536):
        rest += data
        end = 0
        for ask in _ASKS.finditer(rest):
            answer = DEFINITION if ask[1] is None else update(ask[1].decode())
            os.write(1, answer.encode())
            end = ask.end()
        rest = rest[end:][-4096:]


def update(value: str) -> str:
    """The property's new value."""
    vector = f"<setNumberVector device='{DEVICE}' name='P' state='Ok'>"
    return f"{vector}<oneNumber name='x'>{value}</oneNumber></setNumberVector>\n"


if __name__ == "__main__":
    main()
