"""The command line: flags bundled as the reference takes them, long names, drivers anywhere."""

import pytest

from indigevent.config.words import cut
from indigevent.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "assignments"),
    [
        ("-p 7625", ["--port=7625"]),
        ("-p7625", ["--port=7625"]),
        ("-vvp 7625", ["--port=7625", "--verbose=2"]),
        ("-vvp7625", ["--port=7625", "--verbose=2"]),
        ("-vm 10", ["--max-behind=10", "--verbose=1"]),
        ("-vmp 10 7625", ["--max-behind=10", "--port=7625", "--verbose=1"]),
        ("-up /tmp/x 7625", ["--local-socket=/tmp/x", "--port=7625"]),
        ("-v -vv", ["--verbose=3"]),
        ("-f/tmp/fifo", ["--fifo=/tmp/fifo"]),
        ("-p -v", ["--port=-v"]),
        ("-", []),
        ("--port 7625", ["--port=7625"]),
        ("--port=7625", ["--port=7625"]),
        ("--islog=", ["--islog="]),
        ("--verbose --verbose", ["--verbose=2"]),
        ("--host :: --host=0.0.0.0", ["--host=::", "--host=0.0.0.0"]),
        ("-r 0 -r 1", ["--restarts=0", "--restarts=1"]),
    ],
)
def test_options(words: str, assignments: list[str]) -> None:
    line = cut(words.split())
    assert line.assignments == assignments
    assert line.drivers == []


def test_drivers_stand_anywhere_in_order() -> None:
    line = cut(["one", "-p", "7625", "two", "-v", "--", "-three", "--four"])
    assert line.drivers == ["one", "two", "-three", "--four"]
    assert line.assignments == ["--port=7625", "--verbose=1"]


def test_actions_are_apart() -> None:
    assert cut(["--check-config", "-h", "--version"]).actions == {"check-config", "help", "version"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--prot 7", "option --prot is not known; did you mean '--port'?"),
        ("--por=7", "option --por is not known; did you mean '--port'?"),
        ("--PORT=7", "did you mean '--port'?"),
        ("-P 7", "option -P is not known; did you mean '-p'?"),
        ("-x", "option -x is not known; there are -p,"),
        ("-vvx", "option -x in '-vvx' is not known"),
        ("--port", "option --port needs a value: --port PORT"),
        ("-vp", "option -p needs a value: -p PORT"),
        ("--check-config=yes", "option --check-config takes no value, but has 'yes'"),
        ("--verbose=2", "option --verbose takes no value"),
    ],
)
def test_a_mistake_is_one_line(words: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cut(words.split())
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
