"""Settings: defaults, precedence of command line, environment and file, and where a mistake comes from."""

from pathlib import Path

import pytest

from indigevent.config import Settings, UsageError, load, read
from indigevent.config.words import cut
from indigevent.errors import ConfigError
from indigevent.supervision.specs import DriverSpec, RemoteSpec


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "indigevent.conf"
    path.write_text("port = 1111\nverbose = 1\nhost = 10.0.0.1\n[driver from_file]\n", encoding="utf-8")
    return path


def test_defaults() -> None:
    assert load(["x"], {}) == Settings(
        program="indigevent",
        hosts=("127.0.0.1", "::1"),
        port=7624,
        local_socket="/tmp/indiserver",
        max_queue_bytes=128 * 1024 * 1024,
        max_stream_bytes=5 * 1024 * 1024,
        restarts=10,
        restart_delay_s=0.1,
        fifo=None,
        islog_dir=None,
        verbosity=0,
        config_file=None,
        drivers=(DriverSpec("x", "x"),),
    )


def test_every_option_of_the_command_line() -> None:
    words = "-l /d -m 1 -d 0 -u name -p 7777 -r 2 -f /f -vvvv --restart-delay 3 --host :: --host a,b x @h"
    settings = load(words.split(), {}, "indiserver")
    assert settings == Settings(
        program="indiserver",
        hosts=("::", "a", "b"),
        port=7777,
        local_socket="name",
        max_queue_bytes=1024 * 1024,
        max_stream_bytes=0,
        restarts=2,
        restart_delay_s=3.0,
        fifo="/f",
        islog_dir="/d",
        verbosity=3,
        config_file=None,
        drivers=(DriverSpec("x", "x"), RemoteSpec("@h", "h")),
    )


def test_the_command_line_comes_before_the_environment_before_the_file(config: Path) -> None:
    words = ["-c", str(config), "x"]
    assert load(words, {}).port == 1111
    assert load(words, {"INDIGEVENT_PORT": "2222"}).port == 2222
    assert load([*words, "-p", "3333"], {"INDIGEVENT_PORT": "2222"}).port == 3333
    assert load(words, {"INDIGEVENT_VERBOSE": "2"}).verbosity == 2
    assert load([*words, "-v"], {"INDIGEVENT_VERBOSE": "2"}).verbosity == 1
    assert load([*words, "--host", "::"], {"INDIGEVENT_HOST": "10.0.0.2"}).hosts == ("::",)
    assert load(words, {"INDIGEVENT_HOST": "[::1]"}).hosts == ("::1",)
    assert load(words, {}).hosts == ("10.0.0.1",)


def test_an_empty_variable_is_an_unset_one(config: Path) -> None:
    assert load(["-c", str(config)], {"INDIGEVENT_PORT": "", "INDIGEVENT_CI": "1"}).port == 1111


def test_the_config_file_may_come_from_the_environment(config: Path) -> None:
    settings = load(["x"], {"INDIGEVENT_CONFIG": str(config)})
    assert (settings.config_file, settings.port) == (str(config), 1111)


def test_drivers_of_the_command_line_are_added_to_the_files(config: Path) -> None:
    settings = load(["x", "-c", str(config), "y@h"], {})
    assert [spec.name for spec in settings.drivers] == ["from_file", "x", "y@h"]


def test_where_each_value_comes_from(config: Path) -> None:
    line = cut(["-c", str(config), "-p", "3333", "x"])
    configuration = read(line, {"INDIGEVENT_VERBOSE": "2"}, "indigevent")
    assert configuration.origins == {
        "host": ("10.0.0.1", f"{config}:3"),
        "port": ("3333", "command line"),
        "verbose": ("2", "environment INDIGEVENT_VERBOSE"),
        "config": (str(config), "command line"),
    }
    assert configuration.driver_origins == (f"{config}:4", "command line")


def test_paths_start_where_they_were_written(config: Path) -> None:
    config.write_text("fifo = f\nislog = ~/logs\n[driver d]\n", encoding="utf-8")
    settings = load(["-c", str(config)], {})
    assert settings.fifo == str(config.parent / "f")
    assert settings.islog_dir == str(Path.home() / "logs")
    assert load(["-f", "f", "-l", "~/logs"], {}).fifo == "f"
    assert load(["-f", "f", "-l", "~/logs"], {}).islog_dir == str(Path.home() / "logs")


@pytest.mark.parametrize(
    ("words", "environ", "error"),
    [
        ("-p abc x", {}, "-p/--port: 'abc' is not a port; a port is a number from 1 to 65535"),
        ("-m x y", {}, "-m/--max-behind: 'x' is not a number of MB; give 0 or more"),
        ("x", {"INDIGEVENT_PORT": "q"}, "INDIGEVENT_PORT: 'q' is not a port"),
        ("x", {"INDIGEVENT_VERBOSE": "much"}, "INDIGEVENT_VERBOSE: 'much' is not a whole number"),
        ("a@", {}, "remote 'a@' names no host"),
        ("-c /nonexistent x", {}, "config file /nonexistent: No such file or directory"),
        ("x", {"INDIGEVENT_CONFIG": "/nonexistent"}, "config file /nonexistent: No such file"),
        ("--prot 7 x", {}, "option --prot is not known; did you mean '--port'?"),
        ("--host= x", {}, "--host: no address is given"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(words: str, environ: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(words.split(), environ)
    assert str(caught.value).startswith(error)
    assert "\n" not in str(caught.value)


def test_the_first_of_many_mistakes_says_how_many_more(config: Path) -> None:
    config.write_text("prot = 1\nport = x\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(["-c", str(config), "-m", "y"], {})
    first = f"{config}:1: key 'prot' is not known; did you mean 'port'?"
    assert str(caught.value) == f"{first} (2 more: --check-config lists them)"


def test_nothing_to_run_is_answered_by_the_usage(config: Path) -> None:
    for words in ([], ["-v"], ["-p", "7777"]):
        with pytest.raises(UsageError, match=r"^Usage: indiserver "):
            load(words, {}, "indiserver")
    config.write_text("port = 1111\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"The config file {config} names no driver either"):
        load(["-c", str(config)], {})


def test_a_fifo_is_enough_to_run() -> None:
    assert load(["-f", "/f"], {}).drivers == ()
