"""No row without a test."""

from __future__ import annotations

import re
from pathlib import Path

ROWS = 25


def test_every_row_has_a_test() -> None:
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_row*.py")]
    found = {int(number) for text in texts for number in re.findall(r"^def test_row_(\d\d)_", text, re.MULTILINE)}
    assert found == set(range(1, ROWS + 1))
