"""The states of drivers and remotes: every legal edge can be gone, and no other."""

from __future__ import annotations

from itertools import product

import pytest

from indigevent.supervision.states import EDGES, IllegalEdge, Life, State

# Written out once more, so that a change of the table is seen.
LEGAL = [
    "STARTING RUNNING",
    "STARTING BACKOFF",
    "STARTING FATAL",
    "STARTING STOPPED",
    "RUNNING BACKOFF",
    "RUNNING FATAL",
    "RUNNING STOPPING",
    "STOPPING STOPPED",
    "STOPPING BACKOFF",
    "STOPPING FATAL",
    "BACKOFF STARTING",
    "BACKOFF STOPPED",
]
# The shortest way to each state.
WAYS = {
    "STARTING": [],
    "RUNNING": ["RUNNING"],
    "BACKOFF": ["BACKOFF"],
    "FATAL": ["FATAL"],
    "STOPPING": ["RUNNING", "STOPPING"],
    "STOPPED": ["STOPPED"],
}
ILLEGAL = [f"{a.value} {b.value}" for a, b in product(State, State) if f"{a.value} {b.value}" not in LEGAL]


def life_in(state: str) -> Life:
    life = Life()
    for step in WAYS[state]:
        life.go(State(step))
    return life


@pytest.mark.parametrize("edge", LEGAL)
def test_a_legal_edge(edge: str) -> None:
    begin, end = edge.split()
    life = life_in(begin)
    life.go(State(end))
    assert life.state is State(end)


@pytest.mark.parametrize("edge", ILLEGAL)
def test_an_illegal_edge_raises_and_changes_nothing(edge: str) -> None:
    begin, end = edge.split()
    life = life_in(begin)
    with pytest.raises(IllegalEdge, match=f"{end} cannot follow {begin}"):
        life.go(State(end))
    assert life.state is State(begin)


def test_every_state_has_its_edges_and_two_are_final() -> None:
    assert set(EDGES) == set(State)
    assert {state for state in State if state.is_final} == {State.FATAL, State.STOPPED}
