"""Plays of rows 8, 12, 13, 23 and 25: descriptors, the FIFO, the log, the doors, and failures of the server's own."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from functools import partial

from tests.faults.parties import free_descriptors
from tests.lab.server import COMMANDS, Server, free_port
from tests.lab.vocabulary import EVERYTHING, note

from .plays import row
from .rows_remotes import fifo, tell
from .stage import Stage, ended, fate, introduce, logged, seconds

_BROKEN = "tests.faults.broken_server"


@row(8)
def descriptors(stage: Stage) -> str:
    """Descriptors run out: 40 clients where there is room for 10; then they leave."""
    server = stage.serve()
    with stage.pulse(server) as pulse:
        stage.pause(1)
        with free_descriptors(server, 10), contextlib.suppress(OSError):
            clients = [server.client(f"client {number}") for number in range(40)]
            stage.within(2, lambda: ended(server))
            for client in clients:
                client.close()
        recovered = stage.within(5, lambda: not ended(server) and answers(server))
    return f"{fate(server)}, newcomers served again {seconds(recovered, '**never**')}; {pulse[0]}"


def answers(server: Server) -> bool:
    """Whether a newcomer is answered within a second."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1) as client:
        client.sendall(b"<pingRequest uid='here'/>")
        return b"here" in client.recv(4096)
    return False


@row(12)
def fifo_lost(stage: Stage) -> str:
    """FIFO deleted, replaced, a regular file in its place; a command after each."""
    found = []
    path = fifo(stage)
    server = stage.serve("-f", path)
    with stage.pulse(server) as pulse:
        stage.pause(0.5)
        os.unlink(path)
        made_again = stage.within(5, lambda: os.path.exists(path)) is not None
        found.append(f"deleted: {'made again' if made_again else '**gone**'}, {command_taken(stage, path, 'one')}")
        os.rename(fifo(stage, "spare"), path)
        found.append(f"replaced: {command_taken(stage, path, 'two')}")
        other = stage.folder / "file"
        other.write_text("")
        os.replace(other, path)
        named = stage.within(5, lambda: "not a FIFO" in server.log) is not None
        found.append(f"regular file: {'named in the log' if named else '**nothing in the log**'}")
    return f"{'; '.join(found)}; {fate(server)}, {pulse[0]}"


def command_taken(stage: Stage, path: str, name: str) -> str:
    """Have a driver started; whether it was."""
    driver = stage.lab.driver(name)
    tell(stage, path, f"start {driver.path}")
    return "commands are taken" if stage.within(5, lambda: driver.incarnations) is not None else "**commands are lost**"


@row(13)
def unread_log(stage: Stage) -> str:
    """Stderr is not read any more at `-vv`, 20 MB of traffic."""
    alpha = stage.lab.driver("A")
    server = stage.serve("-vv", alpha)
    introduce(alpha)
    alpha.ping()
    client = stage.watcher(server, EVERYTHING)
    with stage.pulse(server) as pulse:
        stage.pause(1)
        server.stop_reading_log()
        with contextlib.suppress(OSError, AssertionError):
            client.send(*[note("A", "long", "n" * 4000)] * 5000)
        stage.pause(2)
    server.read_log_again()
    lost = stage.within(5, lambda: "lost" in server.log) is not None
    return f"{pulse[0]}; lost lines {'counted' if lost else 'not counted'}"


@row(23)
def doors_taken(stage: Stage) -> str:
    """Port in use; local socket in use."""
    first = stage.serve()
    found = []
    for what, port, local in (
        ("port", first.port, stage.lab.local_name()),
        ("local socket", free_port(), first.local),
    ):
        second = stage.lab.launch_bare("-p", port, "-u", local, "/bin/cat", port=port, local=local)
        stage.within(10, partial(ended, second))
        if not ended(second):
            found.append(f"{what}: **goes on**")
            continue
        lines = [
            line for line in second.complete_log().splitlines() if "startup" not in line and "good bye" not in line
        ]
        found.append(f"{what}: status {second.process.returncode}, “{lines[-1][-160:] if lines else ''}”")
    return "; ".join(found)


@row(25)
def own_failures(stage: Stage) -> str:
    """An error in the server's own code: serving a client, routing a driver's message, the FIFO, a supervisor."""
    if stage.is_reference:
        return "not played: nothing can be broken in a finished program"
    found = []
    for part in ("client", "driver", "FIFO", "supervisor"):
        COMMANDS["broken"] = [sys.executable, "-m", _BROKEN, part]
        stage.lab.kind = "broken"
        path = fifo(stage, f"fifo {part}")
        alpha = stage.lab.driver("A")
        server = stage.lab.server("-f", path, alpha, stage.echo)
        introduce(alpha)
        alpha.ping()
        if part == "client":
            stage.lab.client(server, "culprit").send(note("A", "boom"))
        elif part == "driver":
            alpha.send(note("A", "boom"))
        elif part == "FIFO":
            tell(stage, path, "start boom")
        else:
            alpha.latest.kill()
        is_logged = stage.within(5, partial(logged, server, "the server's own fault")) is not None
        stage.within(2 if part in ("client", "driver") else 8, partial(ended, server))
        text = fate(server).replace("**", "")
        found.append(f"{part}: {text}, {'logged' if is_logged else '**not logged**'}")
    return "; ".join(found)
