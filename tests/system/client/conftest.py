"""Fixtures: four cameras served by either server, for all tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, REFERENCE, Server
from tests.lab.ways import Way, serve
from tests.system.conftest import NO_REFERENCE

QUARTET = "tests.drivers.quartet:Quartet"
WAYS = {CANDIDATE: Way.PROGRAM, REFERENCE: Way.REFERENCE}


@pytest.fixture(params=(CANDIDATE, REFERENCE))
def either_lab(request: pytest.FixtureRequest, open_lab: Callable[[str], Lab], reference_installed: bool) -> Lab:
    """Give a laboratory of either kind, one after the other."""
    if request.param == REFERENCE and not reference_installed:
        pytest.skip(NO_REFERENCE)
    return open_lab(request.param)


@pytest.fixture(scope="module", params=(CANDIDATE, REFERENCE))
def cameras(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, reference_installed: bool
) -> Iterator[Server]:
    """Four cameras, served by ours or by the reference."""
    if request.param == REFERENCE and not reference_installed:
        pytest.skip(NO_REFERENCE)
    lab = Lab(request.param, tmp_path_factory.mktemp("cameras"))
    try:
        yield serve(lab, WAYS[request.param], [QUARTET])
    finally:
        lab.close()
