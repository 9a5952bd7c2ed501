"""The ways to have Python drivers served: the same classes as programs, by name, and embedded in a program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from importlib import import_module
from pathlib import Path

from .lab import Lab
from .server import CANDIDATE, COMMANDS, REFERENCE, Server

ROOT = Path(__file__).parents[2]
EMBEDDING_PROGRAM = [sys.executable, "-m", "tests.drivers.embedding_program"]
DRIVERS = ("tests.drivers.bench:Bench", "tests.drivers.company:Company", "tests.drivers.worker:Worker")


class Way(Enum):
    """How they are served; the value is the kind of server and, for embedded ones, its program's options."""

    PROGRAM = (CANDIDATE,)
    REFERENCE = (REFERENCE,)
    NAME = (CANDIDATE, "")
    THREADS = ("embedded",)
    GREENLETS = ("embedded", "--cooperative")
    PATCHED_THREADS = ("embedded", "--patch")
    PATCHED_GREENLETS = ("embedded", "--patch", "--cooperative")

    @property
    def kind(self) -> str:
        """The laboratory's word for the server."""
        if not self.is_embedded:
            return self.value[0]
        kind = " ".join(self.value)
        COMMANDS[kind] = [*EMBEDDING_PROGRAM, *self.value[1:]]
        return kind

    @property
    def is_embedded(self) -> bool:
        """Whether the drivers run in the server's process."""
        return self.value[0] == "embedded"


def serve(lab: Lab, way: Way, drivers: Sequence[str] = DRIVERS, flags: Sequence[str] = ("-r", "0")) -> Server:
    """Start a server of the laboratory that serves `module:Class` drivers in this way; a program takes no `flags`."""
    words = drivers
    if way in (Way.PROGRAM, Way.REFERENCE):
        words = [str(program(lab.folder, name)) for name in drivers]
    options = [] if way.is_embedded else ["-v", *flags]
    home = {"HOME": str(lab.folder), "PYTHONPATH": str(ROOT), "INDICONFIG": str(lab.folder / "config.xml")}
    return lab.server(*options, *words, **home)


def program(folder: Path, driver: str) -> Path:
    """Make an executable that is the driver's own program, as `python bench.py` is."""
    module = import_module(driver.split(":", maxsplit=1)[0])
    path = folder / Path(module.__file__ or "").stem
    path.write_text(f"#!/bin/sh\nexec {sys.executable} {module.__file__}\n")
    path.chmod(0o755)
    return path
