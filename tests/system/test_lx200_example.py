"""The LX200 example from end to end: blocking pyserial on a pseudo-terminal, a scripted mount at its other end."""

from __future__ import annotations

import os
import re
import select
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab

pytest.importorskip("serial")

EXAMPLE = Path(__file__).parents[2] / "conf" / "examples" / "lx200.py"
DEVICE = "LX200 Mount"


class ScriptedMount:
    """Answers LX200 commands: it arrives when its position has been asked for twice on the way."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.position = ["05:00:00", "+10*00:00"]
        self.heard: list[str] = []
        self.is_silent = False
        self._target = ["", ""]
        self._asked = 0
        self._is_under_way = False
        self._end, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        os.close(self._wake)
        self._thread.join()
        for fd in (self._master, self._slave, self._end):
            os.close(fd)

    def _serve(self) -> None:
        waiting = ""
        while True:
            readable, _, _ = select.select([self._master, self._end], [], [])
            if self._end in readable:
                return
            *commands, waiting = (waiting + os.read(self._master, 1000).decode("latin-1")).split("#")
            for command in commands:
                self.heard.append(command)
                if not self.is_silent:
                    os.write(self._master, self._answer(command).encode("latin-1"))

    def _answer(self, command: str) -> str:
        if command in (":GR", ":GD"):
            return self._tell(0 if command == ":GR" else 1)
        if match := re.fullmatch(r":S([rd]) ?([-+]?\d+[:*]\d\d:\d\d)", command):
            self._target["rd".index(match[1])] = match[2]
        elif command == ":MS":
            self._is_under_way, self._asked = True, 0
        elif command == ":CM":
            self.position = list(self._target)
        elif command == ":Q":
            self._is_under_way = False
        is_low = command == ":MS" and self._target[1].startswith("-")
        answers = {":MS": "1Object below horizon.#" if is_low else "0", ":CM": "Coordinates matched.#", ":Q": ""}
        return answers.get(command, "1")

    def _tell(self, axis: int) -> str:
        self._asked += 1
        if self._is_under_way and self._asked > 4:
            self.position, self._is_under_way = list(self._target), False
        return self.position[axis] + "#"


@pytest.fixture
def mount() -> Iterator[ScriptedMount]:
    scripted = ScriptedMount()
    yield scripted
    scripted.close()


@pytest.fixture
def client(lab: Lab, mount: ScriptedMount) -> ScriptedClient:
    """A client of the server that runs the example, connected to the scripted mount."""
    program = lab.folder / "lx200"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {EXAMPLE}\n")
    program.chmod(0o755)
    opened = lab.client(lab.server(program, HOME=str(lab.folder)), "client", "<getProperties version='1.7'/>")
    opened.expect("defTextVector", device=DEVICE, name="DEVICE_PORT")
    choose_port(opened, mount.path)
    switch(opened, "CONNECTION", "CONNECT")
    return opened


def choose_port(client: ScriptedClient, path: str) -> None:
    client.send(
        f"<newTextVector device='{DEVICE}' name='DEVICE_PORT'>",
        f"<oneText name='PORT'>{path}</oneText></newTextVector>",
    )


def switch(client: ScriptedClient, name: str, element: str) -> None:
    client.send(
        f"<newSwitchVector device='{DEVICE}' name='{name}'><oneSwitch name='{element}'>On</oneSwitch></newSwitchVector>"
    )


def go_to(client: ScriptedClient, ra: str, dec: str) -> None:
    client.send(
        f"<newNumberVector device='{DEVICE}' name='EQUATORIAL_EOD_COORD'>"
        f"<oneNumber name='RA'>{ra}</oneNumber><oneNumber name='DEC'>{dec}</oneNumber></newNumberVector>"
    )


def until(client: ScriptedClient, state: str) -> dict[str, float]:
    """The position with the next set vector that has this state."""
    told = client.expect("setNumberVector", name="EQUATORIAL_EOD_COORD", state=state)
    return {child.attributes["name"]: float(child.text) for child in told.children}


def test_shows_where_the_mount_points(client: ScriptedClient) -> None:
    client.expect("setSwitchVector", name="CONNECTION", state="Ok")
    assert until(client, "Ok") == {"RA": 5.0, "DEC": 10.0}


def test_goes_to_a_target_and_arrives(client: ScriptedClient, mount: ScriptedMount) -> None:
    until(client, "Ok")
    go_to(client, "5:30:15", "20:15:30")
    until(client, "Busy")
    arrived = until(client, "Ok")
    assert arrived == pytest.approx({"RA": 5.504166667, "DEC": 20.258333333})
    assert ":Sr 5:30:15" in mount.heard or ":Sr5:30:15" in mount.heard


def test_syncs(client: ScriptedClient, mount: ScriptedMount) -> None:
    until(client, "Ok")
    switch(client, "ON_COORD_SET", "SYNC")
    go_to(client, "6", "11")
    assert until(client, "Ok") == {"RA": 6.0, "DEC": 11.0}
    assert ":CM" in mount.heard and ":MS" not in mount.heard


def test_tells_why_the_mount_refuses(client: ScriptedClient) -> None:
    until(client, "Ok")
    go_to(client, "6", "-11")
    refused = client.expect("setNumberVector", name="EQUATORIAL_EOD_COORD", state="Alert")
    assert refused.attributes["message"] == "The mount cannot go there: Object below horizon."


def test_aborts(client: ScriptedClient, mount: ScriptedMount) -> None:
    until(client, "Ok")
    go_to(client, "6", "12")
    until(client, "Busy")
    switch(client, "TELESCOPE_ABORT_MOTION", "ABORT")
    client.expect("setSwitchVector", name="TELESCOPE_ABORT_MOTION", state="Ok")
    until(client, "Ok")
    assert ":Q" in mount.heard


def test_a_mount_that_falls_silent_costs_its_own_clients_a_message_only(
    client: ScriptedClient, mount: ScriptedMount
) -> None:
    until(client, "Ok")
    mount.is_silent = True
    told = client.expect("message", device=DEVICE)
    assert "does not answer :GR#" in told.attributes["message"]
    client.ping()
    mount.is_silent = False
    until(client, "Ok")


def test_a_port_that_is_not_there_is_told(lab: Lab, client: ScriptedClient) -> None:
    until(client, "Ok")
    switch(client, "CONNECTION", "DISCONNECT")
    choose_port(client, "/dev/nosuch")
    switch(client, "CONNECTION", "CONNECT")
    refused = client.expect("setSwitchVector", name="CONNECTION", state="Alert")
    assert "/dev/nosuch" in refused.attributes["message"]
