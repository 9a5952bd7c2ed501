"""Waits that could end too early, too late or never: drivers that answer oddly, threads that wait for each other."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from indigevent.client import BlobMode, Client, ClientError, LiveProperty, PropertyState, client, handles, link
from tests.lab.vocabulary import define, define_blob, note, set_blob, update
from tests.system.client.servers import DEADLINE_S, ToldServer, hear, until

PROMPT_S = 5.0
SWITCH = (
    "<{}SwitchVector device='Mount' name='{}' state='{}' {}><{}Switch name='GO'>{}</{}Switch></{}SwitchVector>".format
)


def define_switch(name: str, state: str = "Idle") -> str:
    return SWITCH("def", name, state, "perm='rw' rule='AtMostOne'", "def", "Off", "def", "def")


def set_switch(name: str, state: str, value: str) -> str:
    return SWITCH("set", name, state, "", "one", value, "one", "set")


@pytest.fixture
def server() -> Iterator[ToldServer]:
    """Give one that says what the test says."""
    with ToldServer() as told:
        yield told


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not taken for an answer at once is not taken for one later."""
    monkeypatch.setattr(handles, "_SETTLED_S", 10 * DEADLINE_S)
    monkeypatch.setattr(handles, "_LONGEST_SETTLED_S", 10 * DEADLINE_S)


def answered(server: ToldServer, definition: str, answer: str, command: Callable[[Client], LiveProperty]) -> None:
    """A command is told to the driver, which answers, and that ends the wait."""
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S, blobs=BlobMode.NEVER) as indi:
        sock = server.accept()
        sock.sendall(definition.encode())
        answering = threading.Thread(target=lambda: (hear(sock, b"</new"), sock.sendall(answer.encode())))
        answering.start()
        command(indi)
        answering.join()


def test_a_driver_that_refuses_and_goes_on_telling_does_not_hold_up_a_wait(
    server: ToldServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parked telescope of libindi tells its position four times a second, whatever it is asked."""
    monkeypatch.setattr(handles, "_SETTLED_S", 0.5)
    monkeypatch.setattr(handles, "_LONGEST_SETTLED_S", 1.0)
    over = threading.Event()
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S, blobs=BlobMode.NEVER) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        position = indi["Mount"]["P"]

        def tell() -> None:
            while not over.wait(0.05):
                sock.sendall(update("Mount", value=3).encode())

        telling = threading.Thread(target=tell)
        telling.start()
        try:
            position.set(5, wait=True, timeout=PROMPT_S)
        finally:
            over.set()
            telling.join()
        assert position["x"] == 3


@pytest.mark.usefixtures("patient")
def test_what_stays_busy_while_it_goes_on_has_begun(server: ToldServer) -> None:
    name = "TELESCOPE_MOTION_NS"
    answer = set_switch(name, "Busy", "On")
    answered(server, define_switch(name), answer, lambda indi: indi["Mount"][name].set("GO", wait=True))


@pytest.mark.usefixtures("patient")
def test_a_switch_that_goes_back_by_itself_has_answered(server: ToldServer) -> None:
    answer = set_switch("ABORT", "Ok", "Off")
    answered(server, define_switch("ABORT", "Ok"), answer, lambda indi: indi["Mount"]["ABORT"].set("GO", wait=True))


def test_the_reason_of_a_refusal_is_not_that_of_an_earlier_answer(server: ToldServer) -> None:
    done = update("Mount").replace("<setNumberVector ", "<setNumberVector message='Done.' ")
    refused = "<message device='Mount' message='It is locked.'/>" + update("Mount").replace("Ok", "Alert")
    with pytest.raises(ClientError, match=r"Mount\.P became Alert: It is locked\.$"):
        answered(server, define("Mount") + done, refused, lambda indi: indi["Mount"]["P"].set(5, wait=True))


def test_what_the_driver_said_last_is_not_what_it_said_of_the_property_before(server: ToldServer) -> None:
    done = update("Mount").replace("<setNumberVector ", "<setNumberVector message='Done.' ")
    with Client("127.0.0.1", server.port, timeout=0.5, blobs=BlobMode.NEVER) as indi, indi.events() as events:
        sock = server.accept()
        sock.sendall((define("Mount") + done).encode())
        while events.get(DEADLINE_S).message != "Done.":
            pass
        prop, notes = indi["Mount"]["P"], [note("Mount", "It is locked.").encode()]

        def test(_: LiveProperty) -> bool:
            while notes:
                sock.sendall(notes.pop())
            return False

        with pytest.raises(ClientError, match=r"said last: It is locked\.$"):
            prop.wait(test)


def test_a_wait_without_end_ends_with_what_it_waits_for(server: ToldServer) -> None:
    with Client("127.0.0.1", server.port, blobs=BlobMode.NEVER) as indi, indi.events() as events:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        assert events.get(math.inf).device == "Mount"
        answering = threading.Thread(target=lambda: (hear(sock, b"</new"), sock.sendall(update("Mount").encode())))
        answering.start()
        assert indi["Mount"]["P"].set(5).wait(timeout=math.inf).state is PropertyState.OK
        answering.join()


def test_a_condition_that_uses_another_device_waits_for_nobody_who_waits_for_it(server: ToldServer) -> None:
    """One thread has just begun with a device, which takes until the server answers a ping, or does not."""
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S) as indi:
        server.accept().sendall((define("Mount") + define("Dome")).encode())
        until(lambda: "Dome" in indi)
        beginning = threading.Thread(target=lambda: indi["Mount"], daemon=True)
        prop = LiveProperty(indi, "Mount", "P")
        waiting = threading.Thread(target=lambda: prop.wait(lambda _: indi["Dome"]["P"]["x"] == 1), daemon=True)
        beginning.start()
        server.take()  # the connection for BLOBs: it is in the middle of that
        waiting.start()
        for thread in (beginning, waiting):
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


def test_blobs_of_what_is_never_defined_hold_up_neither_the_others_nor_close(server: ToldServer) -> None:
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S) as indi:
        server.accept().sendall((define("Camera") + define_blob("Camera", "Picture")).encode())
        accepting: list[object] = []
        thread = threading.Thread(target=lambda: accepting.append(server.take()))
        thread.start()
        picture = indi["Camera"]["Picture"]
        thread.join()
        (sock,) = accepting
        blobs = set_blob("Camera", "Stranger", b"?") * 30 + set_blob("Camera", "Picture", b"good")
        sock.sendall(blobs.encode())  # type: ignore[attr-defined]
        assert picture.next_blob(DEADLINE_S).data == b"good"
        strangers = "".join(set_blob("Camera", f"Stranger {number}", b"?") for number in range(30))
        sock.sendall(strangers.encode())  # type: ignore[attr-defined]
        began_s = time.monotonic()
    assert time.monotonic() - began_s < PROMPT_S


def test_a_server_that_ends_connections_at_once_is_asked_less_and_less_often(server: ToldServer) -> None:
    with Client("127.0.0.1", server.port, blobs=BlobMode.NEVER):
        seen_s = []
        for _ in range(3):
            server.accept().close()
            seen_s.append(time.monotonic())
        first_s, second_s = seen_s[1] - seen_s[0], seen_s[2] - seen_s[1]
        assert second_s > 1.5 * first_s


def test_the_connection_for_blobs_comes_back_with_the_server(
    server: ToldServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may sleep for long when the server was away for long, and commands would wait for it."""
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S) as indi:
        sock = server.accept()
        sock.sendall(define("Camera").encode())
        until(lambda: "Camera" in indi)
        monkeypatch.setattr(link, "_FIRST_DELAY_S", 10 * DEADLINE_S)
        beginning = threading.Thread(target=lambda: indi["Camera"])
        beginning.start()
        blobs = server.take()
        beginning.join()
        blobs.close()
        until(lambda: not indi._blob_link.is_open)  # type: ignore[union-attr]
        sock.close()
        assert b"getProperties" in hear(server.take(), b"getProperties")
        assert b"enableBLOB" in hear(server.take(), b"enableBLOB")


def test_no_thread_sends_a_command_before_the_connection_for_blobs_is_ready_again(
    server: ToldServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PING_PATIENCE_S", 2 * DEADLINE_S)
    with Client("127.0.0.1", server.port, timeout=2 * DEADLINE_S) as indi:
        server.accept().sendall((define("Camera") + define_blob("Camera", "Picture")).encode())
        until(lambda: "Camera" in indi and "Picture" in indi.mirror.devices["Camera"].properties)
        commanding = [threading.Thread(target=lambda: indi["Camera"]["P"].set(5)) for _ in range(3)]
        commanding[0].start()
        blobs = server.take()
        hear(blobs, b"client/1")
        blobs.sendall(b"<pingReply uid='client/1'/>")
        commanding[0].join()
        blobs.close()
        blobs = server.take()
        for number in (1, 2):
            commanding[number].start()
            hear(blobs, b"client/%d" % (number + 1))
        blobs.sendall(b"<pingReply uid='client/2'/><pingReply uid='client/3'/>")
        for thread in commanding:
            thread.join()


def test_a_device_whose_blobs_could_not_be_asked_for_is_asked_again(server: ToldServer) -> None:
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S) as indi:
        server.accept().sendall(define("Camera").encode())
        until(lambda: "Camera" in indi)
        server.pause()
        with pytest.raises(ClientError, match="Connection refused"):
            indi["Camera"]
        server.go_on()
        beginning = threading.Thread(target=lambda: indi["Camera"])
        beginning.start()
        assert b"enableBLOB" in hear(server.take(), b"enableBLOB")
        beginning.join()


def test_a_blob_that_cannot_come_is_not_waited_for(server: ToldServer) -> None:
    with Client("127.0.0.1", server.port, blobs=BlobMode.ALSO) as indi:
        server.accept().sendall((define("Camera") + define_blob("Camera", "Picture")).encode())
        camera = indi["Camera"]
        with pytest.raises(ClientError, match=r"Camera\.P sends no BLOBs: it is a Number property"):
            camera["P"].next_blob()
        with pytest.raises(ClientError, match=r"Camera\.Picture has no element CCD1; it has b"):
            camera["Picture"].next_blob(element="CCD1")
