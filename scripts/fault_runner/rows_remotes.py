"""Plays of rows 2, 3, 4 and 15: remotes that are absent, flap or do not answer, and servers in a loop."""

from __future__ import annotations

import contextlib
import os
from functools import partial

import psutil

from tests.faults.parties import Crowded
from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.server import Server, free_port
from tests.lab.vocabulary import EVERYTHING, define, note

from .plays import row
from .stage import Stage, ended, fate, has_more, introduce, seconds

_FLAPS = 6


def fifo(stage: Stage, name: str = "fifo") -> str:
    """Make a FIFO; return its path."""
    path = str(stage.folder / name)
    os.mkfifo(path)
    return path


def tell(stage: Stage, path: str, line: str) -> None:
    """Write a command to a FIFO, as a shell would, which waits for a reader; give up after 5 s without one."""
    opened: list[int] = []

    def open_it() -> bool:
        with contextlib.suppress(OSError):
            opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened)

    stage.within(5, open_it)
    for fd in opened:
        os.write(fd, f"{line}\n".encode())
        os.close(fd)


@row(2)
def absent_remote(stage: Stage) -> str:
    """Remote absent at start, and through the FIFO; it comes after 3 s."""
    found = []
    for way in ("at start", "FIFO"):
        port = free_port()
        remote = f"far@127.0.0.1:{port}"
        path = fifo(stage, f"fifo {way}")
        arguments = (remote,) if way == "at start" else ()
        server = stage.lab.launch("-f", path, stage.echo, *arguments)
        listening = stage.within(5, partial(listens_or_ended, server)) is not None
        if way == "FIFO" and listening:
            tell(stage, path, f"start {remote}")
        stage.pause(3)
        if ended(server):
            found.append(f"{way}: {fate(server)}")
            continue
        far = stage.lab.driver("far")
        stage.lab.server(far, port=port)
        client = stage.watcher(server, EVERYTHING)
        taken_s = stage.within(15, partial(served, client, far))
        found.append(f"{way}: survived, its device was there {seconds(taken_s, '**never**')}")
        server.close()
    return "; ".join(found)


def listens_or_ended(server: Server) -> bool:
    """Whether it is known what has become of a server that was started."""
    return ended(server) or server.is_listening()


def served(client: ScriptedClient, far: ScriptedDriver) -> bool:
    """Have the far driver say something again; whether the client has heard it."""
    far.send(define("far"))
    return client.has("defNumberVector", device="far")


@row(3, limit_s=90)
def flapping_remote(stage: Stage) -> str:
    """Remote killed and started again 6 times."""
    port = free_port()
    far = stage.lab.driver("far")
    far_side = stage.lab.server(far, port=port)
    server = stage.serve(f"far@127.0.0.1:{port}")
    client = stage.watcher(server)
    gone = back = 0
    appears(stage, far, client)
    with stage.pulse(server) as pulse:
        for number in range(_FLAPS):
            far_side.process.kill()
            far_side.wait_for_exit()
            gone += stage.within(3, partial(has_more, client, b"<delProperty", number)) is not None
            if ended(server):
                return f"{fate(server)} when the remote was killed for the first time"
            far = stage.lab.driver("far")
            far_side = stage.lab.server(far, port=port)
            back += appears(stage, far, client)
    return f"{gone} of {_FLAPS} times told, {back} of {_FLAPS} times back; {fate(server)}, {pulse[0]}"


def appears(stage: Stage, far: ScriptedDriver, client: ScriptedClient) -> bool:
    """Wait until the far driver is asked through the chain, and have it answer; whether the client hears that."""
    stage.within(10, lambda: far.latest.has("getProperties", device="far"))
    before = client.received.count(b"<defNumberVector")
    introduce(far)
    return stage.within(3, lambda: client.received.count(b"<defNumberVector") > before) is not None


@row(4)
def black_hole(stage: Stage) -> str:
    """Remote black-holed (no answer to SYN), then one whose name does not resolve, 6 s each, through the FIFO."""
    crowded = Crowded()
    found = []
    try:
        for remote in (f"X@127.0.0.1:{crowded.port}", "Y@no-such-host.invalid"):
            path = fifo(stage, f"fifo {remote[0]}")
            server = stage.serve("-f", path)
            with stage.pulse(server) as pulse:
                stage.pause(0.5)
                tell(stage, path, f"start {remote}")
                stage.pause(6)
            found.append(f"{'no SYN answer' if remote[0] == 'X' else 'no name'}: {fate(server)}, {pulse[0]}")
            server.close()
    finally:
        crowded.close()
    return "; ".join(found)


@row(15)
def loop(stage: Stage) -> str:
    """Two servers chained in a loop, one message, 3 s."""
    alpha, beta = stage.lab.driver("A"), stage.lab.driver("B")
    ports = free_port(), free_port()
    paths = fifo(stage, "fifo1"), fifo(stage, "fifo2")
    first = stage.lab.server("-f", paths[0], alpha, port=ports[0])
    second = stage.lab.server("-f", paths[1], beta, port=ports[1])
    introduce(alpha)
    alpha.ping()
    tell(stage, paths[0], f"start @127.0.0.1:{ports[1]}")
    tell(stage, paths[1], f"start @127.0.0.1:{ports[0]}")
    stage.within(
        5, lambda: beta.latest.has("getProperties", device="*") and alpha.latest.has("getProperties", device="*")
    )
    introduce(alpha)
    client = stage.lab.client(first, "client", EVERYTHING)
    processes = [psutil.Process(each.pid) for each in (first, second)]
    for each in processes:
        each.cpu_percent()
    alpha.send(note("A", "round and round"))
    stage.pause(3)
    cpu = sum(each.cpu_percent() for each in processes)
    copies = client.received.count(b"round and round")
    return f"{'1 copy' if copies == 1 else f'**{copies} copies**'}, CPU of both {cpu:.0f} %"
