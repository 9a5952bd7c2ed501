"""The config file: sections, quotes and paths, and every mistake with its line."""

from pathlib import Path

import pytest

from indigevent.config.file import IniFile
from indigevent.errors import ConfigError
from indigevent.supervision.specs import DriverSpec, RemoteSpec


def parsed(folder: Path, text: str) -> IniFile:
    path = folder / "test.conf"
    path.write_text(text, encoding="utf-8")
    file = IniFile()
    file.parse(file.open(str(path)))
    return file


def specs(folder: Path, text: str) -> list[object]:
    file = parsed(folder, text)
    found: list[object] = [spec for spec, _ in file.specs()]
    assert file.problems == []
    return found


def test_a_driver_with_every_key(tmp_path: Path) -> None:
    text = """
        [driver main camera]
        command = indi_simulator_ccd
        arguments = -x "a b" 'c # d'
        environment = A=1 "B=x y"
        device = "CCD; the # first"
        config = /etc/ccd.xml
        skeleton = sk.xml
        prefix = ~/indi
        restarts = 3
        restart_delay = 2.5
        trace = yes
    """
    assert specs(tmp_path, text) == [
        DriverSpec(
            name="main camera",
            command="indi_simulator_ccd",
            arguments=("-x", "a b", "c # d"),
            environment={"A": "1", "B": "x y"},
            device="CCD; the # first",
            config="/etc/ccd.xml",
            skeleton=str(tmp_path / "sk.xml"),
            prefix=str(Path.home() / "indi"),
            restarts=3,
            restart_delay_s=2.5,
            trace=True,
        )
    ]


def test_a_remote_with_every_key(tmp_path: Path) -> None:
    text = "[remote dome]\nhost = ::1\nport = 7777\ndevice = Dome Simulator\nblobs = no\ntrace = on\n"
    assert specs(tmp_path, text) == [RemoteSpec("dome", "::1", 7777, "Dome Simulator", False, True)]
    assert specs(tmp_path, "[remote dome]\nhost=h") == [RemoteSpec("dome", "h")]


def test_quotes_around_arguments_keep_words_together(tmp_path: Path) -> None:
    found = specs(tmp_path, "[driver d]\narguments = \"a b\"\nenvironment = 'A=b c'\n")
    assert found == [DriverSpec("d", "d", arguments=("a b",), environment={"A": "b c"})]


def test_without_command_the_name_is_the_command(tmp_path: Path) -> None:
    assert specs(tmp_path, "[driver indi_simulator_ccd]") == [DriverSpec("indi_simulator_ccd", "indi_simulator_ccd")]


def test_a_command_with_a_slash_starts_at_the_files_directory(tmp_path: Path) -> None:
    found = specs(tmp_path, "[driver a]\ncommand = bin/a@2\n[driver b]\ncommand = /bin/b")
    assert found == [DriverSpec("a", str(tmp_path / "bin/a@2")), DriverSpec("b", "/bin/b")]


def test_globals_come_as_texts(tmp_path: Path) -> None:
    text = "\ufeff# comment\n; comment\nport = 7777\nmax_behind = 2\nfifo = 'my # fifo'\nislog = ~/logs\n"
    path = tmp_path / "test.conf"
    path.write_text(text, encoding="utf-8")
    file = IniFile()
    assert file.parse(file.open(str(path))) == {
        "port": "7777",
        "max-behind": "2",
        "fifo": str(tmp_path / "my # fifo"),
        "islog": str(Path.home() / "logs"),
    }
    assert file.problems == []


def test_a_wrong_host_is_not_also_a_missing_one(tmp_path: Path) -> None:
    file = parsed(tmp_path, "[remote r]\nhost = a b\n")
    assert file.specs() == []
    assert len(file.problems) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\nprot = 7", "2: key 'prot' is not known; did you mean 'port'?"),
        ("config = x", "1: key 'config' is not known"),
        ("check-config = yes", "1: key 'check-config' is not known"),
        ("port = abc", "1: port: 'abc' is not a port"),
        ("port =", "1: port: '' is not a port"),
        ("fifo =", "1: fifo: the value is empty"),
        ("port = 1\n\nport = 2", "3: key 'port' is there already, in line 1"),
        ("max_behind = 1\nmax-behind = 2", "2: key 'max-behind' is there already, in line 1"),
        ("port = x\nport = 2", "1: port: 'x' is not a port"),
        ("port = 7 # mine", "1: port: a comment needs its own line"),
        ("islog = # none", "1: islog: a comment needs its own line"),
        ("[driver x]\narguments = a # b", "2: arguments: a comment needs its own line"),
        ("[driver x]\narguments = 'a", "2: arguments: a quote has no partner"),
        ("port", "1: 'port' is neither KEY = VALUE"),
        ("= 7", "1: '= 7' is neither KEY = VALUE"),
        ("[drivr x]\nfoo = 1", "1: section [drivr x] is not known; did you mean [driver x]?"),
        ("[drivers]", "1: section [drivers] is not known; did you mean [driver NAME]?"),
        (
            "[server]",
            "1: section [server] is not known; write [driver NAME], [remote NAME] or [access NAME]; "
            "the server's own settings stand above them",
        ),
        ("[driver]", "1: section [driver] has no name"),
        ("[driver '']", "1: section [driver] has no name"),
        ("[driver x", "1: '[driver x' is no section"),
        ("[]", "1: '[]' is no section"),
        ("[driver x]\n[driver  x]", "2: section [driver x] is there already, in line 1"),
        ("[driver x]\ncomand = y", "2: key 'comand' in [driver x] is not known; did you mean 'command'?"),
        ("[driver x]\nport = 7", "2: key 'port' in [driver x] is a global one; put it before"),
        ("[driver d@h]", "1: section [driver d@h]: a driver on another host is a [remote NAME]"),
        ("[driver x]\ntrace = perhaps", "2: trace: 'perhaps' is neither yes nor no"),
        ("[remote r]\nport = 1", "1: section [remote r] has no host"),
        ("[remote r]\nhost = a b", "2: host: 'a b' is not a host name"),
    ],
)
def test_a_mistake_names_file_line_and_reason(tmp_path: Path, text: str, problem: str) -> None:
    file = parsed(tmp_path, text)
    file.specs()
    assert file.problems[0].startswith(f"{tmp_path / 'test.conf'}:{problem}")
    assert "\n" not in file.problems[0]


def test_every_mistake_is_found(tmp_path: Path) -> None:
    file = parsed(tmp_path, "prot = 1\nport = x\n[driver a]\nfoo = 1\n[remote b]\n")
    file.specs()
    lines = [problem.removeprefix(f"{tmp_path / 'test.conf'}:").partition(":")[0] for problem in file.problems]
    assert lines == ["1", "2", "4", "5"]


def test_a_file_that_cannot_be_read_says_path_and_reason(tmp_path: Path) -> None:
    latin = tmp_path / "latin.conf"
    latin.write_bytes(b"# 23\xb0\n")
    for path, reason in [
        (tmp_path / "missing.conf", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (latin, "byte 4 is not UTF-8 text"),
    ]:
        with pytest.raises(ConfigError) as caught:
            IniFile().open(str(path))
        assert str(caught.value).startswith(f"config file {path}: {reason}")
