"""Servers that are not there, go, say nothing or nonsense, or do not read: what a program sees of that."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import pytest

from indigevent.client import BlobMode, Client, ClientError, EventKind, PropertyState
from indigevent.client.endpoint import Endpoint
from indigevent.protocol.vectors import NewBLOBVector, OneBLOB
from tests.lab.server import free_port
from tests.lab.vocabulary import define, delete, update
from tests.system.client.servers import DEADLINE_S, ToldServer, hear, until

PROMPT_S = 5.0


def client(server: ToldServer, timeout: float = 2 * DEADLINE_S, reconnect: bool = True) -> Client:
    """One connection, which is all that these tests speak on."""
    return Client("127.0.0.1", server.port, timeout=timeout, reconnect=reconnect, blobs=BlobMode.NEVER)


@pytest.mark.parametrize("where", ["port", "local socket"])
def test_no_server_is_one_clear_sentence(where: str) -> None:
    port = free_port()
    indi = Client("127.0.0.1", port) if where == "port" else Client(local="/nowhere/indiserver")
    at = f"127.0.0.1:{port}" if where == "port" else "/nowhere/indiserver"
    with pytest.raises(ClientError, match=f"^no INDI server at {at}: Connection refused; start one, or say where"):
        indi.connect()
    with pytest.raises(ClientError, match=f"{at} is not connected: it was not asked to; call connect()"):
        indi.ping()


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ({"host": "a..b"}, r"no INDI server at a\.\.b:7624: that is no host's name; start one, or"),
        ({"port": 99_999}, "no INDI server at localhost:99999: a port is from 1 to 65535; start one, or"),
        ({"timeout": -1}, "a client's timeout is from above 0 to 1000000 seconds, not -1"),
        ({"timeout": math.inf}, "not inf"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(where: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        Client(**where).connect()


def test_a_client_that_was_not_connected_says_so() -> None:
    with pytest.raises(ClientError, match=r"^localhost:7624 is not connected: it was not asked to; call connect\(\)$"):
        Client()["Mount"]
    assert str(Endpoint("::1", 7625)) == "[::1]:7625"


def test_silence_ends_with_the_timeout() -> None:
    with ToldServer() as server, client(server, timeout=0.2) as indi:
        server.accept()
        with pytest.raises(ClientError, match=r"waited 0\.2 s in vain for a device Mount; the server has none"):
            indi["Mount"]
        assert indi.is_connected


@pytest.mark.parametrize("reconnect", [True, False])
def test_a_server_that_goes_ends_a_wait_at_once(reconnect: bool) -> None:
    """Whether the command was carried out is not known, so the wait does not go on after a reconnection."""
    with ToldServer() as server, client(server, reconnect=reconnect) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        prop = indi["Mount"]["P"].set(5)
        hear(sock, b"newNumberVector")
        indi.on(EventKind.UPDATED)(lambda event: sock.close())
        began_s = time.monotonic()
        sock.sendall(update("Mount").replace("Ok", "Busy").encode())
        with pytest.raises(
            ClientError, match=r"is gone \(the server closed the connection\) while waiting for Mount.P"
        ):
            prop.wait(PropertyState.ALERT)
        assert time.monotonic() - began_s < PROMPT_S
        with pytest.raises(ClientError, match="is not connected: the server closed the connection"):
            prop.set(6)


def test_a_property_deleted_and_defined_at_once_is_not_the_one_that_is_waited_for() -> None:
    with ToldServer() as server, client(server) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        prop = indi["Mount"]["P"].set(5)
        hear(sock, b"newNumberVector")
        both = (delete("Mount", "P") + define("Mount")).encode()
        said: list[None] = []

        def wanted(_: object) -> bool:
            said.append(sock.sendall(both) if not said else None)
            return False

        with pytest.raises(ClientError, match=r"Mount\.P was deleted while waiting for it to be as wanted"):
            prop.wait(wanted)


def test_what_is_not_sent_does_not_make_a_property_busy() -> None:
    with ToldServer() as server, client(server, reconnect=False) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        prop = indi["Mount"]["P"]
        sock.close()
        until(lambda: not indi.is_connected)
        with pytest.raises(ClientError, match="is not connected"):
            prop.set(5)
        assert prop.state is PropertyState.IDLE


def test_nonsense_is_passed_over_and_logged_once_per_kind(caplog: pytest.LogCaptureFixture) -> None:
    nonsense = [
        "no markup \x00\xff>>> ]]>",
        "<unheardOf device='Mount'/>",
        "<setNumberVector device='Mount' name='P'><oneNumber name='x'>many</oneNumber></setNumberVector>",
        "<setNumberVector device='Mount' name='P' state='Ok'><oneNumber name='x'>1</setNumberVector>",
        "<setNumberVector device='Mount' name='U' state='Ok'><oneNumber name='x'>1</oneNumber></setNumberVector>",
        "<setTextVector device='Mount' name='P' state='Ok'><oneText name='x'>1</oneText></setTextVector>",
        "<setNumberVector device='Mount' name='P' state='Ok'><oneNumber name='y'>1</oneNumber></setNumberVector>",
        "<setBLOBVector device='Mount' name='P'><oneBLOB name='b' size='-3' format='.x'>AA</oneBLOB></setBLOBVector>",
        "<message device='Mount' message='&unknown; &#xffffffff;'/>",
    ]
    with caplog.at_level(logging.WARNING, "indigevent"), ToldServer() as server, client(server) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode())
        prop = indi["Mount"]["P"]
        for _ in range(3):
            for number, words in enumerate(nonsense):
                sock.sendall(words.encode("latin-1") + update("Mount", value=number).encode())
                prop.wait(lambda known, wanted=number: known["x"] == wanted)
        assert indi.is_connected
        assert indi.mirror.unknown >= 9
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(set(lines)) < 2 * len(nonsense)
    assert any("<unheardOf> is not an INDI message" in line for line in lines)


def test_a_message_without_end_is_dropped_and_the_next_one_read() -> None:
    with ToldServer() as server, client(server) as indi:
        sock = server.accept()
        sock.sendall(define("Mount").encode() + b"<setTextVector device='Mount' name='T'><oneText name='t'>")
        for _ in range(80):
            sock.sendall(b"on and on " * 10_000)
        sock.sendall(b"</oneText></setTextVector>" + update("Mount", value=7).encode())
        indi["Mount"]["P"].wait(lambda known: known["x"] == 7)


def test_a_server_that_does_not_read_is_given_up() -> None:
    """Half a message may be on its way, so the connection ends; another one is made."""
    with ToldServer() as server, client(server, timeout=0.3) as indi:
        server.accept()
        picture = NewBLOBVector(device="Mount", name="B", elements=(OneBLOB("b", 64 << 20, ".x", bytes(64 << 20)),))
        with pytest.raises(ClientError, match=r"cannot be written to: it has not taken a message for 0\.3 s"):
            indi.send(picture)
        server.accept().sendall(define("Mount").encode())
        assert "P" in indi.device("Mount", DEADLINE_S)


def test_a_ping_of_the_server_is_answered() -> None:
    with ToldServer() as server, client(server):
        sock = server.accept()
        sock.sendall(b"<pingRequest uid='how/are/you'/>")
        assert b'<pingReply uid="how/are/you"/>' in hear(sock, b"pingReply")
