"""Names that a device's author may use, and those that the framework needs."""

from __future__ import annotations

import pytest

from indigevent.driver import Device, Switch, SwitchVector, Text, TextVector
from indigevent.errors import DriverError


@pytest.mark.parametrize("name", ["start", "message", "log", "properties", "is_connected"])
def test_a_property_cannot_take_a_name_of_the_frameworks(name: str) -> None:
    with pytest.raises(DriverError, match=f"Mount has to call its {name} something else"):
        type("Mount", (Device,), {name: TextVector("P", Text("T"))})


def test_nor_can_a_handler_in_a_mixin() -> None:
    class Parts:
        def start(self) -> None:
            """Of the author's."""

    with pytest.raises(DriverError, match="start"):
        type("Mount", (Parts, Device), {})


def test_hooks_and_other_names_are_the_authors() -> None:
    class Mount(Device):
        name = "Mount"
        begin = SwitchVector("BEGIN", Switch("GO"), rule="AtMostOne")

        def connect(self) -> None:
            """Of the author's."""

        def answer(self, name: str) -> None:
            """Of the author's too."""

    assert Mount().properties["BEGIN"].device == "Mount"
