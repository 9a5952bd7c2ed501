"""The focuser simulator as the process that a server runs, over its pipes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indigevent.protocol.codec import parse, to_bytes
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState
from indigevent.protocol.framing import Framer
from indigevent.protocol.vectors import (
    Content,
    DefVector,
    DelProperty,
    GetProperties,
    NewNumberVector,
    NewSwitchVector,
    NewTextVector,
    OneNumber,
    OneSwitch,
    OneText,
    PingReply,
    PingRequest,
    SetNumberVector,
    SetSwitchVector,
    SetVector,
    UserMessage,
)

DEVICE = "Focuser Simulator"
MODULE = ["indigevent.simulators.focuser"]
BY_NAME = ["indigevent.driver", "indigevent.simulators.focuser:FocuserSimulator"]
WHILE_CONNECTED = [
    "FOCUS_MOTION",
    "FOCUS_SPEED",
    "REL_FOCUS_POSITION",
    "ABS_FOCUS_POSITION",
    "FOCUS_ABORT_MOTION",
    "FOCUS_MAX",
    "FOCUS_SYNC",
    "FOCUS_BACKLASH_TOGGLE",
    "FOCUS_BACKLASH_STEPS",
    "FOCUS_TEMPERATURE",
    "CONFIG_PROCESS",
]
DEADLINE_S = 20.0


class Process:
    """A driver process, and what it has told so far."""

    def __init__(self, module: list[str] = MODULE, **environment: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **environment},
        )
        self.told: list[Content] = []
        self._framer = Framer()

    def send(self, *contents: Content) -> None:
        self.write(b"".join(map(to_bytes, contents)))

    def write(self, data: bytes) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(data)

    def ask_for(self, name: str, **numbers: float) -> None:
        elements = tuple(OneNumber(*each) for each in numbers.items())
        self.send(NewNumberVector(device=DEVICE, name=name, elements=elements))

    def switch(self, name: str, **switches: SwitchState) -> None:
        elements = tuple(OneSwitch(*each) for each in switches.items())
        self.send(NewSwitchVector(device=DEVICE, name=name, elements=elements))

    def connect(self) -> None:
        self.switch("CONNECTION", CONNECT=SwitchState.ON)
        self.sync()

    def sync(self) -> list[Content]:
        """What it has told up to the answer of a ping sent now, the answer excluded."""
        ping = PingRequest("sync")
        self.send(ping)
        self.until(lambda content: content == PingReply(ping.uid))
        told, self.told = self.told[:-1], []
        return told

    def until(self, condition: Callable[[Content], bool]) -> Content:
        """The next message for which `condition` holds; what comes before stays in `told` with it."""
        deadline = time.monotonic() + DEADLINE_S
        assert self.popen.stdout is not None
        while True:
            readable, _, _ = select.select([self.popen.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"nothing like that was told in {DEADLINE_S} s, only {self.told}"
            data = os.read(self.popen.stdout.fileno(), 1)  # so that what follows stays in the pipe
            assert data, f"the driver ended: {self.end()}"
            for message in self._framer.feed(data):
                self.told.append(parse(message.data))
                if condition(self.told[-1]):
                    return self.told[-1]

    def until_state(self, name: str, state: PropertyState) -> SetNumberVector:
        found = self.until(
            lambda content: isinstance(content, SetVector) and (content.name, content.state) == (name, state)
        )
        assert isinstance(found, SetNumberVector)
        return found

    def end(self) -> tuple[int, str]:
        """Close its stdin; its exit status and what it wrote to stderr."""
        _, errors = self.popen.communicate(timeout=DEADLINE_S)
        return self.popen.returncode, errors.decode()


@pytest.fixture
def launch() -> Iterator[Callable[..., Process]]:
    """Start processes as `Process` does; none outlives the test."""
    started: list[Process] = []

    def start(module: list[str] = MODULE, **environment: str) -> Process:
        started.append(Process(module, **environment))
        return started[-1]

    yield start
    for process in started:
        process.popen.kill()
        process.popen.communicate()


@pytest.fixture
def focuser(launch: Callable[..., Process]) -> Process:
    return launch()


def names(told: list[Content]) -> list[str]:
    return [content.name for content in told if isinstance(content, DefVector)]


def only(told: list[Content]) -> Content:
    assert len(told) == 1, told
    return told[0]


@pytest.mark.parametrize("module", [MODULE, BY_NAME], ids=["as module", "by name"])
def test_serves_until_stdin_ends(launch: Callable[..., Process], module: list[str]) -> None:
    process = launch(module)
    process.send(GetProperties())
    assert names(process.sync()) == ["CONNECTION", "DRIVER_INFO"]
    assert process.end() == (0, "")


def test_says_nothing_unasked(focuser: Process) -> None:
    assert focuser.sync() == []


def test_answers_what_is_asked(focuser: Process) -> None:
    focuser.connect()
    focuser.send(GetProperties(DEVICE))
    assert names(focuser.sync()) == ["CONNECTION", "DRIVER_INFO", *WHILE_CONNECTED]
    focuser.send(GetProperties(DEVICE, "FOCUS_MAX"), GetProperties("Other"), GetProperties(DEVICE, "NONE"))
    assert names(focuser.sync()) == ["FOCUS_MAX"]
    focuser.send(PingRequest("SetBLOB/7"))
    assert focuser.sync() == [PingReply("SetBLOB/7")]


def test_indidev_names_the_device(launch: Callable[..., Process]) -> None:
    process = launch(INDIDEV="East Focuser")
    process.send(GetProperties())
    assert {content.device for content in process.sync() if isinstance(content, DefVector)} == {"East Focuser"}
    assert process.end() == (0, "")


def test_properties_come_with_the_connection_and_go_with_it(focuser: Process) -> None:
    focuser.switch("CONNECTION", CONNECT=SwitchState.ON)
    connected, *definitions = focuser.sync()
    assert isinstance(connected, SetSwitchVector)
    assert connected.state is PropertyState.OK
    assert connected.elements == (
        OneSwitch("CONNECT", SwitchState.ON),
        OneSwitch("DISCONNECT", SwitchState.OFF),
    )
    assert names(definitions) == WHILE_CONNECTED
    focuser.switch("CONNECTION", CONNECT=SwitchState.ON)
    assert len(focuser.sync()) == 1
    focuser.switch("CONNECTION", DISCONNECT=SwitchState.ON)
    disconnected, *deletions = focuser.sync()
    assert isinstance(disconnected, SetSwitchVector)
    assert disconnected.state is PropertyState.IDLE
    assert [each.name for each in deletions if isinstance(each, DelProperty)] == WHILE_CONNECTED
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=60000)
    refused = only(focuser.sync())
    assert isinstance(refused, UserMessage)
    assert refused.message == "Focuser Simulator has no property ABS_FOCUS_POSITION at present"


def test_moves_over_time(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=53000)
    arrived = focuser.until_state("ABS_FOCUS_POSITION", PropertyState.OK)
    assert arrived.elements == (OneNumber("FOCUS_ABSOLUTE_POSITION", 53000.0),)
    moves = [each for each in focuser.told if isinstance(each, SetNumberVector) and each.name == arrived.name]
    positions = [each.elements[0].value for each in moves]
    assert positions[0] == 50000
    assert len(positions) >= 3
    assert positions == sorted(positions)
    assert {each.state for each in moves[:-1]} == {PropertyState.BUSY}


def test_moves_relative_in_the_direction_chosen(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("FOCUS_SPEED", FOCUS_SPEED_VALUE=5)
    focuser.ask_for("REL_FOCUS_POSITION", FOCUS_RELATIVE_POSITION=100)
    focuser.until_state("REL_FOCUS_POSITION", PropertyState.OK)
    focuser.switch("FOCUS_MOTION", FOCUS_OUTWARD=SwitchState.ON)
    focuser.ask_for("REL_FOCUS_POSITION", FOCUS_RELATIVE_POSITION=300)
    arrived = focuser.until_state("ABS_FOCUS_POSITION", PropertyState.OK)
    assert arrived.elements[0].value == 50000 - 100 + 300


def test_can_be_aborted_and_goes_on_from_there(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=100000)
    focuser.until(lambda told: isinstance(told, SetNumberVector) and told.elements[0].value > 50000)
    focuser.switch("FOCUS_ABORT_MOTION", ABORT=SwitchState.ON)
    stopped = focuser.until_state("ABS_FOCUS_POSITION", PropertyState.IDLE).elements[0].value
    assert 50000 < stopped < 100000
    focuser.sync()
    focuser.send(GetProperties(DEVICE, "ABS_FOCUS_POSITION"), GetProperties(DEVICE, "FOCUS_ABORT_MOTION"))
    position, abort = focuser.sync()
    assert isinstance(position, DefVector) and isinstance(abort, DefVector)
    assert position.elements[0].value == stopped
    focuser.ask_for("REL_FOCUS_POSITION", FOCUS_RELATIVE_POSITION=10)
    assert focuser.until_state("ABS_FOCUS_POSITION", PropertyState.OK).elements[0].value == stopped - 10
    assert (abort.state, abort.elements[0].value) == (PropertyState.OK, SwitchState.OFF)


def test_a_new_speed_holds_at_once(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=70000)  # 4 s, told every 0.25 s
    focuser.ask_for("FOCUS_SPEED", FOCUS_SPEED_VALUE=5)  # 0.8 s
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.OK)
    assert sum(getattr(told, "name", "") == "ABS_FOCUS_POSITION" for told in focuser.told) < 10


def test_a_new_target_holds_at_once(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=100000)
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=50100)
    assert focuser.until_state("ABS_FOCUS_POSITION", PropertyState.OK).elements[0].value == 50100


def test_a_new_maximum_changes_the_ranges(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("FOCUS_MAX", FOCUS_MAX_VALUE=60000)
    told = {content.name: content for content in focuser.sync() if isinstance(content, SetNumberVector)}
    assert told["ABS_FOCUS_POSITION"].elements == (OneNumber("FOCUS_ABSOLUTE_POSITION", 50000, 0, 60000, 1000),)
    assert told["FOCUS_MAX"].state is PropertyState.OK
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=60001)
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.ALERT)
    focuser.ask_for("FOCUS_MAX", FOCUS_MAX_VALUE=40000)
    refused = focuser.until_state("FOCUS_MAX", PropertyState.ALERT)
    assert refused.message.startswith("The limit cannot be below 50000, where the focuser is or goes")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (
            '<newNumberVector device="Focuser Simulator" name="ABS_FOCUS_POSITION">'
            '<oneNumber name="FOCUS_ABSOLUTE_POSITION">abc</oneNumber></newNumberVector>',
            "'abc' is not an INDI number",
        ),
        (
            '<newNumberVector device="Focuser Simulator" name="ABS_FOCUS_POSITION">'
            '<oneNumber name="FOCUS_ABSOLUTE_POSITION">100001</oneNumber></newNumberVector>',
            "ABS_FOCUS_POSITION has FOCUS_ABSOLUTE_POSITION from 0 to 100000, not 100001",
        ),
        (
            '<newNumberVector device="Focuser Simulator" name="ABS_FOCUS_POSITION">'
            '<oneNumber name="NOSUCH">1</oneNumber></newNumberVector>',
            "ABS_FOCUS_POSITION has no element NOSUCH, only FOCUS_ABSOLUTE_POSITION",
        ),
        (
            '<newTextVector device="Focuser Simulator" name="ABS_FOCUS_POSITION">'
            '<oneText name="FOCUS_ABSOLUTE_POSITION">1</oneText></newTextVector>',
            "ABS_FOCUS_POSITION is a Number property, not Text",
        ),
        (
            '<newNumberVector device="Focuser Simulator" name="FOCUS_TEMPERATURE">'
            '<oneNumber name="TEMPERATURE">1</oneNumber></newNumberVector>',
            "FOCUS_TEMPERATURE is read-only",
        ),
        (
            '<newNumberVector device="Focuser Simulator" name="REL_FOCUS_POSITION">'
            '<oneNumber name="FOCUS_RELATIVE_POSITION">60000</oneNumber></newNumberVector>',
            "Position -10000 is not from 0 to 100000: choose one that is, or change the limit.",
        ),
        (
            '<newSwitchVector device="Focuser Simulator" name="FOCUS_MOTION">'
            '<oneSwitch name="FOCUS_INWARD">Maybe</oneSwitch></newSwitchVector>',
            "'Maybe' is none of Off, On",
        ),
        (
            '<newSwitchVector device="Focuser Simulator" name="FOCUS_MOTION">'
            '<oneSwitch name="FOCUS_INWARD">On</oneSwitch>'
            '<oneSwitch name="FOCUS_OUTWARD">On</oneSwitch></newSwitchVector>',
            "FOCUS_MOTION is OneOfMany, and 2 switches would be On",
        ),
        (
            '<newSwitchVector device="Focuser Simulator" name="FOCUS_MOTION">'
            '<oneSwitch name="FOCUS_INWARD">Off</oneSwitch></newSwitchVector>',
            "FOCUS_MOTION is OneOfMany, and no switch would be On",
        ),
    ],
)
def test_refuses_with_alert_and_the_reason(focuser: Process, command: str, why: str) -> None:
    focuser.connect()
    focuser.write(command.encode())
    refused = only(focuser.sync())
    assert isinstance(refused, SetVector)
    assert refused.state is PropertyState.ALERT
    assert refused.message.endswith(why) or f"{why}, which is like" in refused.message


def test_other_devices_and_other_messages_are_not_its_business(focuser: Process) -> None:
    focuser.send(
        NewTextVector(device="Other", name="X", elements=(OneText("A", "b"),)),
        UserMessage("hello", DEVICE),
        PingReply("x"),
    )
    focuser.write(b'<newNumberVector device="Other" name="X"><oneNumber name="A">abc</oneNumber></newNumberVector>')
    assert focuser.sync() == []
    assert focuser.end() == (0, "")


def test_malformed_xml_is_told_on_stderr_and_survived(focuser: Process) -> None:
    focuser.write(b"<newNumberVector device=Focuser></newNumberVector>")
    assert focuser.sync() == []
    status, errors = focuser.end()
    assert status == 0
    assert errors.startswith("the server sent something that is not INDI: attribute at byte 0: ")


def test_ends_while_it_moves_when_stdin_ends(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=0)  # 10 s
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.BUSY)
    began = time.monotonic()
    assert focuser.end() == (0, "")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_at_a_signal(focuser: Process, number: signal.Signals) -> None:
    focuser.sync()
    focuser.popen.send_signal(number)
    assert focuser.popen.wait(DEADLINE_S) == 0
    assert focuser.end() == (0, "")


def test_ends_quietly_when_nobody_reads(focuser: Process) -> None:
    focuser.sync()
    assert focuser.popen.stdout is not None
    focuser.popen.stdout.close()
    focuser.send(GetProperties())
    assert focuser.popen.wait(DEADLINE_S) == 0


def test_waits_without_polling(focuser: Process) -> None:
    """In a second in which nothing is asked it is never woken: what it could tell then would end the wait."""
    focuser.sync()
    assert focuser.popen.stdout is not None
    assert os.read(focuser.popen.stdout.fileno(), 100) == b"\n"
    before = _voluntary_switches(focuser.popen.pid)
    assert select.select([focuser.popen.stdout], [], [], 1.0)[0] == []
    assert _voluntary_switches(focuser.popen.pid) - before <= 2


def test_moves_without_polling(focuser: Process) -> None:
    focuser.connect()
    focuser.ask_for("ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=100000)
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.BUSY)
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.BUSY)
    before = _voluntary_switches(focuser.popen.pid)
    focuser.until_state("ABS_FOCUS_POSITION", PropertyState.BUSY)
    assert _voluntary_switches(focuser.popen.pid) - before <= 6


def _voluntary_switches(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        (
            ["indigevent.nosuch:Class"],
            1,
            "there is no module indigevent.nosuch on Python's path; check its name\n",
        ),
        (
            ["indigevent.simulators.focuser:Nosuch"],
            1,
            "module indigevent.simulators.focuser has no driver class Nosuch\n",
        ),
        (["indigevent"], 1, "'indigevent' names no driver: it must be package.module:Class\n"),
        ([], 2, "usage: indigevent-driver package.module:Class\n"),
    ],
)
def test_says_in_one_sentence_which_driver_is_not_there(
    launch: Callable[..., Process], name: list[str], status: int, sentence: str
) -> None:
    assert launch(["indigevent.driver", *name]).end() == (status, sentence)


def test_a_missing_dependency_is_named(launch: Callable[..., Process], tmp_path: Path) -> None:
    (tmp_path / "mydriver.py").write_text("import nosuchdependency\n", encoding="utf-8")
    process = launch(["indigevent.driver", "mydriver:Class"], PYTHONPATH=str(tmp_path))
    sentence = "module mydriver needs nosuchdependency, which is not installed\n"
    assert process.end() == (1, sentence)


def test_drivers_do_not_need_gevent() -> None:
    code = "import sys, indigevent.simulators.focuser as _; sys.exit('gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=DEADLINE_S, check=False).returncode == 0


def test_definitions_say_what_a_client_may_do(focuser: Process) -> None:
    focuser.connect()
    focuser.send(GetProperties())
    told = {content.name: content for content in focuser.sync() if isinstance(content, DefVector)}
    assert told["DRIVER_INFO"].perm is told["FOCUS_TEMPERATURE"].perm is Permission.READ_ONLY
    assert told["CONNECTION"].rule is SwitchRule.ONE_OF_MANY
    assert told["FOCUS_ABORT_MOTION"].rule is SwitchRule.AT_MOST_ONE
    assert all(content.timestamp for content in told.values())
