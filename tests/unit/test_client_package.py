"""The package: every name is there when it is asked for, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import indigevent.client
from tests.lab.server import clean_environment


@pytest.mark.parametrize("name", indigevent.client.__all__)
def test_each_name_can_be_imported(name: str) -> None:
    assert getattr(indigevent.client, name).__name__ == name
    assert name in dir(indigevent.client)


def test_what_is_not_there_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Server'"):
        indigevent.client.Server  # noqa: B018


def test_a_part_is_imported_without_the_others() -> None:
    """The tools start often; XML and TLS take as long to import as all else."""
    program = "import sys, indigevent.client.model; sys.exit({'ssl', 'xmltodict'} & set(sys.modules) != set())"
    done = subprocess.run([sys.executable, "-c", program], env=clean_environment(), timeout=60, check=False)
    assert done.returncode == 0
