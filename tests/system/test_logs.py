"""The log as an operator has it: files that are rotated and moved away, JSON, and outputs that take nothing."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import psutil
import pytest

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, define

DAY = "2026-11-21"
UNREAD_LINES = 5000  # 20 MB
FEW_OTHERS = 10
TOLD = re.compile(
    rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d: (\d+) log lines were lost because nobody read them\n", re.MULTILINE
)


def lines_of(folder: Path) -> list[str]:
    """The lines of all log files, oldest first; what is written meanwhile may be missing."""
    files = sorted(folder.glob("log*"), key=lambda path: int(path.suffix[1:] or 0), reverse=True)
    return [line for path in files for line in path.read_text().splitlines()]


def dated(device: str, text: str) -> str:
    return f"<message device='{device}' timestamp='{DAY}T05:31:42' message='{text}'/>"


def test_a_flood_of_lines_is_rotated_without_a_loss(lab: Lab) -> None:
    folder = lab.folder / "logs"
    folder.mkdir()
    alpha = lab.driver("alpha")
    server = lab.server("--log-file", folder / "log", "--log-rotate", "0.1", "--log-keep", "50", alpha)
    for first in range(0, 10_000, 500):
        alpha.latest.write_stderr(b"".join(b"flood %05d\n" % number for number in range(first, first + 500)))
    assert server.stop() == 0
    found = [line.rpartition(" ")[2] for line in lines_of(folder) if "alpha: flood " in line]
    assert found == [f"{number:05d}" for number in range(10_000)]
    assert len(list(folder.iterdir())) > 3
    assert server.complete_log() == ""


def test_a_log_file_that_was_moved_away_is_made_again_on_sighup(lab: Lab) -> None:
    path, old = lab.folder / "log", lab.folder / "log.old"
    alpha = lab.driver("alpha")
    server = lab.server("--log-file", path, alpha)
    alpha.latest.write_stderr(b"before\n")
    lab.pump.poll(lambda: "alpha: before" in path.read_text(), "the line is written")
    path.rename(old)
    alpha.latest.write_stderr(b"between\n")
    lab.pump.poll(lambda: "alpha: between" in old.read_text(), "the line goes into the moved file")
    os.kill(server.pid, signal.SIGHUP)
    lab.pump.poll(path.exists, "the file is made again")
    alpha.latest.write_stderr(b"after\n")
    lab.pump.poll(lambda: "alpha: after" in path.read_text(), "the line goes into the new file")
    assert "SIGHUP received: the log file is opened anew\n" in path.read_text()
    assert "after" not in old.read_text()
    assert path.stat().st_mode & 0o137 == 0


def test_every_line_of_json_can_be_read_whatever_peers_send(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server("--log-format", "json", "-vvv", alpha)
    names = ["&#10;{", "&quot;, &quot;level&quot;: &quot;error", "\u2028°", "Client 7: x", "&#xD800;", "\\"]
    alpha.send(*map(define, names))
    alpha.send(b"<defTextVector device='\xb0\x01\xff' name='P' state='Idle' perm='ro'/>")
    alpha.latest.write_stderr(b'"} \xff \x1b[31m \r {"\n')
    lab.client(server, "client", EVERYTHING, *(f"<newTextVector device='{name}' name='P'/>" for name in names))
    lab.settle()
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.complete_log().split("\n")[:-1]]
    assert {line["level"] for line in lines} <= {"warning", "info", "debug", "trace"}
    assert {line.get("driver", str(alpha.path)) for line in lines} == {str(alpha.path)}
    assert {line["client"].isdecimal() for line in lines if "client" in line} == {True}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)
    assert f'Driver {alpha.path}: "}} \\xff \x1b[31m \r {{"' in [line["message"] for line in lines]


def test_lines_that_nobody_reads_are_counted_and_told_when_somebody_does(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server("-vv", alpha)
    assert server.process.stderr is not None
    client = lab.client(server, "client", EVERYTHING)
    lab.pump.forget(server.process.stderr.fileno())
    for number in range(UNREAD_LINES):
        alpha.latest.write_stderr(b"%05d %s\n" % (number, b"x" * 4000))
    alpha.send(define("A"))
    client.expect("defNumberVector")
    read = lost = 0
    while read + lost < UNREAD_LINES:
        line = server.process.stderr.readline()
        told = TOLD.fullmatch(line)
        read += b" xxx" in line
        lost += int(told[1]) if told else 0
    assert lost > 0
    assert read + lost <= UNREAD_LINES + FEW_OTHERS


def test_a_full_disk_costs_a_warning_for_each_log_and_nothing_else(lab: Lab) -> None:
    """A limit of the process's file sizes stands in for the disk: writes fail, and succeed again."""
    path, islog = lab.folder / "log", lab.folder / f"{DAY}.islog"
    alpha = lab.driver("alpha")
    server = lab.server("--log-file", path, "-l", lab.folder, alpha)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(dated("A", "fits"))
    lab.pump.poll(islog.exists, "the first message is logged")
    process = psutil.Process(server.pid)
    unlimited = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (0, unlimited[1]))
    for number in range(20):
        alpha.send(dated("A", f"lost {number}"))
        alpha.latest.write_stderr(b"lost\n")
        alpha.ping()
        client.expect("message", message=f"lost {number}")
    server.wait_for_log(r"The log cannot be written to .*/log: File too large; its lines are lost until it can")
    process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    alpha.send(dated("A", "fits again"))
    lab.pump.poll(lambda: "islog again; " in path.read_text(), "both logs are written again")
    lost = re.search(r"messages are logged to .*\.islog again; (\d+) were lost", path.read_text())
    assert lost is not None
    assert int(lost[1]) + len(islog.read_text().splitlines()) == 22
    assert re.search(r"\d+ log lines were lost because they could not be written: File too large\n", path.read_text())
    assert server.stop() == 0
    assert server.complete_log().count("\n") == 1


def test_an_islog_that_nobody_reads_does_not_keep_the_server(lab: Lab) -> None:
    os.mkfifo(lab.folder / f"{DAY}.islog")
    alpha = lab.driver("alpha")
    server = lab.server("-l", lab.folder, alpha)
    client = lab.client(server, "client", EVERYTHING)
    for _ in range(10):
        alpha.send(*[dated("A", "unread " * 200)] * 500)
        alpha.ping()
    client.ping()
    server.wait_for_log("Drivers' messages are not logged to .*: it takes them too slowly")
    assert server.stop() == 0
    assert server.complete_log().count("Drivers' messages") == 1


@pytest.mark.parametrize(
    ("where", "cause"),
    [("missing/log", "No such file or directory"), (".", "Is a directory"), ("fifo", "No such device")],
)
def test_a_log_file_that_cannot_be_opened_is_said_in_a_line(lab: Lab, where: str, cause: str) -> None:
    os.mkfifo(lab.folder / "fifo")
    server = lab.launch("--log-file", lab.folder / where, lab.driver("alpha"))
    assert server.wait_for_exit() == 1
    assert re.fullmatch(
        rf"\S+: the log file {lab.folder / where} cannot be opened: {cause}.*; choose another with --log-file\n",
        server.complete_log(),
    )


def test_log_files_are_not_for_everybody(lab: Lab) -> None:
    before = os.umask(0)
    try:
        lab.server("--log-file", lab.folder / "log", lab.driver("alpha"))
    finally:
        os.umask(before)
    assert (lab.folder / "log").stat().st_mode & 0o777 == 0o640
