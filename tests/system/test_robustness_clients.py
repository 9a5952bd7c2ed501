"""Clients that leave rudely, read slowly or babble, and the trace of a single driver."""

from __future__ import annotations

import socket
import struct

from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, command, define, update

from .robustness import ends_well

RESET = struct.pack("ii", 1, 0)


def reset(server: Server) -> None:
    """Connect, and go with a reset before the server can look."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_clients_that_are_gone_before_they_are_served_leave_no_trace(lab: Lab) -> None:
    for verbosity in ((), ("-v",)):
        server = lab.server(*verbosity, "-f", lab.folder / f"fifo{len(lab.servers)}")
        first = lab.client(server, "first", EVERYTHING)
        first.ping()  # whoever is served is served by a server that has opened everything
        base = server.descriptors() - 1
        first.close()
        with server.stopped():
            for _ in range(50):
                reset(server)
        client = lab.client(server, "client", EVERYTHING)
        client.close()
        server.wait_for_descriptors(base)
        ends_well(server)
        if not verbosity:
            assert len(server.log.splitlines()) < 10


def test_a_traced_driver_is_logged_and_no_other(lab: Lab) -> None:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    config = lab.folder / "indigevent.conf"
    config.write_text(f"[driver traced]\ncommand = {alpha.path}\ntrace = yes\n[driver other]\ncommand = {beta.path}\n")
    server = lab.server("--config", config)
    for driver, device in ((alpha, "A"), (beta, "B")):
        driver.expect("getProperties")
        driver.send(define(device))
        driver.ping()
    # In one write, so that the driver gets more than one message at once.
    client = lab.client(server, "client", EVERYTHING + command("A", "P", 11) + command("B", "P", 22))
    for driver, device in ((alpha, "A"), (beta, "B")):
        driver.expect("newNumberVector")
        driver.send(update(device, "P", 33))
        client.expect("setNumberVector", device=device)
    ends_well(server)
    assert "Driver traced: sending <" in server.log
    assert server.log.count("<newNumberVector device='A'") == 1
    assert server.log.count("Driver traced: read <setNumberVector device='A'") == 1
    assert "device='B'" not in server.log
    assert "Client" not in server.log


def test_a_traced_remote_is_logged(lab: Lab) -> None:
    far = lab.driver("far")
    down = lab.server(far)
    far.send(define("A"))
    far.ping()
    config = lab.folder / "indigevent.conf"
    config.write_text(f"[remote traced]\nhost = 127.0.0.1\nport = {down.port}\ndevice = A\ntrace = yes\n")
    up = lab.server("--config", config)
    far.expect("getProperties", device="A")
    lab.client(up, "client", command("A", "P", 11))
    far.expect("newNumberVector")
    ends_well(up)
    assert up.log.count("Driver traced: sending <newNumberVector device='A'") == 1
