"""All values on one screen, drawn again as they change: what `--watch` shows on a terminal."""

from __future__ import annotations

import shutil
import sys
import time

from indigevent.tools.output import coloured, has_colours, visible
from indigevent.tools.told import Told

_EVERY_S = 0.1
_HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class Board:
    """The last value of everything that was told, in the order in which it was told first.

    Used in a `with`: the terminal's own screen is back afterwards, with the last values below it.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._states: dict[tuple[str, str], str] = {}
        self._drawn = 0.0
        self._has_colours = has_colours()

    def __enter__(self) -> Board:
        self._write(_ENTER)
        return self

    def __exit__(self, *exception: object) -> None:
        self._write(_LEAVE)
        self._write("".join(line + "\n" for line in self._lines(sys.maxsize)))

    @property
    def is_due(self) -> bool:
        """Whether it may be drawn now."""
        return time.monotonic() >= self.next_drawing

    @property
    def next_drawing(self) -> float:
        """When it may be drawn again, by `time.monotonic()`."""
        return self._drawn + _EVERY_S

    def value(self, told: Told, element: str, text: str) -> None:
        """Something was told."""
        place = (told.device, told.name)
        state = self._states[place] = told.attributes.get("state") or self._states.get(place, "")
        row = (told.device, told.name, element)
        self._rows[row] = (visible(text).partition("\n")[0], state)

    def delete(self, device: str, name: str) -> None:
        """A property is gone, or ("") all of a device."""
        gone = [row for row in self._rows if row[0] == device and name in ("", row[1])]
        for row in gone:
            del self._rows[row]

    def draw(self) -> None:
        """Show it now."""
        rows = shutil.get_terminal_size().lines
        lines = self._lines(rows - 1)
        self._write(_HOME + "".join(line + _TO_LINE_END + "\n" for line in lines) + _TO_SCREEN_END)
        self._drawn = time.monotonic()

    def _lines(self, most: int) -> list[str]:
        names = {row: visible(".".join(row)) for row in self._rows}
        width = max(map(len, names.values()), default=0)
        columns = shutil.get_terminal_size().columns
        lines = [
            self._line(f"{names[row]:<{width}}  ", text, state, columns) for row, (text, state) in self._rows.items()
        ]
        hidden = len(lines) - most
        return [*lines[: most - 1], f"... and {hidden + 1} more; ask for less"] if hidden > 0 else lines

    def _line(self, name: str, text: str, state: str, columns: int) -> str:
        shown = (name + text)[: columns - 1]
        return name + coloured(shown[len(name) :], state) if self._has_colours and len(shown) > len(name) else shown

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
