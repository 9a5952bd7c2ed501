"""Fixtures of the tools' tests: one server for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab

from ..conftest import candidate_kind
from .observatory import Observatory


@pytest.fixture(scope="module")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """Give a server with the notebook's devices."""
    lab = Lab(candidate_kind(), tmp_path_factory.mktemp("tools"))
    yield Observatory(lab)
    lab.close()


@pytest.fixture
def client(observatory: Observatory) -> ScriptedClient:
    """Give a client that can make devices do something."""
    return observatory.lab.client(observatory.server, "actor")
