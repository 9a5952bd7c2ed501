"""A device's configuration file: saving, loading, the default, and what may be wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indigevent.driver import BLOB, BLOBVector, Number, NumberVector, Switch, SwitchVector, Text, TextVector
from indigevent.driver.config_file import ConfigFile
from indigevent.errors import DriverError
from indigevent.protocol.constants import SwitchState
from indigevent.protocol.vectors import OneNumber, OneSwitch, OneText

TEXTS = TextVector("T", Text("A", value="a < b & °"))
NUMBERS = NumberVector("N", Number("X", value=0.1), Number("Y", value=-2))
SWITCHES = SwitchVector("S", Switch("ON", value=True), Switch("OFF"))
for each in (TEXTS, NUMBERS, SWITCHES):
    each.device = "D"


@pytest.fixture
def config(tmp_path: Path) -> ConfigFile:
    return ConfigFile("D", {"INDICONFIG": str(tmp_path / "folder" / "c.xml")})


def test_the_file_is_the_environments_or_the_devices_own(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert ConfigFile("A/B C", home).path == tmp_path / ".indi" / "A_B C_config.xml"
    assert ConfigFile("D", {**home, "INDICONFIG": "/x/y.xml"}).path == Path("/x/y.xml")
    assert ConfigFile("D", {**home, "INDICONFIG": ""}).path.parent == tmp_path / ".indi"


def test_what_was_saved_comes_back(config: ConfigFile) -> None:
    assert not config.exists()
    config.save([TEXTS, NUMBERS, SWITCHES])
    assert config.exists()
    texts, numbers, switches = config.load()
    assert texts.elements == (OneText("A", "a < b & °"),)
    assert numbers.elements == (OneNumber("X", 0.1), OneNumber("Y", -2.0))
    assert switches.elements == (OneSwitch("ON", SwitchState.ON), OneSwitch("OFF", SwitchState.OFF))
    assert [command.name for command in (texts, numbers, switches)] == ["T", "N", "S"]


def test_the_default_is_what_was_saved_first(config: ConfigFile) -> None:
    first = NumberVector("N", Number("X", value=1))
    first.device = "D"
    config.save([first])
    first["X"] = 2
    config.save([first])
    assert config.load()[0].elements == (OneNumber("X", 2.0),)
    assert config.load_default()[0].elements == (OneNumber("X", 1.0),)
    config.purge()
    assert not config.exists()
    assert config.load_default()[0].elements == (OneNumber("X", 1.0),)


def test_nothing_is_left_beside_the_file(config: ConfigFile) -> None:
    config.save([TEXTS])
    assert sorted(path.name for path in config.path.parent.iterdir()) == ["c.xml", "c.xml.default"]


def test_reads_what_libindi_writes(config: ConfigFile) -> None:
    config.path.parent.mkdir()
    config.path.write_text(
        "<INDIDriver>\n<newSwitchVector device='D' name='S'>\n  <oneSwitch name='ON'>\n      Off\n  </oneSwitch>\n"
        "</newSwitchVector>\n<newNumberVector device='D' name='N'>\n  <oneNumber name='X'>\n      1.5\n  </oneNumber>\n"
        "</newNumberVector>\n</INDIDriver>\n"
    )
    switches, numbers = config.load()
    assert switches.elements == (OneSwitch("ON", SwitchState.OFF),)
    assert numbers.elements == (OneNumber("X", 1.5),)


@pytest.mark.parametrize(
    "text", ["", "<INDIDriver>", "<INDIDriver><newNumberVector/></INDIDriver>", "<INDIDriver><odd/></INDIDriver>"]
)
def test_what_is_no_configuration(config: ConfigFile, text: str) -> None:
    config.path.parent.mkdir()
    config.path.write_text(text)
    with pytest.raises(DriverError, match=r"c\.xml is not a configuration: .*; save it again"):
        config.load()


def test_what_cannot_be_done_is_said(config: ConfigFile, tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=r"c\.xml cannot be read: No such file"):
        config.load()
    config.purge()
    (tmp_path / "folder").write_text("no folder")
    with pytest.raises(DriverError, match=r"c\.xml cannot be written"):
        config.save([TEXTS])
    with pytest.raises(DriverError, match=r"c\.xml cannot be removed: Not a directory"):
        config.purge()


def test_a_blob_cannot_be_saved(config: ConfigFile) -> None:
    with pytest.raises(DriverError, match="B cannot be saved: it is a BLOB property"):
        config.save([BLOBVector("B", BLOB("X"))])
    assert not config.exists()


def test_devices_that_share_a_file_keep_their_own_parts(tmp_path: Path) -> None:
    environment = {"INDICONFIG": str(tmp_path / "shared.xml")}
    files = {name: ConfigFile(name, environment) for name in ("A", "B")}
    for name, file in files.items():
        prop = NumberVector("N", Number("X", value=1))
        prop.device = name
        file.save([prop])
    assert [command.device for command in files["A"].load()] == ["A", "B"]
    assert [command.device for command in files["B"].load_default()] == ["A", "B"]
    files["A"].purge()
    assert [command.device for command in files["B"].load()] == ["B"]
    files["B"].purge()
    assert not files["B"].exists()


def test_numbers_that_are_none_do_not_keep_the_others_from_being_read_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "shared.xml"
    numbers = '<oneNumber name="X">nan</oneNumber><oneNumber name="Y">2</oneNumber>'
    vectors = "".join(f'<newNumberVector device="{device}" name="N">{numbers}</newNumberVector>' for device in "AB")
    path.write_text(f"<INDIDriver>{vectors}</INDIDriver>")
    ours, other = (ConfigFile(device, {"INDICONFIG": str(path)}) for device in "AB")
    assert [command.elements for command in ours.load()] == [(OneNumber("Y", 2.0),)] * 2  # type: ignore[attr-defined]
    ours.save([])
    assert [command.elements for command in other.load()] == [(OneNumber("Y", 2.0),)]  # type: ignore[attr-defined]
