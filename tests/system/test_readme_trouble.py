"""The texts that the README's chapter for trouble quotes are what the server says when just that is wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.server import Server, free_port
from tests.unit.test_readme import README


def script(folder: Path, mode: int) -> str:
    """A driver's script for an interpreter that sees no installed packages."""
    path = folder / "driver.py"
    path.write_text(f"#!{sys.executable} -IS\nimport indigevent\n")
    path.chmod(mode)
    return "./driver.py"


def beside_another(lab: Lab) -> Server:
    first = lab.server("--fifo", "fifo")
    return lab.launch("--fifo", "fifo", port=first.port)


TROUBLE: dict[str, Callable[[Lab], Server]] = {
    "port 7624 is in use": beside_another,
    "cannot be executed: No such file or directory": lambda lab: lab.launch("driver.py", PATH="/usr/bin"),
    "cannot be executed: Permission denied": lambda lab: lab.launch(script(lab.folder, 0o644)),
    "there is no module dew_heater on Python's path": lambda lab: lab.launch("dew_heater:DewHeater"),
    "ModuleNotFoundError: No module named 'indigevent'": lambda lab: lab.launch(script(lab.folder, 0o755)),
    "cannot be reached (Connection refused)": lambda lab: lab.launch(f"@127.0.0.1:{free_port()}"),
}


@pytest.mark.parametrize("text", TROUBLE)
def test_what_is_quoted_is_said(text: str, lab: Lab) -> None:
    assert f"\n| `{text}`" in README.read_text(encoding="utf-8")
    server = TROUBLE[text](lab)
    server.wait_for_log(re.escape(text.replace("7624", str(server.port))))
