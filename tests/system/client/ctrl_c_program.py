"""Interrupts one use of the library at every instant, and prints what does not end as Ctrl-C should."""

from __future__ import annotations

import _thread
import contextlib
import os
import pty
import signal
import socket
import sys
from collections.abc import Callable

from indigevent.cli import setprop
from indigevent.client import Client
from indigevent.console import screen
from indigevent.console.tables import Line
from indigevent.driver import Device, run
from indigevent.embedding import Server
from indigevent.errors import ClientError, ConfigError
from tests.lab.ctrl_c import interrupt_everywhere
from tests.lab.server import free_port

# Where a thread waits for another, and what calls that.
FILES = (
    "/threading.py",
    "/queue.py",
    "/client/client.py",
    "/client/events.py",
    "/client/interrupts.py",
    "/client/link.py",
    "/client/one_at_a_time.py",
    "/console/screen.py",
    "/contextlib.py",
    "/driver/concurrency.py",
    "/driver/driver.py",
    "/driver/run.py",
    "/embedding.py",
    "/tools/session.py",
)
SHORT_S = 0.01
CONNECT = (
    b"<newSwitchVector device='Bench' name='CONNECTION'><oneSwitch name='CONNECT'>On</oneSwitch></newSwitchVector>"
)


def waiting(port: int) -> Callable[[], object]:
    indi = Client("127.0.0.1", port)
    indi.connect()
    return lambda: finish(indi, lambda: indi.wait_until(lambda: False, SHORT_S, "nothing"))


def nested(port: int) -> Callable[[], object]:
    indi = Client("127.0.0.1", port)
    indi.connect()

    def test() -> bool:
        with contextlib.suppress(ClientError):
            indi.wait_until(lambda: False, SHORT_S, "nothing")
        return False

    return lambda: finish(indi, lambda: indi.wait_until(test, SHORT_S, "nothing"))


def event(port: int) -> Callable[[], object]:
    indi = Client("127.0.0.1", port)
    indi.connect()
    events = indi.events()
    return lambda: finish(indi, lambda: events.get(SHORT_S))


def finish(indi: Client, wait: Callable[[], object]) -> None:
    """However the wait ended, the client is of use after it."""
    try:
        with contextlib.suppress(ClientError):
            wait()
    except BaseException:
        sys.setprofile(None)
        indi.ping()
        indi.close()
        raise
    sys.setprofile(None)


def life(port: int) -> Callable[[], object]:
    def live() -> None:
        with Client("127.0.0.1", port) as indi:
            indi.device("Camera 1")

    return live


def tool(port: int) -> Callable[[], object]:
    return lambda: setprop.main(["-h", "127.0.0.1", "-p", str(port), "-t", str(SHORT_S), "No.Such.One=1"])


def embedded(_: int) -> Callable[[], object]:
    port = free_port()
    server = Server(Device("Bench"), port=port, local_socket=f"/tmp/lab-ctrl-c-{port}")

    def serve() -> None:
        try:
            server.start()
            server.stopped.wait(SHORT_S)
        finally:
            sys.setprofile(None)
            server.shutdown()
            with contextlib.suppress(ConfigError):
                server.start()  # it was interrupted before it had begun
            server.stopped.wait()

    return serve


class Bench(Device):
    def __init__(self) -> None:
        super().__init__()
        self.use: list[str] = []

    def connect(self) -> None:
        self.use.append("connected")

    def disconnect(self) -> None:
        self.use.append("disconnected")


def driver(_: int) -> Callable[[], object]:
    """Its server connects it, and goes; a signal at any instant ends it too."""
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), 0)
    os.dup2(theirs.fileno(), 1)
    theirs.close()
    bench = Bench()

    def converse() -> None:
        with contextlib.suppress(OSError), ours:
            ours.sendall(CONNECT)
            while b'state="Ok"' not in ours.recv(4096):
                pass

    def serve() -> str:
        _thread.start_new_thread(converse, ())
        try:
            with contextlib.suppress(SystemExit):
                run(lambda: bench)
        finally:
            sys.setprofile(None)
            os.dup2(2, 1)
        return repr(KeyboardInterrupt()) if bench.use != ["connected"] else "connected still"

    return serve


def watch(_: int) -> Callable[[], object]:
    """Ctrl-C ends it, and one more comes at any instant."""
    ours, theirs = pty.openpty()
    os.dup2(theirs, sys.stdout.fileno())
    drawings = iter(range(3))

    def draw() -> list[Line]:
        if next(drawings) == 2:
            signal.raise_signal(signal.SIGINT)
        return [Line("status")]

    def show() -> str:
        output = os.dup(2)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                screen.watch(draw, SHORT_S)
        finally:
            sys.setprofile(None)
            os.write(theirs, b"$")
            shown = b""
            while not shown.endswith(b"$"):
                shown += os.read(ours, 4096)
            os.dup2(output, sys.stdout.fileno())
        is_restored = shown.count(b"\x1b[?1049h") <= shown.count(b"\x1b[?1049l")
        return repr(KeyboardInterrupt()) if is_restored else repr(shown)

    return show


def main(name: str, port: int) -> None:
    count = 0
    for ended in interrupt_everywhere(lambda: globals()[name](port), FILES):
        count += 1
        if ended.how not in ("KeyboardInterrupt()", "130"):
            print(ended.where, ended.how)
    print(f"{count} instants")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
