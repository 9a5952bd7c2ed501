"""Every scenario, played on the reference and on the candidate: each party must have received the same messages.

Without the reference the candidate is held to the recorded transcripts of indiserver 1.9.9; with
INDIGEVENT_LAB_RECORD=1 they are recorded anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab, Transcript
from tests.lab.server import REFERENCE

from .compatibility import COMPATIBILITY
from .conftest import candidate_kind
from .registry import SCENARIOS, Scenario
from .scenarios import load

load()
RECORDINGS = Path(__file__).with_name("recorded.json")
# What the candidate tells clients besides when one of its drivers has ended; test_supervision.py looks at that.
NOTICE = re.compile("<message .*message='The driver [^']* has ended ")
RECORDING = os.environ.get("INDIGEVENT_LAB_RECORD") == "1"


@pytest.fixture(scope="module")
def recordings() -> Iterator[dict[str, Transcript]]:
    """Give the recorded transcripts; write what was recorded now."""
    known: dict[str, Transcript] = json.loads(RECORDINGS.read_text()) if RECORDINGS.exists() else {}
    yield known
    if RECORDING:
        kept = {name: known[name] for name in sorted(known) if name in SCENARIOS}
        RECORDINGS.write_text(json.dumps(kept, indent=1) + "\n")


def play(scenario: Scenario, lab: Lab) -> Transcript:
    """Play a scenario and end what it started; leave out what the reference does by chance, and our own notices."""
    try:
        transcript = scenario.play(lab)
    finally:
        lab.close()
    chance = scenario.unpredictable if lab.is_reference else ()
    kept = {party: lines for party, lines in transcript.items() if party not in chance}
    return {party: [line for line in lines if not NOTICE.match(line)] for party, lines in kept.items()}


def expected_of(kind: str, scenario: Scenario, reference: Transcript) -> Transcript:
    """Return the transcript that a server of this kind must give."""
    return reference | (scenario.reference if kind == REFERENCE else scenario.ours)


@pytest.mark.parametrize("name", SCENARIOS)
def test_same_as_reference(
    name: str, open_lab: Callable[[str], Lab], reference_installed: bool, recordings: dict[str, Transcript]
) -> None:
    scenario = SCENARIOS[name]
    if reference_installed:
        reference = play(scenario, open_lab(REFERENCE))
        assert reference == expected_of(REFERENCE, scenario, reference), "the reference itself is not as described"
        if RECORDING:
            recordings[name] = reference
    else:
        reference = recordings[name]
    received = play(scenario, open_lab(candidate_kind()))
    assert received == expected_of(candidate_kind(), scenario, reference)


@pytest.mark.parametrize("name", [s.name for s in SCENARIOS.values() if s.differs])
def test_difference_is_announced(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.differs in COMPATIBILITY
    assert scenario.ours != scenario.reference


def test_every_scenario_is_recorded(recordings: dict[str, Transcript]) -> None:
    assert RECORDING or set(SCENARIOS) == set(recordings)
