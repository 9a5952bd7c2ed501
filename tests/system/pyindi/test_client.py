"""What scripts rely on, and what the real module crashes at: look-ups, callbacks, commands, BLOBs, disconnections."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import indigevent.compat.pyindi as PyIndi
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server
from tests.lab.vocabulary import blob_vector, define, define_blob, delete, inline, note, set_blob, update

SWITCHES = (
    "<defSwitchVector device='D' name='CONNECTION' state='Idle' perm='rw' rule='OneOfMany'>"
    "<defSwitch name='CONNECT'>Off</defSwitch><defSwitch name='DISCONNECT'>On</defSwitch></defSwitchVector>"
)
TEXT = (
    "<defTextVector device='D' name='T' state='Idle' perm='rw'><defText name='t'>old</defText>"
    "<defText name='u'>kept</defText></defTextVector>"
)


class Recorder(PyIndi.BaseClient):
    """A client that notes its callbacks, and lets a test wait for them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        self.changed = threading.Condition()

    def note(self, *call: Any) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def expect(self, *call: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: call in self.calls, DEADLINE_S), f"{call} not in {self.calls}"

    def newDevice(self, d: PyIndi.BaseDevice) -> None:
        self.note("newDevice", d.getDeviceName())

    def removeDevice(self, d: PyIndi.BaseDevice) -> None:
        self.note("removeDevice", d.getDeviceName())

    def newProperty(self, p: PyIndi.Property) -> None:
        self.note("newProperty", p.getName(), p.getTypeAsString())

    def updateProperty(self, p: PyIndi.Property) -> None:
        self.note("updateProperty", p.getName(), p.getStateAsString())

    def removeProperty(self, p: PyIndi.Property) -> None:
        self.note("removeProperty", p.getName())

    def newMessage(self, d: PyIndi.BaseDevice, m: int) -> None:
        self.note("newMessage", d.messageQueue(m))

    def newUniversalMessage(self, m: str) -> None:
        self.note("newUniversalMessage", m)

    def newPingReply(self, uid: str) -> None:
        self.note("newPingReply", uid)

    def serverConnected(self) -> None:
        self.note("serverConnected", threading.current_thread().name)

    def serverDisconnected(self, code: int) -> None:
        self.note("serverDisconnected", code)


class Stage:
    """A server, its driver, and clients that are disconnected at the end."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.driver: ScriptedDriver = lab.driver("driver")
        self.server: Server = lab.server(self.driver)
        self.clients: list[PyIndi.BaseClient] = []

    def client(self, cls: Callable[[], Any] = Recorder) -> Any:
        """Connect a client; return when the driver has been asked for its properties."""
        client = cls()
        client.setServer("127.0.0.1", self.server.port)
        self.clients.append(client)
        assert client.connectServer()
        self.driver.expect("getProperties")
        return client

    def introduced(self, *definitions: str) -> Recorder:
        """Connect a client that knows device D with these definitions."""
        client: Recorder = self.client()
        self.driver.send(*definitions)
        client.sendPingRequest("introduced")
        self.driver.ping()
        client.sendPingRequest("known")
        client.expect("newPingReply", "known")
        return client


@pytest.fixture
def stage(lab: Lab) -> Iterator[Stage]:
    made = Stage(lab)
    yield made
    for client in made.clients:
        client.disconnectServer()


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future[Any]]]:
    """Give a function that calls another in a thread of its own."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def test_look_ups_wait_for_definitions_that_come_late(
    stage: Stage, elsewhere: Callable[..., Future[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    client = stage.client()
    value = elsewhere(lambda: client.getDevice("D").getNumber("Q")[0].value)
    stage.driver.send(SWITCHES.replace("Idle", "Busy"))
    stage.driver.ping()
    stage.driver.send(define("D", "Q"))
    assert value.result(DEADLINE_S) == 1.0
    assert caplog.text == ""


def test_a_missing_name_is_waited_for_and_told_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    client = stage.introduced(SWITCHES)
    device = client.getDevice("D")
    assert not device.getNumber("NOPE") and not device.getNumber("NOPE")
    assert caplog.messages == ['there is no property D.NOPE (the device is not connected; connectDevice("D") may help)']
    missing = client.getDevice("X")
    assert missing.getDeviceName() == ""
    with pytest.raises(IndexError, match=r"there is no device X .*, so it has no element 0"):
        missing.getNumber("P")[0]
    assert caplog.messages[1:] == ["there is no device X (the server has D)"]


def test_a_look_up_after_connecting_the_device_waits_again(stage: Stage, elsewhere: Callable[..., Future[Any]]) -> None:
    client = stage.introduced(SWITCHES)
    assert not client.getDevice("D").getNumber("P")
    client.connectDevice("D")
    stage.driver.expect("newSwitchVector", device="D", name="CONNECTION")
    found = elsewhere(lambda: client.getDevice("D").getNumber("P").getName())
    stage.driver.send(define("D", "P"))
    assert found.result(DEADLINE_S) == "P"


def test_a_look_up_in_a_callback_does_not_wait(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    class Curious(Recorder):
        def newProperty(self, p: PyIndi.Property) -> None:
            self.note(p.getName(), bool(p.getBaseDevice().getNumber("Q")), bool(self.getDevice("X")))

    client = stage.client(Curious)
    stage.driver.send(define("D", "P"), define("D", "Q"))
    client.expect("Q", True, False)
    assert ("P", False, False) in client.calls
    assert caplog.text == ""


def test_every_callback_comes(stage: Stage) -> None:
    client = stage.introduced(define("D"))
    stage.driver.send(update("D"), note("D", "hello"), note(None, "to all"), delete("D", "P"), delete("D"))
    client.expect("removeDevice", "D")
    calls = [call for call in client.calls if call[0] != "newPingReply"]
    assert calls == [
        ("serverConnected", "MainThread"),
        ("newDevice", "D"),
        ("newProperty", "P", "INDI_NUMBER"),
        ("updateProperty", "P", "Ok"),
        ("newMessage", "hello"),
        ("newUniversalMessage", "to all"),
        ("removeProperty", "P"),
        ("removeDevice", "D"),
    ]


def test_callbacks_of_1x_are_called_where_a_class_defines_them(stage: Stage) -> None:
    class Old(Recorder):
        def newNumber(self, nvp: Any) -> None:
            self.note("newNumber", nvp.device, nvp.name, nvp.s, nvp.nnp, nvp.np[0].value, nvp[0].value)

        def newBLOB(self, bp: Any) -> None:
            self.note("newBLOB", bp.bvp.device, bp.bvp.name, bp.name, bp.format, bp.bloblen, bytes(bp.getblobdata()))
            self.note("iterated", [(b.name, b.getblob()) for b in bp])

    client = stage.client(Old)
    client.setBLOBMode(PyIndi.B_ALSO, "D", None)
    client.sendPingRequest("enabled")
    client.expect("newPingReply", "enabled")
    stage.driver.send(define("D"), update("D", value=4), define_blob("D", "B"))
    stage.driver.send(set_blob("D", "B", zlib.compress(b"\xff" * 9), ".fits.z"), set_blob("D", "B", b"plain"))
    client.expect("iterated", [("b", b"plain")])
    assert ("newNumber", "D", "P", PyIndi.IPS_OK, 1, 4.0, 4.0) in client.calls
    compressed = len(zlib.compress(b"\xff" * 9))
    assert ("newBLOB", "D", "B", "b", ".fits", compressed, b"\xff" * 9) in client.calls
    assert ("iterated", [("b", b"\xff" * 9)]) in client.calls


def test_messages_have_their_numbers_also_after_many(stage: Stage) -> None:
    class Counting(Recorder):
        def newMessage(self, d: PyIndi.BaseDevice, m: int) -> None:
            self.note(m, d.messageQueue(m))

    client = stage.client(Counting)
    stage.driver.send(define("D"), *(note("D", f"number {number}") for number in range(1002)))
    client.expect(1001, "number 1001")
    assert client.calls[-1002:] == [(number, f"number {number}") for number in range(1002)]


def test_an_error_in_a_callback_is_logged_and_the_next_ones_come(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Recorder):
        def newDevice(self, d: PyIndi.BaseDevice) -> None:
            raise ZeroDivisionError

    client = stage.client(Clumsy)
    stage.driver.send(define("D"))
    client.expect("newProperty", "P", "INDI_NUMBER")
    assert "Clumsy raised an error in newDevice" in caplog.text and "ZeroDivisionError" in caplog.text


def test_commands_name_every_element_and_change_the_cache_at_once(stage: Stage) -> None:
    client = stage.introduced(define("D"), TEXT, SWITCHES)
    device = client.getDevice("D")
    number = device.getNumber("P")
    number[0].setValue(7)
    client.sendNewNumber(number)
    assert device.getNumber("P")[0].value == 7.0 and number.getStateAsString() == "Busy"
    client.sendNewNumber("D", "P", "x", 8.0)
    client.sendNewText("D", "T", "t", "new")
    client.sendNewSwitch("D", "CONNECTION", "CONNECT")
    client.sendNewProperty(device.getProperty("T"))
    client.disconnectDevice("D")
    lines = [
        stage.driver.expect(f"new{kind}Vector").line()
        for kind in ("Number", "Number", "Text", "Switch", "Text", "Switch")
    ]
    assert [line.split("name='P'>")[-1] for line in lines[:2]] == [
        f"<oneNumber name='x'>{value}</></>" for value in ("7", "8")
    ]
    assert lines[2] == lines[4] and "'t'>new</><oneText name='u'>kept</>" in lines[2]
    assert "'CONNECT'>On</><oneSwitch name='DISCONNECT'>Off</>" in lines[3]
    assert "'CONNECT'>Off</><oneSwitch name='DISCONNECT'>On</>" in lines[5]


def test_commands_that_would_crash_the_real_module_are_errors(stage: Stage) -> None:
    client = stage.introduced(define("D"), define_blob("D", "B"))
    number = client.getDevice("D").getNumber("P")
    with pytest.raises(TypeError, match=r"D\.P is INDI_NUMBER; it cannot be sent as a PropertySwitch"):
        client.sendNewSwitch(number)
    with pytest.raises(ValueError, match="nothing can be sent: there is no such property"):
        client.sendNewNumber(PyIndi.PropertyNumber(None))
    for wrong in (None, "D", 3):
        with pytest.raises(TypeError, match="cannot be sent: give a property"):
            client.sendNewProperty(wrong)
    with pytest.raises(TypeError, match="names of device, property and element are needed"):
        client.sendNewNumber("D", "P")


def test_what_is_not_sent_is_told_each_time(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    client = stage.introduced(define("D"), SWITCHES.replace(">Off<", ">On<"))
    client.sendNewNumber("D", "CONNECTION", "CONNECT", 1.0)
    client.sendNewSwitch("D", "P", "x")
    told = ["nothing was sent: D.CONNECTION is INDI_SWITCH; it cannot be sent as a PropertyNumber"]
    told += ["nothing was sent: D.P is INDI_NUMBER; it cannot be sent as a PropertySwitch"]
    assert caplog.messages == told
    caplog.clear()
    for _ in range(2):
        client.sendNewNumber("D", "NOPE", "x", 1.0)
        client.connectDevice("X")
    assert caplog.messages.count("nothing was sent: there is no property D.NOPE") == 2
    assert caplog.messages.count("nothing was sent: there is no device X (the server has D)") == 2


def test_names_that_are_no_text_are_refused_at_once(stage: Stage) -> None:
    client = stage.introduced(define("D"))
    device = client.getDevice("D")
    for wrong in (
        lambda: client.setBLOBMode(PyIndi.B_ALSO, device),
        lambda: client.setBLOBMode(PyIndi.B_ALSO, "D", device.getNumber("P")),
        lambda: client.watchDevice(5),
        lambda: client.watchProperty("D", None),
        lambda: client.connectDevice(None),
        lambda: client.startBlob("D", None, ""),
        lambda: device.getNumber("P").setName(5),
        lambda: client.sendPingRequest(5),
    ):
        with pytest.raises(TypeError, match="give a str"):
            wrong()
    with pytest.raises(TypeError, match="7 is not a BLOB for b; give bytes"):
        client.sendOneBlob("b", 3, ".f", 7)
    for seconds in (-1, 10**15):
        with pytest.raises(ValueError, match=f"{seconds} and 0 are no time"):
            client.setConnectionTimeout(seconds, 0)
    client.disconnectServer()
    assert client.connectServer()


def test_blobs_are_sent_in_both_ways(stage: Stage) -> None:
    client = stage.introduced(define_blob("D", "B"))
    client.startBlob("D", "B", "2026-01-01T00:00:00")
    client.sendOneBlobFromBuffer("b", ".x", b"first")
    client.sendOneBlob("b2", 3, ".y", b"cut off")
    client.finishBlob()
    assert stage.driver.expect("newBLOBVector").line().count("oneBLOB") == 2
    blob = client.getDevice("D").getBLOB("B")
    blob[0].setBlob(b"second")
    blob[0].setFormat(".z1")
    client.sendNewProperty(blob)
    stage.driver.latest.expect("newBLOBVector")
    sent = [bytes(stage.driver.latest.received)]
    for expected in (inline(b"first"), inline(b"second", form=".z1")):
        assert expected.split(">")[1].split("<")[0].encode() in sent[0]
    with pytest.raises(ValueError, match="call startBlob"):
        client.finishBlob()


def test_a_watched_device_is_all_that_comes(stage: Stage) -> None:
    client = Recorder()
    client.setServer("127.0.0.1", stage.server.port)
    stage.clients.append(client)
    client.watchDevice("D")
    assert client.connectServer()
    client.sendPingRequest("watched")
    client.expect("newPingReply", "watched")
    stage.driver.send(define("E"), define("D"))
    client.expect("newProperty", "P", "INDI_NUMBER")
    assert [device.getDeviceName() for device in client.getDevices()] == ["D"]


def test_ends_of_connections(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    client = stage.introduced(define("D"))
    assert not client.connectServer()
    assert client.disconnectServer() and not client.disconnectServer()
    assert client.calls[-1] == ("serverDisconnected", 0)
    assert [device.getDeviceName() for device in client.getDevices()] == ["D"]
    number = client.getDevice("D").getNumber("P")
    assert client.connectServer() and client.isServerConnected()
    stage.server.stop()
    client.expect("serverDisconnected", -1)
    assert not client.isServerConnected()
    client.sendNewNumber(number)
    assert "newNumberVector D.P was not sent" in caplog.text
    assert number.getStateAsString() == "Idle"
    assert not client.connectServer()
    assert f"no INDI server at 127.0.0.1:{stage.server.port}: Connection refused" in caplog.text


def test_a_new_connection_introduces_everything_again(stage: Stage) -> None:
    client = stage.introduced(define("D"), define("E"))
    device, number = client.getDevice("D"), client.getDevice("D").getNumber("P")
    client.disconnectServer()
    client.calls.clear()
    assert client.connectServer()
    stage.driver.expect("getProperties")
    assert client.getDevices() == [] and not device.getProperties()
    stage.driver.send(define("D"), update("D", value=5))
    client.expect("updateProperty", "P", "Ok")
    assert client.calls[1:3] == [("newDevice", "D"), ("newProperty", "P", "INDI_NUMBER")]
    # What a script has kept from before shows what is now.
    assert number[0].value == 5.0 and number == client.getDevice("D").getNumber("P") == device.getNumber("P")
    assert [found.getDeviceName() for found in client.getDevices()] == ["D"]


def test_a_server_that_leaves_at_once_disconnects_after_it_connected(
    elsewhere: Callable[..., Future[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(Recorder):
        def serverConnected(self) -> None:
            accepted.result(DEADLINE_S).close()
            with self.changed:
                self.changed.wait_for(lambda: self.calls, 0.5)  # nothing may come now, however long it takes
            self.note("serverConnected")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted = elsewhere(lambda: listening.accept()[0])
        client = Slow()
        client.setServer("127.0.0.1", listening.getsockname()[1])
        client.connectServer()
        client.expect("serverDisconnected", -1)
    assert [call[0] for call in client.calls] == ["serverConnected", "serverDisconnected"]
    assert "call connectServer()" not in caplog.text


def test_control_c_while_connecting_leaves_no_connection(stage: Stage) -> None:
    class Interrupted(Recorder):
        def serverConnected(self) -> None:
            self.note("serverConnected")
            if len(self.calls) == 1:
                raise KeyboardInterrupt

    client = Interrupted()
    client.setServer("127.0.0.1", stage.server.port)
    stage.clients.append(client)
    with pytest.raises(KeyboardInterrupt):
        client.connectServer()
    assert not client.isServerConnected()
    assert client.connectServer()
    stage.driver.expect("getProperties")


def test_a_callback_may_disconnect_and_connect_again(stage: Stage) -> None:
    class Restless(Recorder):
        def newDevice(self, d: PyIndi.BaseDevice) -> None:
            if d.getDeviceName() == "D":
                self.note("again", self.disconnectServer(), self.connectServer())

    client = stage.client(Restless)
    stage.driver.send(define("D"))
    client.expect("again", True, True)
    stage.driver.expect("getProperties")
    stage.driver.send(define("E"), update("E"))
    client.expect("updateProperty", "P", "Ok")
    assert client.calls.count(("newProperty", "P", "INDI_NUMBER")) == 1


def test_disconnecting_does_not_wait_for_ever_for_a_callback(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: Callable[..., Future[Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Locking(Recorder):
        def newDevice(self, d: PyIndi.BaseDevice) -> None:
            self.note("waiting")
            with lock:
                self.note("returned")

    monkeypatch.setattr("indigevent.compat.pyindi.session._DISCONNECTING_S", 0.2)
    lock = threading.Lock()
    with lock:
        client = stage.client(Locking)
        stage.driver.send(define("D"))
        client.expect("waiting")
        assert elsewhere(client.disconnectServer).result(DEADLINE_S)
        assert caplog.messages == ["disconnectServer() goes on: a callback has not returned for 0.2 s"]
        assert client.connectServer()
    client.expect("returned")


def test_several_threads_look_up_and_send(stage: Stage, elsewhere: Callable[..., Future[Any]]) -> None:
    client = stage.introduced(define("D"))

    def send() -> None:
        for value in range(10):
            client.sendNewNumber("D", "P", "x", float(value % 9))

    for done in [elsewhere(send) for _ in range(4)]:
        done.result(DEADLINE_S)
    stage.driver.latest.expect_count(40, "newNumberVector", device="D", name="P")


def test_blob_modes_reach_the_server_also_when_set_before_connecting(stage: Stage) -> None:
    client = Recorder()
    client.setServer("127.0.0.1", stage.server.port)
    stage.clients.append(client)
    assert client.getBLOBMode("D") == PyIndi.B_ALSO  # what the real module says before anything was set
    client.setBLOBMode(PyIndi.B_ALSO, "D")
    client.setBLOBMode(PyIndi.B_NEVER, "D", "C")
    assert (client.getBLOBMode("D"), client.getBLOBMode("D", "B"), client.getBLOBMode("D", "C")) == (1, 1, 0)
    assert client.connectServer()
    stage.driver.expect("getProperties")
    client.sendPingRequest("enabled")
    client.expect("newPingReply", "enabled")
    stage.driver.send(define_blob("D", "C"), define_blob("D", "B"))
    stage.driver.send(*(blob_vector("set", "D", name, inline(b"data")) for name in "CB"))
    client.expect("updateProperty", "B", "Idle")
    assert ("updateProperty", "C", "Idle") not in client.calls
