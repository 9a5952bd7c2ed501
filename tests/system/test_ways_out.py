"""What an everyday mistake on the command line has the server say: the thing, the cause, and the way out."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable

import pytest

from tests.lab.lab import Lab
from tests.lab.server import Server, free_port


def script(lab: Lab, mode: int, text: str = f"#!{sys.executable}\n") -> str:
    """A driver's script in the folder where servers are started."""
    path = lab.folder / "driver.py"
    path.write_text(text)
    path.chmod(mode)
    return path.name


def same_port(lab: Lab) -> Server:
    port = free_port()
    return lab.launch("--metrics", port, "/bin/cat", port=port)


def being_written(lab: Lab) -> Server:
    path = lab.folder / "driver"
    shutil.copy("/bin/cat", path)
    with path.open("ab"):
        server = lab.launch(path)
        server.wait_for_log("cannot be executed")
    return server


MISTAKES: dict[str, Callable[[Lab], Server]] = {
    "Permission denied; make it executable: chmod +x ./driver.py": lambda lab: lab.launch(f"./{script(lab, 0o644)}"),
    "check its name and PATH; the one in this folder is called ./driver.py": lambda lab: lab.launch(
        script(lab, 0o755), PATH="/usr/bin"
    ),
    "Permission denied; it is a folder: name the program in it": lambda lab: lab.launch("./"),
    "the file is there: check its first line, as in #!/usr/bin/env python3": lambda lab: lab.launch(
        f"./{script(lab, 0o755, '#!/nowhere/python')}"
    ),
    "Text file busy; somebody writes to it: wait until that is done": being_written,
    " is a folder; name a file in it with --fifo, and the FIFO is made there": lambda lab: lab.launch("-f", lab.folder),
    "cannot be used: No such file or directory; make the folder /nowhere, or": lambda lab: lab.launch(
        "-f", "/nowhere/fifo"
    ),
    "/proc/fifo cannot be used: No such file or directory; choose another place with --fifo": lambda lab: lab.launch(
        "-f", "/proc/fifo"
    ),
    "environment variable INDIGEVENT_PROT is not known and changes nothing; did you mean INDIGEVENT_PORT?": (
        lambda lab: lab.launch("/bin/cat", INDIGEVENT_PROT="1", INDIGEVENT_LAB_RECORD="1")
    ),
    " is both --port and --metrics; choose another for one of them": same_port,
    "Drivers' messages are not logged to /proc: ": lambda lab: lab.launch("-l", "/proc", "/bin/cat"),
    ": File name too long; let this server's user write there, or choose another with --islog": lambda lab: lab.launch(
        "-l", "x" * 300, "/bin/cat"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_way_out(text: str, lab: Lab) -> None:
    server = MISTAKES[text](lab)
    server.wait_for_log(re.escape(text))
    assert "Traceback" not in server.log
