"""The README's first driver: it is the example, short, and does the same under our server and the reference."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, REFERENCE, Server
from tests.lab.tools import properties, setprop, start_getprop
from tests.lab.vocabulary import EVERYTHING
from tests.system.conftest import NO_REFERENCE
from tests.unit.test_readme import README, blocks

EXAMPLE = Path(__file__).parents[2] / "conf" / "examples" / "dew_heater.py"
DEVICE = "Dew Heater"
MOST_LINES = 40
# What the client does, and the message that answers it: its tag, property and state.
BY_TOOL = [
    ("DUTY.PERCENT=50", "setNumberVector", "DUTY", "Alert"),  # refused by the handler
    ("POWER.ON=On", "setSwitchVector", "POWER", "Ok"),
    ("DUTY.PERCENT=50", "setNumberVector", "DUTY", "Ok"),
    ("DUTY.PERCENT=500", "setNumberVector", "DUTY", "Alert"),  # out of range
]
BY_SOCKET = [
    ("Number", "DUTY", "<oneNumber name='PERCENTS'>5</oneNumber>"),  # no such element
    ("Number", "DUTY", "<oneNumber name='PERCENT'>abc</oneNumber>"),  # no number
    ("Number", "AIR", "<oneNumber name='CELSIUS'>20</oneNumber>"),  # read-only
    ("Text", "DUTY", "<oneText name='PERCENT'>5</oneText>"),  # another kind
    ("Switch", "POWER", "<oneSwitch name='ON'>On</oneSwitch><oneSwitch name='OFF'>On</oneSwitch>"),
    ("Switch", "POWER", "<oneSwitch name='ON'>Off</oneSwitch>"),  # OneOfMany, and none On
]


def serve(lab: Lab) -> tuple[Server, ScriptedClient]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    server = lab.server(EXAMPLE, HOME=str(lab.folder), PATH=path)
    client = lab.client(server, "client", EVERYTHING)
    client.expect("defTextVector", name="DRIVER_INFO")
    return server, client


def told(client: ScriptedClient) -> list[str]:
    """What the client received, without times, and without the temperature, which is told every second.

    Of definitions that are the same only the first: a driver answers every question of a client, the server's own at
    the start as well, and all clients hear that.
    """
    for message in client.inbox:
        message.attributes.pop("timestamp", None)
    periodic = ("setNumberVector", "AIR")
    messages = [m for m in client.inbox if (m.tag, m.attributes.get("name")) != periodic]
    lines = [m.line() for m in messages if m.tag != "pingReply"]
    return [line for number, line in enumerate(lines) if not (line.startswith("<def") and line in lines[:number])]


@pytest.fixture
def labs(open_lab: Callable[[str], Lab], reference_installed: bool) -> list[Lab]:
    if not reference_installed:
        pytest.skip(NO_REFERENCE)
    return [open_lab(REFERENCE), open_lab(CANDIDATE)]


@pytest.mark.parametrize("example", [EXAMPLE, EXAMPLE.with_name("observatory.py")])
def test_it_stands_in_the_readme(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert text in [block.text for block in blocks(README.read_text(encoding="utf-8"))]
    assert text.count("\n") <= MOST_LINES


def test_indi_getprop_prints_the_same(labs: list[Lab]) -> None:
    parties = [serve(lab) for lab in labs]
    before = [start_getprop(server) for server, _ in parties]
    reference, ours = (sorted(properties(one).items()) for one in before)
    assert ours == reference
    for server, client in parties:
        setprop(server, f"{DEVICE}.CONNECTION.CONNECT=On")
        client.expect("setNumberVector", name="AIR", state="Ok")
    after = [start_getprop(server) for server, _ in parties]
    reference, ours = (sorted(properties(one).items()) for one in after)
    assert ours == reference
    assert dict(ours)[f"{DEVICE}.AIR.CELSIUS"] == "4"


def test_it_reacts_in_the_same_way(labs: list[Lab]) -> None:
    reference, ours = (reactions(lab) for lab in labs)
    assert ours == reference
    text = "\n".join(ours)
    assert "Switch the heater on first." in text
    assert "DUTY has PERCENT from 0 to 100, not 500" in text


def reactions(lab: Lab) -> list[str]:
    """Connect, try everything, disconnect; what a client sees of it."""
    server, client = serve(lab)
    setprop(server, f"{DEVICE}.CONNECTION.CONNECT=On")
    client.expect("setNumberVector", name="AIR", state="Ok")
    for setting, tag, name, state in BY_TOOL:
        setprop(server, f"{DEVICE}.{setting}")
        client.expect(tag, name=name, state=state)
    for kind, name, elements in BY_SOCKET:
        client.send(f"<new{kind}Vector device='{DEVICE}' name='{name}'>{elements}</new{kind}Vector>")
        client.expect(f"set{'Switch' if name == 'POWER' else 'Number'}Vector", name=name, state="Alert")
    setprop(server, f"{DEVICE}.CONNECTION.DISCONNECT=On")
    client.expect("delProperty", device=DEVICE, name="AIR")
    return told(client)


def test_indi_setprop_knows_what_is_read_only(labs: list[Lab]) -> None:
    answers = []
    for lab in labs:
        server, client = serve(lab)
        setprop(server, f"{DEVICE}.CONNECTION.CONNECT=On")
        client.expect("setNumberVector", name="AIR", state="Ok")
        words = ["indi_setprop", "-h", "127.0.0.1", "-p", str(server.port), f"{DEVICE}.AIR.CELSIUS=5"]
        answers.append(subprocess.run(words, capture_output=True, check=False, timeout=30).returncode)
    assert answers == [1, 1]
