"""What state a driver or remote is in, and which state may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Where one is between its first start and its end; the names are the ones of supervisor (supervisord.org).

    STARTING: the program is about to be started, or the remote is being connected.
    RUNNING: the program runs, or the remote is connected.
    BACKOFF: it has ended, or could not be started, and waits until it is tried again.
    FATAL: it has ended, and only an operator starts it again.
    STOPPING: it was told to end and has not done so yet.
    STOPPED: it has ended because it was told to.
    """

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    FATAL = "FATAL"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows: who is started again after this begins a new life in STARTING."""
        return not EDGES[self]


EDGES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.STARTING: frozenset((State.RUNNING, State.BACKOFF, State.FATAL, State.STOPPED)),
        State.RUNNING: frozenset((State.BACKOFF, State.FATAL, State.STOPPING)),
        # One that hangs is told to end, and then tried again.
        State.STOPPING: frozenset((State.STOPPED, State.BACKOFF, State.FATAL)),
        State.BACKOFF: frozenset((State.STARTING, State.STOPPED)),
        State.FATAL: frozenset(),
        State.STOPPED: frozenset(),
    }
)


class IllegalEdge(Exception):
    """A supervisor wanted to go from one state to another that cannot follow it: a fault of ours."""


class Life:
    """One life of a driver or remote, from its first start until it is FATAL or STOPPED."""

    def __init__(self) -> None:
        self.state = State.STARTING

    def go(self, state: State) -> None:
        """Enter the next state; raises IllegalEdge when it may not follow the present one."""
        if state not in EDGES[self.state]:
            raise IllegalEdge(f"{state.value} cannot follow {self.state.value}")
        self.state = state
