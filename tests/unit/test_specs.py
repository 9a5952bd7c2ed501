"""Drivers, remotes and FIFO commands read from text."""

import pytest

from indigevent.errors import ConfigError
from indigevent.supervision.specs import (
    DriverSpec,
    FifoCommand,
    RemoteSpec,
    parse_driver,
    parse_fifo_command,
)


def driver(command: str, **rest: str) -> DriverSpec:
    return DriverSpec(name=command, command=command, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["indi_simulator_ccd", "/opt/my drivers/ccd", "localhost:1", "-", "a.b:1c"])
def test_a_word_without_at_is_an_executable(word: str) -> None:
    spec = parse_driver(word)
    assert spec == driver(word)
    assert isinstance(spec, DriverSpec)
    assert spec.python_class is None


@pytest.mark.parametrize("word", ["package.module:Class", "module:Class", "a.b._c:_D1"])
def test_a_python_class_is_recognised(word: str) -> None:
    spec = parse_driver(word)
    assert isinstance(spec, DriverSpec)
    assert (spec.command, spec.python_class) == (word, word)


@pytest.mark.parametrize(
    ("word", "device", "host", "port"),
    [
        ("CCD Simulator@mount.local:7777", "CCD Simulator", "mount.local", 7777),
        ("@localhost", "", "localhost", 7624),
        ("dev@[::1]:7624", "dev", "::1", 7624),
        ("@[fe80::1%eth0]", "", "fe80::1%eth0", 7624),
        ("a@b@host:1", "a@b", "host", 1),
        ("/looks/like/a/path@host", "/looks/like/a/path", "host", 7624),
    ],
)
def test_a_word_with_at_is_a_remote(word: str, device: str, host: str, port: int) -> None:
    assert parse_driver(word) == RemoteSpec(name=word, host=host, port=port, device=device)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("@", "names no host"),
        ("dev@", "names no host"),
        ("dev@:7624", "names no host"),
        ("dev@two words", "names no host"),
        ("dev@[]:1", "names no host"),
        ("dev@::1", "needs brackets"),
        ("dev@host:", "after the host"),
        ("dev@[::1]7624", "after the host"),
        ("dev@host:abc", "'abc' is not a port"),
        ("dev@host:0", "1 to 65535"),
        ("dev@host:65536", "1 to 65535"),
        ("dev@host:-1", "1 to 65535"),
        ("dev@host:1000000", "1 to 65535"),
    ],
)
def test_a_wrong_word_is_one_sentence(word: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_driver(word)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prefix_says_what_is_executed() -> None:
    assert driver("ccd").executable == "ccd"
    assert driver("ccd", prefix="/opt/indi").executable == "/opt/indi/bin/ccd"


def test_the_environment_has_what_the_spec_says() -> None:
    spec = DriverSpec(name="x", command="x", environment={"A": "2"}, device="D", config="C", skeleton="S", prefix="P")
    assert spec.process_environment({"A": "1", "HOME": "/h", "INDIDEV": "outer"}, fifo=False) == {
        "A": "2",
        "HOME": "/h",
        "INDIDEV": "D",
        "INDICONFIG": "C",
        "INDISKEL": "S",
        "INDIPREFIX": "P",
    }


def test_only_a_fifo_removes_inherited_indi_variables() -> None:
    inherited = {"INDIDEV": "outer", "INDISKEL": "outer", "HOME": "/h"}
    assert driver("x").process_environment(inherited, fifo=False) == inherited
    assert driver("x", device="D").process_environment(inherited, fifo=True) == {"HOME": "/h", "INDIDEV": "D"}


@pytest.mark.parametrize(
    ("line", "spec"),
    [
        ("start ccd", driver("ccd")),
        ("  start\tccd  \n", driver("ccd")),
        ('start "my ccd"', driver("my ccd")),
        ('start ccd -n "CCD 1"', driver("ccd", device="CCD 1")),
        ("start ccd -n 'CCD 1'", driver("ccd", device="CCD 1")),
        ('start ccd -n"CCD 1"', driver("ccd", device="CCD 1")),
        ("start ccd -n plain", driver("ccd", device="plain")),
        ('start ccd -n "me@home"', driver("ccd", device="me@home")),
        ('start ccd -n "a -c b"', driver("ccd", device="a -c b")),
        (
            'start ccd -p "/opt/x" -s "/s k.xml" -c "c.xml" -n "D"',
            driver("ccd", device="D", config="c.xml", skeleton="/s k.xml", prefix="/opt/x"),
        ),
        ("start CCD Simulator@host:1", RemoteSpec("CCD Simulator@host:1", "host", 1, "CCD Simulator")),
        ('start "CCD Simulator"@host:1', RemoteSpec("CCD Simulator@host:1", "host", 1, "CCD Simulator")),
        ('start "CCD Simulator@host:1"', RemoteSpec("CCD Simulator@host:1", "host", 1, "CCD Simulator")),
    ],
)
def test_fifo_start(line: str, spec: object) -> None:
    assert parse_fifo_command(line) == FifoCommand("start", spec)  # type: ignore[arg-type]


def test_fifo_stop() -> None:
    assert parse_fifo_command('stop ccd -n "CCD 1"') == FifoCommand("stop", driver("ccd", device="CCD 1"))
    assert parse_fifo_command("stop @host") == FifoCommand("stop", RemoteSpec("@host", "host"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "start DRIVER or stop DRIVER"),
        ("restart ccd", "did you mean 'start'"),
        ("START ccd", "did you mean 'start'"),
        ("quit", "start DRIVER or stop DRIVER"),
        ("start", "names no driver"),
        ('start ""', "names no driver"),
        ('start " "', "names no driver"),
        ('start ccd -n "CCD', "quote"),
        ('start "CCD@host', "quote"),
        ('start ccd -n ""', "-n of 'ccd' has no value"),
        ("start ccd -c", "-c of 'ccd' has no value"),
        ("start ccd -x y", "'-x' of 'ccd' is not known"),
        ("start ccd and more", "'and' of 'ccd' is not known"),
        ('start CCD@host:1 -n "x"', "takes no options"),
        ("start CCD@host:x", "'x' is not a port"),
    ],
)
def test_a_wrong_fifo_line_is_one_sentence(line: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fifo_command(line)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
