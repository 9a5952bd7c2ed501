"""Fixtures of the system tests: laboratories for either kind of server."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, REFERENCE

NO_REFERENCE = "indiserver is not installed (apt-get install indi-bin)"


def candidate_kind() -> str:
    """Return the kind of server under test; INDIGEVENT_LAB_CANDIDATE=reference compares the reference with itself."""
    return os.environ.get("INDIGEVENT_LAB_CANDIDATE", CANDIDATE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the system tests where descriptors, abstract sockets and /proc are not Linux's."""
    if not sys.platform.startswith("linux"):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="the laboratory needs Linux (/proc, abstract sockets)"))


@pytest.fixture(scope="session")
def reference_installed() -> bool:
    """Tell whether the reference can be run here."""
    return shutil.which("indiserver") is not None


@pytest.fixture
def open_lab(tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """Give a function that opens a laboratory of a kind; all are closed at the end."""
    labs: list[Lab] = []

    def open_one(kind: str) -> Lab:
        folder = tmp_path / f"{kind}{len(labs)}"
        folder.mkdir()
        labs.append(Lab(kind, folder))
        return labs[-1]

    yield open_one
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(open_lab: Callable[[str], Lab]) -> Lab:
    """Give a laboratory of the candidate's kind."""
    return open_lab(candidate_kind())


@pytest.fixture
def reference_lab(open_lab: Callable[[str], Lab], reference_installed: bool) -> Lab:
    """Give a laboratory of the reference's kind, or skip."""
    if not reference_installed:
        pytest.skip(NO_REFERENCE)
    return open_lab(REFERENCE)
