"""The scenarios: functions that play a script against a server of either kind and return what every party received.

A scenario that names a row of the compatibility page says for some parties what the reference gives and what ours must
give; all its other parties must have received the same from both. What the reference sends to `unpredictable` parties
varies from run to run and is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.lab import Lab, Transcript

Play = Callable[[Lab], Transcript]


@dataclass(frozen=True)
class Scenario:
    """One script and what is known beforehand about its transcripts."""

    name: str
    play: Play
    differs: str | None = None
    reference: Transcript = field(default_factory=dict)
    ours: Transcript = field(default_factory=dict)
    unpredictable: tuple[str, ...] = ()


SCENARIOS: dict[str, Scenario] = {}


def add(name: str, play: Play) -> None:
    """Register a scenario in which both kinds of server must do the same."""
    _register(Scenario(f"{_subject(play)}-{name}", play))


def scenario(
    differs: str | None = None,
    reference: Transcript | None = None,
    ours: Transcript | None = None,
    unpredictable: tuple[str, ...] = (),
) -> Callable[[Play], Play]:
    """Register the decorated function as a scenario."""

    def register(play: Play) -> Play:
        name = f"{_subject(play)}-{play.__name__}"
        _register(Scenario(name, play, differs, reference or {}, ours or {}, unpredictable))
        return play

    return register


def _subject(play: Play) -> str:
    return play.__module__.rsplit(".", 1)[1]


def _register(one: Scenario) -> None:
    assert one.name not in SCENARIOS, f"two scenarios are called {one.name}"
    SCENARIOS[one.name] = one
