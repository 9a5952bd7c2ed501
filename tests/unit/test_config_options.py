"""The option table, and what is generated from it."""

import configparser
from pathlib import Path

import pytest

from indigevent.config import values
from indigevent.config.file import IniFile
from indigevent.config.option import Key
from indigevent.config.options import OPTIONS
from indigevent.config.render import key_table, option_table, sample_config, usage
from indigevent.config.sections import ACCESS_KEYS, DRIVER_KEYS, FILE_OPTIONS, REMOTE_KEYS, nearest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE_FLAGS = set("lmduprfv")


def by_name(row: Key) -> str:
    return row.name


def test_every_flag_of_the_reference_is_there_and_has_a_long_name() -> None:
    assert {row.short for row in OPTIONS} >= REFERENCE_FLAGS


def test_names_and_flags_are_unique() -> None:
    shorts = [row.short for row in OPTIONS if row.short]
    assert len(set(shorts)) == len(shorts)
    assert len({row.name for row in OPTIONS}) == len(OPTIONS)


@pytest.mark.parametrize("row", [*OPTIONS, *DRIVER_KEYS, *REMOTE_KEYS], ids=by_name)
def test_every_default_is_a_value_that_its_parser_takes(row: Key) -> None:
    if row.default:
        row.parse(row.default)


@pytest.mark.parametrize("row", [*OPTIONS, *DRIVER_KEYS, *REMOTE_KEYS], ids=by_name)
def test_every_help_is_a_clause(row: Key) -> None:
    assert row.help
    assert not row.help.endswith(".")


def test_defaults_are_the_references() -> None:
    defaults = {row.short: row.default for row in OPTIONS if row.short in REFERENCE_FLAGS}
    assert defaults == {
        "l": "",
        "m": "128",
        "d": "5",
        "u": "/tmp/indiserver",
        "p": "7624",
        "r": "10",
        "f": "",
        "v": "0",
    }


def test_the_sample_in_conf_is_what_the_table_makes() -> None:
    assert (ROOT / "conf" / "indigevent.conf").read_text(encoding="utf-8") == sample_config(), (
        "write it anew: python -c 'from indigevent.config.render import *; print(sample_config(), end=\"\")'"
        " > conf/indigevent.conf"
    )


SIMULATORS = ["telescope", "camera", "focuser", "wheel", "dome", "weather"]


def test_the_sample_is_right_as_it_is_and_starts_the_simulators() -> None:
    file = IniFile()
    assert file.parse(file.open(str(ROOT / "conf" / "indigevent.conf"))) == {}
    assert [spec.name for spec, _ in file.specs()] == SIMULATORS
    assert file.problems == []


def test_the_sample_names_every_key() -> None:
    lines = [line.lstrip("#") for line in sample_config().splitlines()]
    for simulator in SIMULATORS[1:]:
        lines.pop(lines.index(f"[driver {simulator}]") + 1)
    keys = [line.split(" = ")[0] for line in lines if " = " in line]
    assert keys == [row.name for row in (*FILE_OPTIONS, *DRIVER_KEYS, *REMOTE_KEYS, *ACCESS_KEYS)]


def test_the_sample_with_every_default_uncommented_changes_nothing(tmp_path: Path) -> None:
    globals_only = sample_config().partition("# ---- What to serve")[0]
    defaults = {f"#{row.name} = {row.default}" for row in FILE_OPTIONS if row.default}
    lines = [line[1:] if line in defaults else line for line in globals_only.splitlines()]
    path = tmp_path / "all.conf"
    path.write_text("\n".join(lines), encoding="utf-8")
    file = IniFile()
    file.parse(file.open(str(path)))
    assert file.problems == []
    for row in FILE_OPTIONS:
        if row.default:
            assert file.globals.entries[row.name].value == row.parse(row.default)


def test_other_ini_readers_take_the_sections() -> None:
    reader = configparser.ConfigParser(allow_no_value=False, interpolation=None)
    reader.read_string("[global]\n" + sample_config())
    assert reader.sections() == ["global", *(f"driver {name}" for name in SIMULATORS)]


def test_usage_names_the_program_and_every_flag() -> None:
    text = usage("indiserver")
    assert text.startswith("Usage: indiserver [options] driver [driver ...]\n")
    assert all(row.long in text for row in OPTIONS)
    assert max(map(len, text.splitlines())) <= 110


def test_markdown_tables_have_a_row_each() -> None:
    assert len(option_table().splitlines()) == len(OPTIONS) + 2
    for keys in (DRIVER_KEYS, REMOTE_KEYS, ACCESS_KEYS):
        table = key_table(keys).splitlines()
        assert len(table) == len(keys) + 2
        assert {line.count("|") for line in table} == {5}
    assert {line.count("|") for line in option_table().splitlines()} == {6}


def test_the_readme_has_the_tables() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for table in (option_table(), key_table(DRIVER_KEYS), key_table(REMOTE_KEYS), key_table(ACCESS_KEYS)):
        assert table in text, f"README.md shall contain this table as it is:\n{table}"


def test_nearest_knows_the_similar_and_else_all() -> None:
    assert nearest("prot", ["port", "host"]) == "did you mean 'port'?"
    assert nearest("zzz", ["port", "host"]) == "there are port, host"


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.megabytes, "1", 1048576),
        (values.megabytes, "0.5", 524288),
        (values.megabytes, "0", 0),
        (values.positive_megabytes, ".5", 524288),
        (values.count, "0", 0),
        (values.seconds, "2.5", 2.5),
        (values.verbosity, "5", 3),
        (values.yes_no, "Yes", True),
        (values.yes_no, "off", False),
        (values.hosts, "127.0.0.1, ::1", ("127.0.0.1", "::1")),
        (values.hosts, "[::1] a a", ("::1", "a")),
        (values.words, "-x 'a b' \"c#d\"", ("-x", "a b", "c#d")),
        (values.environment, "A=1 'B=x y' C=", {"A": "1", "B": "x y", "C": ""}),
        (values.any_text, "", ""),
        (values.local_socket, "x" * 107, "x" * 107),
    ],
)
def test_values(parse: object, text: str, value: object) -> None:
    assert callable(parse)
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (values.port, "abc", "1 to 65535"),
        (values.port, "0", "1 to 65535"),
        (values.port, "٧٦٢٤", "1 to 65535"),
        (values.megabytes, "x", "number of MB"),
        (values.megabytes, "-1", "number of MB"),
        (values.megabytes, "nan", "number of MB"),
        (values.megabytes, "inf", "number of MB"),
        (values.megabytes, "9" * 400, "number of MB"),
        (values.positive_megabytes, "0", "more than 0"),
        (values.count, "1.5", "whole number"),
        (values.count, "-1", "whole number"),
        (values.seconds, "1s", "number of seconds"),
        (values.yes_no, "maybe", "neither yes nor no"),
        (values.hosts, " , ", "no address"),
        (values.hosts, "a/b", "not a host name"),
        (values.host, "two words", "not a host name"),
        (values.words, "'a", "quote"),
        (values.environment, "A", "NAME=VALUE"),
        (values.environment, "1A=x", "NAME=VALUE"),
        (values.text, " ", "empty"),
        (values.local_socket, "é" * 54, "108 bytes"),
    ],
)
def test_wrong_values(parse: object, text: str, reason: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError, match=reason):
        parse(text)
