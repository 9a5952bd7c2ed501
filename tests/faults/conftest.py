"""The laboratory's fixtures, and room for many connections in this process."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import lab, open_lab

__all__ = ["lab", "open_lab"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Linux's /proc, abstract sockets and descriptors."""
    if not sys.platform.startswith("linux"):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="the laboratory needs Linux (/proc, abstract sockets)"))


@pytest.fixture(scope="session", autouse=True)
def descriptors() -> Iterator[None]:
    """Let this process, and what it starts, open as many descriptors as there may be."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
