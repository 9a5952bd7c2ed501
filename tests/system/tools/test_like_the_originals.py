"""Forty command lines through the reference's tools and ours: the same output, files, exit status and commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.lab import Lab
from tests.lab.server import clean_environment
from tests.lab.ways import ROOT

from ..conftest import candidate_kind
from .observatory import DEADLINE_S, Done, Observatory, have_reference

pytestmark = pytest.mark.skipif(not have_reference(), reason="indi-bin is not installed")
ORIGINALS = {"getprop": "indi_getprop", "setprop": "indi_setprop", "eval": "indi_eval"}
TELESCOPE, CCD = "Telescope Simulator", "CCD Simulator"
GETPROP: tuple[tuple[str, ...], ...] = (
    ("*.*.*",),
    ("-w", "Notebook.*.*"),
    (f"{TELESCOPE}.*.*",),
    (f"{CCD}.*._STATE", f"{CCD}.*._PERM"),
    ("*.CONNECTION.*", "*.DRIVER_INFO.DRIVER_NAME"),
    ("*.*._LABEL", "*.*._GROUP"),
    ("-1", "Notebook.NUMBERS.RA"),
    ("-1", "Notebook.NUMBERS.*"),
    ("-1", "Notebook.NUMBERS.RA", "Notebook.NUMBERS.SMALL"),
    ("-1", "Notebook.TEXTS.LONG"),
    ("-1", "Notebook.TEXTS.EMPTY"),
    ("Notebook.TEXTS.*",),
    ("Notebook.*._TO", "Notebook.*._TS", "Notebook.LIGHTS._PERM"),
    ("Notebook.SECRET.WORD",),
    ("-1w", "Notebook.SECRET.WORD"),
    ("Notebook.NUMBERS.RA", "Notebook.NUMBERS.RA", "No.Such.One"),
    ("Notebook.NUMBERS.R*",),
    ("Notebook.*x.*x", "**.LIGHTS.LAMP"),
    ("Notebook.NUMBERS.RA.more",),
    ("Notebook.NUMBERS",),
    ("-x", "Notebook.NUMBERS.RA"),
    ("-m", "Notebook.SWITCHES.*"),
    ("-t",),
)
SETPROP: tuple[tuple[str, ...], ...] = (
    ("Sink.N.a=5",),
    ("Sink.N.a;b=12:30:15;6",),
    ("Sink.N.a=5;b=6", "-x", "Sink.T.t=a=b c"),
    ("-n", "Sink.N.b=-1e3", "Sink.S.s1;s2=Off;On"),
    ("-s", "Sink.S.s2=On"),
    ("Sink.T.t=  x  ",),
    ("Sink.FIXED.t=1",),
    ("Sink.L.l=Ok",),
    ("Sink.*.a=1",),
    ("Sink.N.a=1;2",),
    ("Sink.N.a",),
    (),
)
EVAL: tuple[tuple[str, ...], ...] = (
    ("-f", '"Notebook.NUMBERS.DECIMAL"*2 + pow(2,3)/sqrt(16) - "Notebook.LIGHTS.LAMP"'),
    ("-oe", '"Notebook.SWITCHES.LEFT" && "Notebook.SWITCHES._STATE"==2'),
    ("-f", '!"Notebook.SWITCHES.LEFT" || "Notebook.NUMBERS.SMALL" > 1'),
    ("-f", '"Notebook.TEXTS.SPACES"==1'),
    ("-w", '"Notebook.NUMBERS.DECIMAL" < 0'),
    ("-bf", "2"),
    ("-f", '"Notebook.NUMBERS._TS" > 0'),
    ("-f", "(1+2"),
    ("1", "2"),
)
COMMANDS = [
    *(("getprop", words) for words in GETPROP),
    *(("setprop", words) for words in SETPROP),
    *(("eval", words) for words in EVAL),
]
# The reference ends when it has nothing new for so long, and at once where it can; 42 at once share the processors.
_TIMEOUT = ("-t", "2")


def run_ours(observatory: Observatory) -> list[Done]:
    """Run all commands with our tools."""
    folders = [observatory.folder() for _ in COMMANDS]
    where = [*observatory.where(), *_TIMEOUT]
    jobs = [(tool, [*where, *words], str(folder)) for (tool, words), folder in zip(COMMANDS, folders, strict=True)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.tools.forge"],
        input=json.dumps(jobs),
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=ROOT,
        timeout=DEADLINE_S,
        check=True,
    )
    outputs = [folder.with_name(folder.name + ".output").read_bytes() for folder in folders]
    errors = [folder.with_name(folder.name + ".errors").read_text() for folder in folders]
    return [Done(*each) for each in zip(json.loads(done.stdout), outputs, errors, folders, strict=True)]


def run_originals(observatory: Observatory) -> list[Done]:
    """Run all commands with the reference's tools."""
    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        return list(pool.map(lambda each: observatory.run_reference(ORIGINALS[each[0]], *_TIMEOUT, *each[1]), COMMANDS))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Done], list[Done], list[str], list[str]]]:
    """Give how all commands ended with the reference's tools and with ours, and what the driver was asked for."""
    lab = Lab(candidate_kind(), tmp_path_factory.mktemp("compared"))
    try:
        observatory = Observatory(lab, with_simulators=True)
        theirs = run_originals(observatory)
        first = observatory.notes.read_text().splitlines()
        ours = run_ours(observatory)
        second = observatory.notes.read_text().splitlines()[len(first) :]
        yield theirs, ours, first, second
    finally:
        lab.close()


def named(index: int) -> str:
    """A test's name: its command line."""
    tool, words = COMMANDS[index]
    return " ".join([tool, *words])


@pytest.mark.parametrize("index", range(len(COMMANDS)), ids=named)
def test_same_output_files_and_status(index: int, runs: tuple[list[Done], list[Done], list[str], list[str]]) -> None:
    theirs, ours = runs[0][index], runs[1][index]
    assert ours.status == theirs.status, ours.errors
    # What a driver defines for one client goes to all: lines may come once more, for whoever looks at many.
    assert set(ours.output.split(b"\n")) == set(theirs.output.split(b"\n"))
    assert ours.files == theirs.files
    if COMMANDS[index][0] == "eval" and theirs.status < 2 and "Usage" not in theirs.errors:
        assert ours.errors == theirs.errors


def test_the_driver_is_asked_for_the_same(runs: tuple[list[Done], list[Done], list[str], list[str]]) -> None:
    _, _, theirs, ours = runs
    assert len(theirs) == 8
    assert sorted(ours) == sorted(theirs)


def test_a_listing_is_the_same_when_nobody_else_asks(observatory: Observatory) -> None:
    theirs = observatory.run_reference("indi_getprop", "-t", "1")
    ours = observatory.run("getprop", "-t", "1")
    assert ours.output == theirs.output
    assert ours.files == theirs.files
