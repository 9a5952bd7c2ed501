"""The command as a process: what it prints where, and its exit status, when it does not come to serving."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indigevent import __version__

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, program: tuple[str, ...] = (sys.executable, "-m", "indigevent")) -> tuple[int, str, str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("INDIGEVENT_")}
    done = subprocess.run(
        [*program, *words],
        env={**environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_without_anything_to_run_the_usage_goes_to_stderr() -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err.startswith("Usage: indigevent [options] driver [driver ...]\n")


@pytest.mark.parametrize(
    "words", [("--prot", "7"), ("-p", "abc", "x"), ("-p",), ("-c", "/nonexistent"), ("-x",), ("a@",)]
)
def test_a_mistake_is_one_line_and_status_2(words: tuple[str, ...]) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("indigevent: ")
    assert err.count("\n") == 1


def test_help_and_version_go_to_stdout() -> None:
    assert run("--version") == (0, f"indigevent {__version__}, INDI protocol 1.7\n", "")
    status, out, err = run("-h")
    assert (status, err) == (0, "")
    assert out.startswith("Usage: indigevent")


def test_through_a_symlink_messages_have_its_name(tmp_path: Path) -> None:
    link = tmp_path / "indiserver"
    link.symlink_to(Path(sys.executable).with_name("indigevent"))
    assert run(program=(str(link),))[2].startswith("Usage: indiserver ")
    assert run("-q", program=(str(link),))[2].startswith("indiserver: option -q is not known")


def test_check_config_says_what_would_run(tmp_path: Path) -> None:
    config = tmp_path / "my.conf"
    config.write_text("port = 7777\n[driver one]\ncommand = sh\narguments = -c 'exit 0'\n[remote two]\nhost = ::1\n")
    status, out, err = run("--check-config", "-c", str(config), "--host", "::1", "cat", "dev@host", "--verbose")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["listen: [::1] port 7777", "listen: local socket /tmp/indiserver"]
    assert lines[2].startswith("driver one: /")
    assert lines[2].endswith(f"/sh -c 'exit 0' ({config}:2)")
    assert lines[3] == f"remote two: all devices of [::1] port 7624 ({config}:5)"
    assert lines[4].startswith("driver cat: /")
    assert lines[4].endswith("/cat (command line)")
    assert lines[5] == "remote dev@host: dev of host port 7624 (command line)"
    assert lines[6:] == [
        "set: host = ::1 (command line)",
        f"set: port = 7777 ({config}:1)",
        "set: verbose = 1 (command line)",
        f"set: config = {config} (command line)",
    ]


def test_check_config_reports_every_finding(tmp_path: Path) -> None:
    config = tmp_path / "my.conf"
    config.write_text("prot = 7777\n[driver one]\ncommand = /nonexistent/driver\n[driver two]\ncommand = my.conf/x\n")
    status, _, err = run(
        "--check-config",
        "-c",
        str(config),
        "no_such_driver",
        "a@",
        "os:Nothing",
        "no_module:Class",
        str(config),
    )
    assert status == 2
    expected = [
        "my.conf:1: key 'prot' is not known",
        "remote 'a@' names no host",
        "my.conf:2: driver 'one': /nonexistent/driver does not exist",
        "driver 'two': ",
        "command line: driver 'no_such_driver': no executable 'no_such_driver' in PATH (",
        "module 'os' has no attribute 'Nothing'",
        "module no_module cannot be imported, ModuleNotFoundError",
        "my.conf is not executable; make it executable: chmod +x ",
    ]
    lines = err.splitlines()
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert line.startswith("indigevent: ")
        assert part in line


def test_check_config_names_a_variable_that_is_not_known() -> None:
    program = ("env", "INDIGEVENT_PROT=1", "INDIGEVENT_CI=1", "INDIGEVENT_PORT=", sys.executable, "-m", "indigevent")
    status, _, err = run("--check-config", "cat", program=program)
    assert status == 0
    assert err == (
        "indigevent: environment variable INDIGEVENT_PROT is not known and changes nothing; "
        "did you mean INDIGEVENT_PORT?\n"
    )


def test_check_config_with_nothing_to_run_is_a_finding() -> None:
    status, _, err = run("--check-config")
    assert status == 2
    assert "nothing to run" in err


def test_mistakes_are_answered_without_loading_gevent() -> None:
    program = (
        "import sys; from indigevent.cli.server import main;"
        "status = main(['-p', 'abc', 'x']); sys.exit(status if 'gevent' not in sys.modules else 1)"
    )
    assert run(program=(sys.executable, "-c", program))[0] == 2
