"""Everyday use on both servers: in one thread, in four that share a client, and in a program patched by gevent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from indigevent.client import Client
from tests.lab.server import Server, clean_environment
from tests.lab.ways import ROOT
from tests.system.client import everyday


@pytest.fixture(scope="module")
def indi(cameras: Server) -> Iterator[Client]:
    """A client for all of them, so that each test finds what the ones before left behind."""
    with Client("127.0.0.1", cameras.port) as client:
        yield client


@pytest.mark.parametrize("name", everyday.SCENARIOS)
def test_by_one_thread(indi: Client, name: str) -> None:
    everyday.SCENARIOS[name](indi, "Camera 1")


@pytest.mark.parametrize("name", everyday.SCENARIOS)
def test_by_four_threads_that_share_a_client(indi: Client, name: str) -> None:
    everyday.at_once(indi, everyday.SCENARIOS[name])


def test_by_a_program_that_was_patched_after_the_import(cameras: Server) -> None:
    """The main greenlet and the hub's thread are all that is left."""
    words = [sys.executable, "-W", "error", "-m", "tests.system.client.everyday", str(cameras.port), "patched"]
    done = subprocess.run(
        [*words, *everyday.DEVICES],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *passed, left = done.stdout.splitlines()
    assert passed == [f"{name} passed" for name in everyday.SCENARIOS]
    assert left == "['MainThread']"
