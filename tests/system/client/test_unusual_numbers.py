"""Numbers that are none: a client gets them from drivers, and no driver takes them from a client."""

from __future__ import annotations

import math
import socket

import pytest

from indigevent.client import Client, ClientError, EventKind
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.system.client.servers import DEADLINE_S, hear

DEFINITION = (
    "<defNumberVector device='Scope' name='EOD' state='Idle' perm='rw' timeout='0'>"
    "<defNumber name='RA' format='%g' min='-inf' max='inf' step='0'>nan</defNumber>"
    "<defNumber name='DEC' format='%g' min='0' max='0' step='0'>1</defNumber></defNumberVector>"
)
UPDATE = (
    "<setNumberVector device='Scope' name='EOD' state='Ok'><oneNumber name='RA'>\n-inf\n</oneNumber>"
    "<oneNumber name='DEC'>-nan</oneNumber></setNumberVector>"
)


def test_a_client_gets_what_a_driver_does_not_know(lab: Lab) -> None:
    driver = lab.driver("scope")
    server = lab.server(driver)
    with Client(port=server.port) as indi, indi.events(EventKind.UPDATED) as updates:
        indi.ping()
        driver.send(DEFINITION)
        coordinates = indi["Scope"]["EOD"]
        assert math.isnan(coordinates["RA"])
        driver.send(UPDATE)
        updates.get(DEADLINE_S)
        assert coordinates["RA"] == -math.inf
        assert math.isnan(coordinates["DEC"])
        with pytest.raises(ClientError, match="DEC cannot be set to nan"):
            coordinates.set(DEC=math.nan)


def test_a_driver_takes_none_from_a_client(cameras: Server) -> None:
    with Client(port=cameras.port) as indi, socket.create_connection(("127.0.0.1", cameras.port), DEADLINE_S) as sock:
        indi["Camera 3"].connect()
        sock.sendall(b"<getProperties version='1.7' device='Camera 3'/>")
        hear(sock, b"PIXELS")
        sock.sendall(
            b"<newNumberVector device='Camera 3' name='EXPOSURE'>"
            b"<oneNumber name='SECONDS'>nan</oneNumber></newNumberVector>"
        )
        assert b"Alert" in hear(sock, b"EXPOSURE needs a finite number for SECONDS, not nan")
