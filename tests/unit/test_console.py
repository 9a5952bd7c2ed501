"""What `indigevent-ctl` shows: figures, tables that no name can break, and lines that fit the window."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from indigevent.cli import ctl
from indigevent.console.figures import duration, rates, size
from indigevent.console.requests import NoServer, find_path
from indigevent.console.screen import fit, written
from indigevent.console.tables import Line, Sample, client_lines, event_lines, status_lines
from indigevent.console.text import clean, cut, visible
from indigevent.control import possible_paths

COUNTERS = {"received_messages": 100, "received_bytes": 5000, "sent_messages": 10, "sent_bytes": 400}


def driver(name: str = "indi_simulator_ccd", **changes: Any) -> dict[str, Any]:
    row = {
        "name": name,
        "kind": "local",
        "state": "RUNNING",
        "command": name,
        "pid": 4711,
        "uptime_s": 11520.0,
        "restarts": 0,
        "next_start_s": None,
        "last_exit": "",
        "devices": ["CCD Simulator"],
        **COUNTERS,
        "queue_bytes": 0,
        "malformed": 0,
        "repaired": 0,
        "cpu_percent": 2.4,
        "memory_bytes": 12_400_000,
        "descriptors": 5,
        "threads": 2,
    }
    return {**row, **changes}


def client(number: int = 7, **changes: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "address": "127.0.0.1:40112",
        "kind": "tcp",
        "user": "",
        "certificate": "",
        "connected_s": 61.0,
        "rule": "",
        "read_only": False,
        "subscriptions": ["everything"],
        **COUNTERS,
        "queue_bytes": 0,
    }
    return {**row, **changes}


def status(*drivers: dict[str, Any], clients: tuple[dict[str, Any], ...] = (), **counters: Any) -> dict[str, Any]:
    server = {
        "version": "1.2.3",
        "pid": 99,
        "uptime_s": 200.0,
        "listening": ["127.0.0.1:7624"],
        "local_socket": "/tmp/indiserver",
        "config_file": None,
        "cpu_percent": 1.0,
        "cpu_seconds": 10.0,
        "memory_bytes": 48e6,
        "descriptors": 23,
        "threads": 3,
        "greenlets": 14,
    }
    return {"server": server, "drivers": list(drivers), "clients": list(clients), "counters": counters}


def texts(lines: list[Line]) -> list[str]:
    return [visible(line.text) for line in lines]


def row_of(lines: list[Line], beginning: str) -> str:
    return next(text for text in texts(lines) if text.strip().startswith(beginning))


def test_a_status_shows_the_server_its_drivers_and_its_clients() -> None:
    shown = texts(status_lines(Sample(status(driver(), clients=(client(),), refused={"network": 3}), 0.0), None))
    assert shown[0].split() == [
        *("indigevent", "1.2.3", "pid", "99", "up", "3m", "20s", "CPU", "1%", "48", "MB"),
        *("23", "descriptors", "3", "threads", "14", "greenlets", "1", "driver", "1", "client"),
    ]
    assert shown[1:3] == ["listens on 127.0.0.1:7624  @/tmp/indiserver", "refused: network 3"]
    drivers, clients = "\n".join(shown[3:6]), "\n".join(shown[6:])
    for word in ("DRIVER", "indi_simulator_ccd", "RUNNING", "4711", "3h 12m", "2%", "12.4 MB", "CCD Simulator"):
        assert word in drivers
    for word in ("CLIENT", "7", "127.0.0.1:40112", "1m 1s", "everything"):
        assert word in clients


def test_rates_are_what_came_between_two_looks_divided_by_the_time() -> None:
    before = status(driver(), clients=(client(),))
    grown = {"received_messages": 125, "received_bytes": 8000, "sent_messages": 11, "sent_bytes": 400}
    after = status(driver(**grown), driver("new"), clients=(client(**grown),))
    lines = status_lines(Sample(after, 12.0), Sample(before, 10.0))
    assert "12.5/s 1.50 kB/s  0.50/s 0 B/s" in row_of(lines, "indi_simulator_ccd")
    assert "12.5/s 1.50 kB/s  0.50/s 0 B/s" in row_of(lines, "7")
    assert "/s" not in row_of(lines, "new")


def test_counters_that_began_again_are_no_negative_rate() -> None:
    found = rates({**COUNTERS, "received_messages": 1}, COUNTERS, 1.0)
    assert found is not None and found["received_messages"] == 0


def test_a_driver_in_trouble_stands_out_and_says_why_and_the_way_out() -> None:
    waiting = driver("one", state="BACKOFF", devices=[], next_start_s=3.2, last_exit="status 1")
    given_up = driver("my driver", state="FATAL", devices=[], last_exit="by SIGSEGV")
    lines = status_lines(Sample(status(waiting, given_up, driver("well", last_exit="status 1")), 0.0), None)
    assert "  next start in 3s  " in row_of(lines, "one ")
    assert row_of(lines, "one:") == "one: status 1"
    assert row_of(lines, "my driver:") == "my driver: by SIGSEGV; indigevent-ctl reset 'my driver' starts it again"
    assert [line.text.split()[0] for line in lines if line.style in ("alert", "warning")] == ["one", "my", "one:", "my"]
    assert all("\x1b" not in written(line, colours=False) for line in lines)
    assert written(lines[-3], colours=True).startswith("\x1b[1;31m")


def test_malformed_messages_are_told_beside_the_devices() -> None:
    lines = status_lines(Sample(status(driver(malformed=3, devices=["CCD"])), 0.0), None)
    assert "  CCD; 3 malformed  " in row_of(lines, "indi_simulator_ccd")


def test_no_name_can_send_anything_to_the_terminal_but_its_characters() -> None:
    hostile = "\x1b[2J\x07\r\n\x9b31m\u202eback\u200b\udc80\0"
    row = driver(hostile, devices=[hostile], last_exit=hostile, state="FATAL")
    lines = status_lines(Sample(status(row, clients=(client(address=hostile, certificate=hostile),)), 0.0), None)
    lines += client_lines([client(address=hostile, rule=hostile, subscriptions=[hostile])])
    lines += event_lines([{"time": "T", "source": hostile, "command": hostile, "outcome": hostile, "ok": True}])
    for text in texts(lines):
        assert text.isprintable(), ascii(text)
        text.encode()


def test_wide_characters_leave_the_columns_where_they_are() -> None:
    rows = [driver("望遠鏡"), driver("telescope"), driver("🔭 dome")]
    lines = status_lines(Sample(status(*rows), 0.0), None)
    found = [line.text for line in lines if "RUNNING" in line.text]
    assert len({text.index("RUNNING") for text in found}) == 1
    assert visible(found[0]).index("RUNNING") == found[1].index("RUNNING") - 3


def test_a_window_gets_what_it_has_room_for() -> None:
    lines = [Line(clean("望遠鏡 is a telescope")), *(Line(f"line {number}") for number in range(2, 30))]
    shown = fit(lines, columns=5, rows=4)
    assert [visible(line.text) for line in shown] == ["望遠", "line ", "line ", "… 26 "]
    assert fit(lines, 200, 50) == lines


def test_long_lists_are_cut_where_a_character_ends() -> None:
    assert visible(clean("望遠鏡", 4)) == "望…"
    assert visible(cut(clean("a望"), 2)) == "a"


def test_figures_have_units() -> None:
    assert [duration(seconds) for seconds in (None, 7.9, 3600, 360000)] == ["-", "7s", "1h 0m", "4d 4h"]
    found = [size(count) for count in (None, 999, 1000, 12_345, 48e6, 5e12)]
    assert found == ["-", "999 B", "1 kB", "12.3 kB", "48 MB", "5000 GB"]


def test_the_socket_is_looked_for_wherever_a_server_may_have_put_it() -> None:
    paths = possible_paths(7624, {"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/7/"})
    assert paths[:2] == ["/run/a/indigevent-7624.sock", "/run/user/7/indigevent-7624.sock"]
    assert paths[-1] == "/run/indigevent/indigevent-7624.sock"
    assert possible_paths(7625, {})[0].startswith("/tmp/indigevent-")


def test_a_directory_that_somebody_else_has_made_in_tmp_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 12345678)
    directory = Path("/tmp/indigevent-12345678")
    directory.mkdir()
    try:
        (directory / "indigevent-7624.sock").touch()
        with pytest.raises(NoServer, match="directory /tmp/indigevent-12345678 is another user's; name"):
            find_path(7624, {})
    finally:
        shutil.rmtree(directory)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "required: COMMAND"),
        ("bogus", "command 'bogus' is not known, there are status, start, "),
        ("stop", "required: DRIVER"),
        ("log-level 4", "'4' is no log level; there are 0, 1, 2 and 3"),
        ("disconnect nobody", "'nobody' is no client's number; indigevent-ctl clients shows them"),
        ("-p 0 status", "'0' is not a port"),
        ("status --watch 0", "it has to be from 0.1 to 86400"),
        ("status --watch fast", "'fast' is no number of seconds"),
        ("statsu", "command 'statsu' is not known, did you mean status?"),
    ],
)
def test_a_mistake_in_the_command_line_is_told_with_status_2(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        ctl.main(line.split())
    assert raised.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("indigevent-ctl") and sentence in error and "--help" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("line", ["--control {} --json status", "status --json --control {}"])
def test_without_a_server_the_status_is_3_and_the_sentence_has_the_path_and_the_way_out(
    line: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"{tmp_path}/absent"
    assert ctl.main(line.format(path).split()) == 3
    error = capsys.readouterr().err
    assert path in error and "start it" in error and "--control" in error
