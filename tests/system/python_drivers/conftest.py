"""Fixtures: the drivers served in one way after the other, and clients of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import pytest

from tests.lab.device_client import DeviceClient, visit
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.ways import Way, serve
from tests.system.conftest import NO_REFERENCE

RAISED_BY_THE_DRIVERS = {"OSError", "ValueError", "ZeroDivisionError", "NotADirectoryError"}


class Place:
    """A server that serves the drivers, in its laboratory."""

    def __init__(self, way: Way, lab: Lab) -> None:
        self.way = way
        self.lab = lab
        self.server: Server = serve(lab, way)

    def visit(self, device: str, local: bool = False) -> DeviceClient:
        return visit(self.lab, self.server, device, local)


@pytest.fixture(scope="session", params=Way, ids=lambda way: way.name.lower())
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, reference_installed: bool
) -> Iterator[Place]:
    """Serve Bench, Company and Worker for all tests of a way; the log is to show no errors but the drivers' own."""
    way: Way = request.param
    if way is Way.REFERENCE and not reference_installed:
        pytest.skip(NO_REFERENCE)
    lab = Lab(way.kind, tmp_path_factory.mktemp("place"))
    served = Place(way, lab)
    yield served
    lab.close()
    raised = set(re.findall(r"^(?:[^ ]+: Driver .*: )?(\w+(?:Error|Exception)): ", served.server.log, re.MULTILINE))
    assert raised <= RAISED_BY_THE_DRIVERS


@pytest.fixture
def visitor(place: Place) -> Iterator[Callable[..., DeviceClient]]:
    """Give a function that makes clients, which leave at the end."""
    with contextlib.ExitStack() as stack:

        def make(device: str, local: bool = False) -> DeviceClient:
            made = place.visit(device, local)
            stack.callback(made.client.close)
            return made

        yield make


@pytest.fixture
def bench(visitor: Callable[..., DeviceClient]) -> DeviceClient:
    """The device, connected, seen by a client over TCP."""
    seen = visitor("Bench")
    seen.connect()
    seen.definition("LABELS")
    return seen


@pytest.fixture
def local_bench(visitor: Callable[..., DeviceClient], bench: DeviceClient) -> DeviceClient:
    """The same device, seen by a client over the local socket."""
    return visitor("Bench", local=True)
