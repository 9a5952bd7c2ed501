"""The table of plays: what happens in each row, how long it may take, and the function that does it to a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .stage import Stage

Play = Callable[[Stage], str]


@dataclass(frozen=True)
class Row:
    """One row: its number, the limit for a play in seconds, and the play, whose docstring is the fault.

    The play says what it saw.
    """

    number: int
    limit_s: float
    play: Play

    @property
    def fault(self) -> str:
        """The fault in a few words."""
        return " ".join((self.play.__doc__ or "").split()).rstrip(".")


ROWS: dict[int, Row] = {}


def row(number: int, limit_s: float = 60.0) -> Callable[[Play], Play]:
    """Register a play."""

    def register(play: Play) -> Play:
        ROWS[number] = Row(number, limit_s, play)
        return play

    return register
