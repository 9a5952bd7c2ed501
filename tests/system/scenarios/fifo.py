"""Drivers started and stopped through the FIFO, with every option."""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.driver import Incarnation, ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define, note
from tests.system.registry import scenario

OUTER = {"INDIDEV": "outer", "INDICONFIG": "outer", "INDISKEL": "outer"}


class Fifo:
    """A server with a FIFO, and drivers alpha, beta and prefixed on its PATH."""

    def __init__(self, lab: Lab, *arguments: object, **environment: str) -> None:
        self.lab = lab
        self.path = lab.folder / "fifo"
        os.mkfifo(self.path)
        self.alpha, self.beta = lab.driver("alpha"), lab.driver("beta")
        self.prefix = lab.folder / "a prefix"
        self.prefixed = lab.driver("prefixed", self.prefix / "bin")
        search = f"{self.alpha.path.parent}:{os.environ['PATH']}"
        self.server: Server = lab.server("-f", self.path, *arguments, port=None, PATH=search, **environment)

    def write(self, *lines: str) -> None:
        """Write commands, each with its newline, as one writer."""
        self.write_raw("".join(f"{line}\n" for line in lines))

    def write_raw(self, text: str) -> None:
        """Write text as one writer, who then closes."""
        with Path(self.path).open("w") as file:
            file.write(text)

    def ended(self, one: Incarnation) -> None:
        """Wait until a driver's stdin was closed."""
        self.lab.pump.wait(lambda: one.closed, lambda: f"{one.name} is stopped")


def environment(driver: ScriptedDriver, number: int = 1) -> list[str]:
    """Wait for a start of the driver; return the INDI part of its environment."""
    hello = driver.incarnation(number).hello
    return [f"{key}={value}" for key, value in sorted(hello["environment"].items())]


@scenario()
def start_without_options(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write("start alpha")
    return {"environment": environment(fifo.alpha)} | lab.transcript()


@scenario()
def start_with_every_option(lab: Lab) -> Transcript:
    fifo = Fifo(lab, **OUTER)
    fifo.write('start alpha -n "My Device" -c "/con fig.xml" -s "/ske leton.xml"')
    return {"environment": environment(fifo.alpha)}


@scenario()
def start_with_options_in_another_order(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write('start   alpha   -s "skeleton"   -c "config"   -n "Device"   ')
    return {"environment": environment(fifo.alpha)}


@scenario()
def start_with_a_device_only(lab: Lab) -> Transcript:
    fifo = Fifo(lab, **OUTER)
    fifo.write('start alpha -n "Device"')
    return {"environment": environment(fifo.alpha)}


@scenario()
def start_with_a_config_only(lab: Lab) -> Transcript:
    fifo = Fifo(lab, **OUTER)
    fifo.write('start alpha -c "config"')
    return {"environment": environment(fifo.alpha)}


@scenario()
def start_removes_the_servers_own_settings(lab: Lab) -> Transcript:
    fifo = Fifo(lab, **OUTER)
    fifo.write("start alpha")
    return {"environment": environment(fifo.alpha)}


@scenario()
def start_with_a_prefix(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write(f'start prefixed -p "{fifo.prefix}"')
    settings = environment(fifo.prefixed)
    return {"environment": [one.replace(str(lab.folder), "FOLDER") for one in settings]}


@scenario()
def start_by_path(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write(f'start {fifo.alpha.path} -n "Device"')
    return {"environment": environment(fifo.alpha)}


@scenario()
def drivers_of_the_command_line_beside_a_fifo(lab: Lab) -> Transcript:
    gamma = lab.driver("gamma")
    Fifo(lab, gamma, **OUTER)
    return {"environment": environment(gamma)}


@scenario()
def the_same_driver_twice(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write('start alpha -n "One"')
    first = fifo.alpha.incarnation(1)
    first.expect("getProperties")
    fifo.write('start alpha -n "Two"')
    second = fifo.alpha.incarnation(2)
    second.expect("getProperties")
    first.send(define("One"))
    first.ping()
    second.send(define("Two"))
    second.ping()
    client = lab.client(fifo.server, "client", EVERYTHING)
    fifo.write('stop alpha -n "One"')
    client.expect("delProperty", device="One")
    fifo.ended(first)
    second.ping()
    return lab.transcript() | {"environment": environment(fifo.alpha, 1) + environment(fifo.alpha, 2)}


@scenario()
def stop_deletes_the_devices_and_does_not_restart(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write("start alpha", "start beta")
    for driver in (fifo.alpha, fifo.beta):
        driver.expect("getProperties")
    fifo.alpha.send(define("A"), define("A2"))
    fifo.alpha.ping()
    client = lab.client(fifo.server, "client", EVERYTHING)
    fifo.write("stop alpha")
    client.expect("delProperty", device="A2")
    fifo.ended(fifo.alpha.incarnation(1))
    fifo.write("start alpha")
    fifo.alpha.incarnation(2).expect("getProperties")
    fifo.beta.ping()
    return lab.transcript() | {"log": lab.log_lines(fifo.server, "Terminated after|restart #")}


@scenario()
def stop_of_an_unknown_driver_changes_nothing(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write("start alpha", "stop nobody", 'stop alpha -n "Other Device"', "start beta")
    fifo.beta.expect("getProperties")
    fifo.alpha.expect("getProperties")
    return lab.transcript()


@scenario()
def last_line_without_newline(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write_raw('start alpha\nstart beta -n "Device"')
    fifo.alpha.expect("getProperties")
    return {"environment": environment(fifo.beta)}


@scenario()
def restarts_as_any_driver(lab: Lab) -> Transcript:
    fifo = Fifo(lab, "-r", 1)
    fifo.write('start alpha -n "Device"')
    fifo.alpha.incarnation(1).exit(0)
    settings = environment(fifo.alpha, 2)
    fifo.alpha.incarnation(2).exit(0)
    fifo.server.wait_for_log("Terminated after")
    fifo.write("start beta")
    fifo.beta.expect("getProperties")
    return {"environment": settings, "log": lab.log_lines(fifo.server, "Terminated after|restart #")}


@scenario()
def remote_started_and_stopped(lab: Lab) -> Transcript:
    far = lab.driver("far")
    down = lab.server(far)
    far.send(define("My Device"))
    far.ping()
    fifo = Fifo(lab)
    fifo.write(f'start "My Device"@127.0.0.1:{down.port}')
    far.expect("getProperties", device="My Device")
    client = lab.client(fifo.server, "client", EVERYTHING)
    far.expect("getProperties")
    far.send(note("My Device", "hello"))
    client.expect("message")
    fifo.write(f'stop "My Device"@127.0.0.1:{down.port}')
    client.expect("delProperty", device="My Device")
    return lab.transcript()


@scenario()
def whole_remote_started_and_stopped(lab: Lab) -> Transcript:
    far = lab.driver("far")
    down = lab.server(far)
    far.send(define("A"))
    far.ping()
    fifo = Fifo(lab)
    fifo.write(f"start @127.0.0.1:{down.port}")
    far.expect("getProperties", device="*")
    client = lab.client(fifo.server, "client", EVERYTHING)
    far.expect("getProperties")
    far.send(note("A", "hello"))
    client.expect("message")
    fifo.write(f"stop @127.0.0.1:{down.port}")
    client.expect("delProperty", device="A")
    return lab.transcript()


@scenario(
    differs="fifo-errors",
    reference={"notes": ["alpha was stopped"]},
    ours={"notes": ["alpha goes on"]},
)
def unknown_verb(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write("start alpha")
    fifo.alpha.expect("getProperties")
    fifo.write("bogus alpha", "start beta")
    fifo.beta.expect("getProperties")
    lab.settle()
    lab.note("alpha was stopped" if fifo.alpha.latest.closed else "alpha goes on")
    return {"notes": lab.notes}


@scenario(
    differs="fifo-errors",
    reference={"notes": ["alpha was started 2 times"]},
    ours={"notes": ["alpha was started 1 times"]},
)
def missing_quote(lab: Lab) -> Transcript:
    fifo = Fifo(lab)
    fifo.write("start alpha")
    fifo.alpha.expect("getProperties")
    fifo.write('start alpha -n "no end', "start beta")
    fifo.beta.expect("getProperties")
    if lab.is_reference:
        fifo.alpha.incarnation(2)
    lab.note(f"alpha was started {len(fifo.alpha.incarnations)} times")
    return {"notes": lab.notes}


@scenario(
    differs="fifo-made",
    reference={"notes": ["server ended with status 1"]},
    ours={"notes": ["the server made it", "a driver was started"]},
)
def fifo_that_does_not_exist(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    path = lab.folder / "new fifo"
    server = lab.launch("-f", path)
    if lab.is_reference:
        lab.note(f"server ended with status {server.wait_for_exit()}")
    else:
        server.wait_until_listening()
        lab.pump.poll(path.is_fifo, "the FIFO is made")
        lab.note("the server made it")
        with path.open("w") as file:
            file.write(f"start {alpha.path}\n")
        alpha.expect("getProperties")
        lab.note("a driver was started")
    return {"notes": lab.notes}
