"""Scripted drivers: the test holds the very descriptors that the server gave to the driver's process.

Each start of a driver by a server is an `Incarnation`, numbered from 1; a `ScriptedDriver` speaks for its latest one.
The descriptors are let go as soon as the process has ended, so a server sees the end of the stream as ever.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .messages import Message
from .party import Party, receive, send_all
from .pump import Pump

PROGRAM = Path(__file__).with_name("driver_program.py")


class Incarnation(Party):
    """One process of a scripted driver."""

    def __init__(self, name: str, pump: Pump, control: socket.socket, hello: dict[str, Any], fds: list[int]) -> None:
        super().__init__(name, pump)
        self.hello = hello
        self.exits_at_eof = True
        self._control = control
        self._streams = [socket.socket(fileno=fd) for fd in fds[:2]]
        self._stderr = fds[2]
        for stream in self._streams:
            stream.setblocking(False)
        pump.watch(control.fileno(), self._controlled)
        pump.watch(self._streams[0].fileno(), self._readable)

    def write(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Write to the driver's stdout."""
        send_all(self._streams[1], data, fds)

    def write_stderr(self, data: bytes) -> None:
        """Write to the driver's stderr."""
        os.write(self._stderr, data)

    @property
    def descriptor_of_stderr(self) -> int:
        """The test's copy of the driver's stderr."""
        return self._stderr

    def exit(self, status: int) -> None:
        """End the process with this exit status."""
        self._order(f"exit {status}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the process by a signal that it sends itself."""
        self._order(f"signal {int(number)}")

    def stop_reading(self) -> None:
        """Leave what the server sends in the kernel's buffers."""
        self.pump.forget(self._streams[0].fileno())

    def read_again(self) -> None:
        """Undo `stop_reading`."""
        self.pump.watch(self._streams[0].fileno(), self._readable)

    def let_go(self) -> None:
        """Close the test's copies of the driver's descriptors."""
        with self.pump.changed:
            for stream in self._streams:
                if stream.fileno() >= 0:
                    self.pump.forget(stream.fileno())
                    stream.close()
            if self._stderr >= 0:
                os.close(self._stderr)
                self._stderr = -1
            self.closed = True

    def dismiss(self) -> None:
        """Let go of everything; the process ends when it notices."""
        with self.pump.changed:
            self.let_go()
            if self._control.fileno() >= 0:
                self.pump.forget(self._control.fileno())
                self._control.close()

    def _order(self, line: str) -> None:
        with self.pump.changed:
            self.let_go()
            with contextlib.suppress(OSError):
                self._control.sendall(line.encode() + b"\n")

    def _controlled(self) -> None:
        ended = True
        with contextlib.suppress(ConnectionError):
            ended = not self._control.recv(4096)
        if ended:
            self.dismiss()

    def _readable(self) -> None:
        received = receive(self._streams[0])
        if received is None:
            return
        self.take(*received)
        if not received[0]:
            self.pump.forget(self._streams[0].fileno())
            self.closed = True
            if self.exits_at_eof:
                self.exit(0)


class ScriptedDriver:
    """A driver program that a server can start, and all its incarnations so far."""

    def __init__(self, name: str, pump: Pump, folder: Path, control_path: str) -> None:
        self.name = name
        self.pump = pump
        self.path = folder / name
        self.incarnations: list[Incarnation] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(
            f"#!{sys.executable} -SE\n"
            f"source = {{}}\nexec(compile(open({str(PROGRAM)!r}).read(), {str(PROGRAM)!r}, 'exec'), source)\n"
            f"source['main']({name!r}, {control_path!r})\n"
        )
        self.path.chmod(0o755)

    def incarnation(self, number: int = 1) -> Incarnation:
        """Wait until the driver was started for the `number`th time, and return that incarnation."""
        self.pump.wait(lambda: len(self.incarnations) >= number, f"start number {number} of driver {self.name}")
        return self.incarnations[number - 1]

    @property
    def latest(self) -> Incarnation:
        """The process that runs now (the first is waited for)."""
        self.incarnation(1)
        return self.incarnations[-1]

    def send(self, *messages: str | bytes) -> None:
        """Send messages from the latest incarnation."""
        self.latest.send(*messages)

    def send_attached(self, message: str, *payloads: bytes) -> None:
        """Send a message with attached BLOBs from the latest incarnation."""
        self.latest.send_attached(message, *payloads)

    def expect(self, tag: str, **attributes: str) -> Message:
        """Wait for a message to the latest incarnation."""
        return self.latest.expect(tag, **attributes)

    def ping(self) -> None:
        """Ping the server from the latest incarnation."""
        self.latest.ping()


class DriverDesk:
    """Where started driver processes report: the laboratory's control socket."""

    def __init__(self, pump: Pump, folder: Path) -> None:
        self.pump = pump
        self.drivers: dict[str, ScriptedDriver] = {}
        self._folder = folder
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = f"/tmp/lab-{os.getpid()}-{id(self):x}"
        self._listener.bind(self.path)
        self._listener.listen(64)
        pump.watch(self._listener.fileno(), self._accept)

    def driver(self, name: str, folder: Path | None = None) -> ScriptedDriver:
        """Make a driver program called `name`; servers start it by its `path`."""
        driver = ScriptedDriver(name, self.pump, folder or self._folder, self.path)
        self.drivers[name] = driver
        return driver

    def close(self) -> None:
        """Dismiss every driver process."""
        with self.pump.changed:
            self.pump.forget(self._listener.fileno())
            self._listener.close()
            os.unlink(self.path)
            for driver in self.drivers.values():
                for incarnation in driver.incarnations:
                    incarnation.dismiss()

    def _accept(self) -> None:
        control, _ = self._listener.accept()
        line, fds, _, _ = socket.recv_fds(control, 65536, 3, socket.MSG_CMSG_CLOEXEC)
        if not line:
            control.close()
            return
        hello = json.loads(line)
        driver = self.drivers[hello["name"]]
        number = len(driver.incarnations) + 1
        driver.incarnations.append(Incarnation(f"{driver.name}#{number}", self.pump, control, hello, list(fds)))
