"""How many warnings others may cause, however many they are."""

from __future__ import annotations

import pytest

from indigevent.logs import log
from indigevent.server.clients.lines import Lines


def test_many_causes_together_cause_no_more_than_what_is_remembered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", True)
    lines = Lines()
    for number in range(3000):
        lines.warn(f"Clients from {number}", "%d", number)
    assert caplog.messages == [
        *map(str, range(1030)),
        "Many others: there is no end of warnings about them; more are only counted for a minute",
    ]
