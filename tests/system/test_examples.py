"""The examples of `conf/examples`, each as a user would run it, spoken to by a client over TCP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.messages import Message
from tests.lab.pump import DEADLINE_S
from tests.lab.server import clean_environment, free_port
from tests.lab.vocabulary import EVERYTHING, blob_vector, enable_blob, inline

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "conf" / "examples"
EMBEDDED = """
import sys
from indigevent import Server
from {module} import {name}

if __name__ == "__main__":
    server = Server({name}(), port=int(sys.argv[1]), verbosity=0)
    server.start()
    sys.stdin.read()
    server.shutdown("The program ends.")
    server.stopped.wait()
"""


class Program:
    """A program with an INDI server in it, which ends with its stdin, or by SIGTERM."""

    def __init__(self, lab: Lab, words: list[object], port: int) -> None:
        self.lab = lab
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdin=subprocess.PIPE,
            cwd=lab.folder,
            env=clean_environment(HOME=str(lab.folder), PYTHONPATH=str(EXAMPLES)),
        )
        lab.pump.poll(self._listens, "the program listens")

    def client(self) -> ScriptedClient:
        opened = ScriptedClient("client", self.lab.pump, socket.create_connection(("127.0.0.1", self.port), DEADLINE_S))
        self.lab.clients.append(opened)
        opened.send(EVERYTHING)
        return opened

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _listens(self) -> bool:
        assert self.process.poll() is None, f"the program ended with status {self.process.returncode}"
        connections = psutil.Process(self.process.pid).net_connections("tcp4")
        return any(c.laddr.port == self.port and c.status == psutil.CONN_LISTEN for c in connections)


@pytest.fixture
def start(lab: Lab) -> Iterator[Callable[..., Program]]:
    """Start a program with an INDI server in it; `PORT` among its words is a free port."""
    programs: list[Program] = []

    def start_one(*words: object) -> Program:
        port = free_port()
        programs.append(Program(lab, [port if word == "PORT" else word for word in words], port))
        return programs[-1]

    yield start_one
    for program in programs:
        program.close()


def served(lab: Lab, *examples: str) -> ScriptedClient:
    """A client of our server, which runs these examples as programs, and where they are connected."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    server = lab.server(*(EXAMPLES / example for example in examples), HOME=str(lab.folder), PATH=path)
    return lab.client(server, "client", EVERYTHING)


def connect(client: ScriptedClient, device: str) -> None:
    client.expect("defSwitchVector", device=device, name="CONNECTION")
    switch(client, device, "CONNECTION", "CONNECT")
    client.expect("setSwitchVector", device=device, name="CONNECTION", state="Ok")


def switch(client: ScriptedClient, device: str, name: str, element: str) -> None:
    send_new(client, "Switch", device, name, element, "On")


def send_new(client: ScriptedClient, kind: str, device: str, name: str, element: str, value: object) -> None:
    client.send(
        f"<new{kind}Vector device='{device}' name='{name}'>",
        f"<one{kind} name='{element}'>{value}</one{kind}></new{kind}Vector>",
    )


def value(message: Message, element: str) -> str:
    (text,) = [child.text for child in message.children if child.attributes["name"] == element]
    return text


def until(client: ScriptedClient, name: str, element: str, wanted: str) -> None:
    """Wait until a number has a value, as its driver writes it."""
    while value(client.expect("setNumberVector", name=name), element) != wanted:
        pass


def test_a_vendor_library_calls_back_from_its_own_thread(lab: Lab) -> None:
    client = served(lab, "vendor_library.py")
    connect(client, "Photometer")
    switch(client, "Photometer", "MEASURE", "START")
    client.expect("setNumberVector", name="BRIGHTNESS", state="Busy")
    until(client, "BRIGHTNESS", "MEDIAN", "21.1")


def test_what_must_run_in_one_thread_does(lab: Lab) -> None:
    client = served(lab, "one_thread.py")
    connect(client, "Night Log")
    send_new(client, "Text", "Night Log", "NOTE", "TEXT", "clouds from the west")
    client.expect("setTextVector", name="NOTE", state="Ok")
    until(client, "NOTES", "COUNT", "1")
    until(client, "NOTES", "LOADS", "1")
    assert not client.has("message")


def count_primes(client: ScriptedClient) -> None:
    connect(client, "Prime Counter")
    send_new(client, "Number", "Prime Counter", "LIMIT", "BELOW", 1000)
    client.expect("setNumberVector", name="PRIMES", state="Busy")
    assert value(client.expect("setNumberVector", name="PRIMES", state="Ok"), "COUNT") == "168"


def abort_counting(client: ScriptedClient) -> None:
    send_new(client, "Number", "Prime Counter", "LIMIT", "BELOW", 1_000_000_000)
    client.expect("setNumberVector", name="LIMIT", state="Ok")
    send_new(client, "Number", "Prime Counter", "LIMIT", "BELOW", 1000)
    refused = client.expect("setNumberVector", name="LIMIT", state="Alert")
    assert refused.attributes["message"] == "It is still counting; abort that first."
    switch(client, "Prime Counter", "ABORT", "ABORT")
    client.expect("setSwitchVector", name="ABORT", state="Ok")
    told = client.expect("setNumberVector", name="PRIMES", state="Alert")
    assert told.attributes["message"] == "The count was aborted or has failed; see the log."


def test_number_crunching_of_a_program(lab: Lab) -> None:
    client = served(lab, "number_crunching.py")
    count_primes(client)
    abort_counting(client)


def test_number_crunching_by_name(lab: Lab) -> None:
    server = lab.server("number_crunching:PrimeCounter", PYTHONPATH=str(EXAMPLES), HOME=str(lab.folder))
    count_primes(lab.client(server, "client", EVERYTHING))


def test_number_crunching_embedded(lab: Lab, start: Callable[..., Program]) -> None:
    program = lab.folder / "program.py"
    program.write_text(EMBEDDED.format(module="number_crunching", name="PrimeCounter"))
    running = start(program, "PORT")
    client = running.client()
    count_primes(client)
    abort_counting(client)
    send_new(client, "Number", "Prime Counter", "LIMIT", "BELOW", 1_000_000_000)
    client.expect("setNumberVector", name="LIMIT", state="Ok")
    assert running.process.stdin is not None
    running.process.stdin.close()
    client.expect("message", message="The program ends.")
    client.expect_closed()
    assert running.process.wait(DEADLINE_S) == 0


def frost(client: ScriptedClient) -> str:
    return value(client.expect("setLightVector", name="ALARM"), "FROST")


def test_a_device_follows_another_one(lab: Lab) -> None:
    client = served(lab, "dew_heater.py", "dew_alarm.py")
    connect(client, "Dew Alarm")
    client.expect_count(1, "defSwitchVector", device="Dew Heater", name="CONNECTION")
    switch(client, "Dew Heater", "CONNECTION", "CONNECT")
    while frost(client) == "Idle":
        pass
    assert not any(value(m, "FROST") == "Alert" for m in client.inbox if m.matches("setLightVector", name="ALARM"))
    send_new(client, "Number", "Dew Alarm", "LIMIT", "CELSIUS", 5)
    while frost(client) == "Ok":
        pass
    switch(client, "Dew Heater", "CONNECTION", "DISCONNECT")
    while (shown := frost(client)) == "Alert":
        pass
    assert shown == "Idle"


def test_blobs_come_and_go(lab: Lab) -> None:
    client = served(lab, "picture_shelf.py")
    client.send(enable_blob("Also"))
    connect(client, "Picture Shelf")
    switch(client, "Picture Shelf", "TAKE", "PLAIN")
    refused = client.expect("setSwitchVector", name="TAKE", state="Alert")
    assert refused.attributes["message"] == "The shelf is empty."
    picture = bytes(range(256)) * 100
    client.send(blob_vector("new", "Picture Shelf", "PUT", inline(picture, "PICTURE", ".fits")))
    assert value(client.expect("setNumberVector", name="SIZE"), "BYTES") == "25600"
    switch(client, "Picture Shelf", "TAKE", "PLAIN")
    plain = client.expect("setBLOBVector", name="SHELF").children[0]
    assert (plain.attributes["format"], plain.payload()) == (".fits", picture)
    switch(client, "Picture Shelf", "TAKE", "COMPRESSED")
    compressed = client.expect("setBLOBVector", name="SHELF").children[0]
    assert (compressed.attributes["format"], compressed.attributes["size"]) == (".fits.z", "25600")
    assert len(compressed.payload()) < len(picture)


def test_a_program_serves_its_devices_and_others(lab: Lab, start: Callable[..., Program]) -> None:
    remote = lab.server("dew_alarm:DewAlarm", PYTHONPATH=str(EXAMPLES), HOME=str(lab.folder))
    program = lab.folder / "heater"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {EXAMPLES / 'dew_heater.py'}\n")
    program.chmod(0o755)
    others = ("--executable", program, "--remote", f"127.0.0.1:{remote.port}")
    running = start(EXAMPLES / "observatory.py", "-p", "PORT", *others)
    client = running.client()

    def introduced() -> bool:
        found = {message.attributes["device"] for message in client.inbox if message.tag.startswith("def")}
        return found >= {"Focuser Simulator", "Visitors", "Dew Heater", "Dew Alarm"}

    lab.pump.wait(introduced, lambda: f"four devices; it has {client.lines()}")
    running.process.terminate()
    assert running.process.wait(DEADLINE_S) == 0


def test_every_example_is_executable_and_says_what_it_shows() -> None:
    examples = sorted(EXAMPLES.glob("*.py"))
    assert len(examples) > 5
    for example in examples:
        assert os.access(example, os.X_OK), example
        assert example.read_text(encoding="utf-8").startswith('#!/usr/bin/env python3\n"""'), example
