"""Plays in processes of their own: a time limit for each, nothing left behind, and the table of all answers."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from tests.lab.server import CANDIDATE, REFERENCE

from .plays import ROWS, Row
from .stage import Stage

KINDS = [CANDIDATE, REFERENCE]
_PR_SET_CHILD_SUBREAPER = 36
_HEADS = {CANDIDATE: "indigevent", REFERENCE: "indiserver"}


def adopt_orphans() -> None:
    """Become the parent of what a server leaves behind, so that it can be found and ended (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_in_order() -> None:
    """Have SIGTERM do what Ctrl-C does: leave, and leave nothing behind."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def play_apart(row: Row, kind: str) -> str:
    """Play a row on a kind of server in another process; return what it says, or that it did not come to an end."""
    if kind == REFERENCE and shutil.which("indiserver") is None:
        return "indiserver is not installed"
    ours, its = multiprocessing.Pipe(duplex=False)
    folder = tempfile.mkdtemp(prefix="indigevent-fault-")
    process = multiprocessing.get_context("fork").Process(target=_play, args=(row, kind, folder, its))
    process.start()
    its.close()
    try:
        if not ours.poll(row.limit_s):
            return f"no end within {row.limit_s:.0f} s"
        return str(ours.recv())
    except EOFError:
        return "the play itself failed; see above"
    finally:
        ours.close()
        process.join(5)
        end_all_below(os.getpid())
        process.join(5)
        shutil.rmtree(folder, ignore_errors=True)


def end_all_below(pid: int) -> None:
    """Kill all descendants of a process, those that come meanwhile too, and wait for them."""
    while children := psutil.Process(pid).children(recursive=True):
        for child in children:
            try:
                child.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        for child in children:
            try:
                os.waitpid(child.pid, 0)
            except ChildProcessError:
                continue


def table(found: dict[int, dict[str, str]], kinds: Sequence[str]) -> str:
    """What was seen, in Markdown."""
    lines = [f"| # | fault | {' | '.join(_HEADS[kind] for kind in kinds)} |", f"| --- | --- {'| --- ' * len(kinds)}|"]
    for number, answers in found.items():
        cells = " | ".join(answers[kind].replace("|", "\\|") for kind in kinds)
        lines.append(f"| {number} | {ROWS[number].fault} | {cells} |")
    return "\n".join(lines)


def _play(row: Row, kind: str, folder: str, answer: Connection) -> None:
    """In the other process, which has nothing to tidy up: who started it ends everything below."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    adopt_orphans()
    stage = Stage(kind, Path(folder))
    try:
        said = row.play(stage)
    except Exception as error:  # the table is to be complete, and to say so
        said = f"the play failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        print(f"{error}", file=sys.stderr)
    answer.send(said)
    stage.close()
