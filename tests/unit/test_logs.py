"""The log's writer and its outputs, in this process: rotation, what cannot be written, JSON of hostile names."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import stat
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import FrameType

import pytest

from indigevent.errors import ConfigError
from indigevent.log_output import LogFile
from indigevent.logs import TRACE, LogWriter, log

DEADLINE_S = 20.0
DAY_S = 86400


class Logging:
    """Begins to write `indigevent`'s log, and ends."""

    def __init__(self) -> None:
        self._writers: list[LogWriter] = []

    def begin(self, file: LogFile, is_json: bool = False, verbosity: int = 1) -> LogWriter:
        self._writers.append(LogWriter(verbosity, is_json, file))
        return self._writers[-1]

    def end(self) -> None:
        """Return when all is written."""
        while self._writers:
            self._writers.pop().close()


@pytest.fixture
def logging_() -> Iterator[Logging]:
    """Give a log that nobody writes yet; all is as before at the end."""
    propagated, level = log.propagate, log.level
    one = Logging()
    yield one
    one.end()
    log.propagate, log.level = propagated, level


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}"
        os.sched_yield()


def content(path: Path) -> str:
    """What is in a file, if it is there now."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    return ""


def texts(path: Path) -> list[str]:
    """The lines of a log file without their time."""
    return [line.split(": ", 1)[1] for line in path.read_text().splitlines()]


def test_rotation_by_size_loses_no_line(tmp_path: Path, logging_: Logging) -> None:
    writer = logging_.begin(LogFile(str(tmp_path / "log"), max_bytes=100_000, keep=30))
    for first in range(0, 10_000, 1000):
        for number in range(first, first + 1000):
            log.info("line %05d", number)
        wait_until(lambda last=first + 999: f"line {last:05d}\n" in content(tmp_path / "log"), "all are written")
    logging_.end()
    files = sorted(tmp_path.iterdir(), key=lambda path: int(path.suffix[1:] or 0), reverse=True)
    assert [text for path in files for text in texts(path)] == [f"line {number:05d}" for number in range(10_000)]
    assert len(files) > 2
    assert all(path.stat().st_size <= 100_000 for path in files)
    assert writer.lost_lines == 0


@pytest.mark.parametrize("keep", [0, 2])
def test_as_many_older_files_are_kept_as_asked_for(tmp_path: Path, keep: int) -> None:
    file = LogFile(str(tmp_path / "log"), max_bytes=3, keep=keep)
    for number in range(6):
        file.write(b"%d\n" % number)
    file.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "log": "5\n",
        **{f"log.{number}": f"{5 - number}\n" for number in range(1, keep + 1)},
    }


def test_a_new_file_begins_every_day(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("yesterday\n")
    os.utime(path, (time.time() - DAY_S,) * 2)
    file = LogFile(str(path), is_daily=True)
    file.write(b"today\n")
    file.write(b"later\n")
    file.close()
    assert (path.read_text(), (tmp_path / "log.1").read_text()) == ("today\nlater\n", "yesterday\n")


def test_a_file_that_cannot_be_rotated_grows_and_says_so_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log"
    (tmp_path / "log.1").mkdir()
    file = LogFile(str(path), max_bytes=10, keep=1)
    for _ in range(4):
        file.write(b"line\n")
    file.close()
    assert path.read_text() == "line\n" * 4
    assert capfd.readouterr().err.count(f"The log file {path} grows: ") == 1


def test_a_disk_that_fills_costs_one_warning_and_no_half_line(
    tmp_path: Path, logging_: Logging, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log"
    writer = logging_.begin(LogFile(str(path)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # "File too large" is like "No space left on device"
    try:
        for number in range(3):
            log.info("line %d %s", number, "x" * 600)
            wait_until(lambda lost=number: path.stat().st_size and writer.lost_lines >= lost, "it is written or lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.info("again")
    logging_.end()
    assert texts(path)[1:] == ["2 log lines were lost because they could not be written: File too large", "again"]
    assert writer.lost_lines == 2
    assert capfd.readouterr().err.count(f"The log cannot be written to {path}: File too large") == 1


def test_what_nobody_reads_is_counted_where_it_is_missing(tmp_path: Path, logging_: Logging) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = logging_.begin(LogFile(str(path)), is_json=True)
    sent = 0
    while not writer.lost_lines:
        log.info("line %d", sent)
        sent += 1
    lost = writer.lost_lines
    assert lost == 1
    read = b""

    def read_until(text: bytes) -> None:
        nonlocal read
        os.set_blocking(reader, True)
        while text not in read:
            read += os.read(reader, 1 << 16)

    read_until(b"nobody read them")
    log.info("the last")
    read_until(b"the last")
    os.close(reader)
    messages = [json.loads(line)["message"] for line in read.splitlines()]
    assert messages == [
        *(f"line {number}" for number in range(sent - 1)),
        "1 log lines were lost because nobody read them",
        "the last",
    ]


def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path, logging_: Logging) -> None:
    path = tmp_path / "log"
    writer = logging_.begin(LogFile(str(path)))
    log.info("before")
    wait_until(path.read_text, "the first line is written")
    path.rename(tmp_path / "old")
    writer.reopen()
    wait_until(path.exists, "the file is there, without a line to write")
    log.info("after")
    logging_.end()
    assert (texts(tmp_path / "old"), texts(path)) == (["before"], ["after"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 & ~umask()


def test_a_file_that_was_deleted_is_made_again_and_what_is_lost_until_then_is_counted(
    tmp_path: Path, logging_: Logging, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "log"
    writer = logging_.begin(LogFile(str(path)))
    log.info("before")
    wait_until(lambda: content(path), "the first line is written")
    path.unlink()
    folder.rmdir()
    for number in range(1, 4):
        log.info("nowhere")
        wait_until(lambda count=number: writer.lost_lines == count, "the line is given up")
    folder.mkdir()
    log.info("after")
    logging_.end()
    assert texts(path) == [
        "3 log lines were lost because they could not be written: No such file or directory",
        "after",
    ]
    assert capfd.readouterr().err.count("cannot be written") == 1


def umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def test_a_file_that_is_moved_away_at_any_instant_of_a_write_is_made_again_by_the_next_one(tmp_path: Path) -> None:
    """What logrotate does comes from another process, at any time: each line of the code is such a time."""
    instants = 0
    for number in count():
        file, path = moved_once(tmp_path / str(number))
        instants = 0

        def at_each_line(
            frame: FrameType, event: str, _: object, file: LogFile = file, path: Path = path, number: int = number
        ) -> Callable[..., object]:
            nonlocal instants
            if event == "line" and frame.f_code.co_filename.endswith("log_output.py"):
                if instants == number and path.exists():
                    path.rename(path.with_suffix(".second"))
                    file.reopen()
                instants += 1
            return at_each_line

        sys.settrace(at_each_line)
        try:
            file.write(b"meanwhile\n")
        finally:
            sys.settrace(None)
        file.write(b"after\n")
        file.close()
        assert path.exists(), number
        assert sorted(b"".join(each.read_bytes() for each in path.parent.iterdir()).split()) == [b"after", b"meanwhile"]
        if instants < number:
            break
    assert instants > 10


def moved_once(folder: Path) -> tuple[LogFile, Path]:
    """A log file that was moved away, and is to be opened anew."""
    folder.mkdir()
    path = folder / "log"
    file = LogFile(str(path))
    path.rename(folder / "log.first")
    file.reopen()
    return file, path


def test_when_the_file_cannot_be_opened_anew_the_log_stays_in_the_old_one(
    tmp_path: Path, logging_: Logging, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = logging_.begin(LogFile(str(folder / "log")))
    folder.rename(tmp_path / "moved")
    writer.reopen()
    log.info("after")
    logging_.end()
    assert texts(tmp_path / "moved" / "log") == ["after"]
    assert capfd.readouterr().err.count("cannot be opened anew: No such file or directory") == 1


def test_a_log_file_that_cannot_be_opened_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened: Is a directory; choose another with --log-file"):
        LogFile(str(tmp_path))


HOSTILE = ['A"}\n{"level": "error', "Driver B: x", "Klasse\u2028\x85\x00°\ud800", "%s %d", "{", ""]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_json_says_whom_a_line_is_about_whatever_the_name(tmp_path: Path, logging_: Logging, name: str) -> None:
    logging_.begin(LogFile(str(tmp_path / "log")), is_json=True, verbosity=3)
    log.warning("Driver %s: restart #%d", name, 1)
    log.info("%s: %s", f"Driver {name}", "Client 7: it only says so")
    log.log(TRACE, "%s: read %s", "Client 12", name)
    log.warning("FIFO: %s", f"Driver {name}: no")
    log.getChild(f"driver.{name or 'none'}").info("of its own")
    try:
        raise ValueError(name)
    except ValueError:
        log.exception("Greenlet %r failed", name)
    logging_.end()
    shown = name.encode(errors="backslashreplace").decode()
    lines = [json.loads(line) for line in (tmp_path / "log").read_bytes().split(b"\n")[:-1]]
    assert [line["level"] for line in lines] == ["warning", "info", "trace", "warning", "info", "error"]
    peers = [{key: line[key] for key in ("driver", "client") if key in line} for line in lines]
    assert peers == [{"driver": shown}, {"driver": shown}, {"client": "12"}, {}, {"driver": shown or "none"}, {}]
    assert lines[0]["message"] == f"Driver {shown}: restart #1"
    assert "Traceback" in lines[5]["traceback"]
    assert all(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S") and line["time"][-1] == "Z" for line in lines)
