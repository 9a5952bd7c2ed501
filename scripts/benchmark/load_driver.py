"""The driver under every benchmark: defines its properties, then does what the bench says over a local socket.

Everything that it sends is made before the clock starts, and goes out in as few system calls as there can be.
"""

from __future__ import annotations

import array
import base64
import json
import os
import select
import socket
import sys
from collections.abc import Callable

NUMBER = (
    '<setNumberVector device="{device}" name="EQUATORIAL_EOD_COORD" state="Ok" timeout="60" '
    'timestamp="2026-11-21T05:31:42">\n    <oneNumber name="RA">\n{ra:.15g}\n    </oneNumber>\n'
    '    <oneNumber name="DEC">\n-16.716115867\n    </oneNumber>\n    <oneNumber name="ALT">\n42.123456789\n'
    "    </oneNumber>\n</setNumberVector>\n"
)
DEFINITION = (
    '<defNumberVector device="{device}" name="{name}" label="Coordinates" group="Main" state="Idle" perm="rw" '
    'timeout="60" timestamp="2026-11-21T05:31:42">\n'
    '<defNumber name="RA" label="RA" format="%g" min="0" max="24" step="0">0</defNumber>\n'
    '<defNumber name="DEC" label="DEC" format="%g" min="-90" max="90" step="0">0</defNumber>\n'
    '<defNumber name="ALT" label="ALT" format="%g" min="-90" max="90" step="0">0</defNumber>\n</defNumberVector>\n'
)
BLOB_DEFINITION = (
    '<defBLOBVector device="{device}" name="CCD1" label="Image" group="Main" state="Idle" perm="ro" timeout="60" '
    'timestamp="2026-11-21T05:31:42">\n<defBLOB name="CCD1" label="Image"/>\n</defBLOBVector>\n'
)
COMMAND_END = b"</newNumberVector>"


class LoadDriver:
    """One benchmark's driver; `orders` is its line to the bench."""

    def __init__(self, orders: socket.socket) -> None:
        self.orders = orders
        self.server = socket.socket(fileno=0) if _is_socket(0) else None
        self.rest = b""
        self.definitions = b""

    def run(self) -> None:
        """Define, and obey until the bench hangs up."""
        plan = json.loads(self._line())
        self._prepare(plan)
        self.orders.sendall(b"ready\n")
        kinds: dict[str, Callable[[], None]] = {
            "burst": self._burst,
            "blobs": self._blobs,
            "commands": self._commands,
            "echo": self._echo,
            "definitions": self._answer,
        }
        obey = kinds[plan["kind"]]
        while self._line():
            obey()

    def _prepare(self, plan: dict[str, object]) -> None:
        properties = int(str(plan.get("properties", 1)))
        names = ["EQUATORIAL_EOD_COORD", *(f"PROPERTY_{n}" for n in range(1, properties))]
        self.device = str(plan.get("device", "Bench"))
        definitions = [DEFINITION.format(device=self.device, name=name) for name in names]
        self.definitions = "".join([*definitions, BLOB_DEFINITION.format(device=self.device)]).encode()
        self.count = int(str(plan.get("count", 1)))
        self.answers = int(str(plan.get("answers", 1_000_000)))
        self.pings = bool(plan.get("pings", True))
        numbers = range(self.count if plan["kind"] == "burst" else 0)
        self.burst = "".join(NUMBER.format(device=self.device, ra=n / 7) for n in numbers).encode()
        self.is_attached = bool(plan.get("attached"))
        self.blob, self.memory = b"", -1
        if plan["kind"] == "blobs":
            self._prepare_blob(int(str(plan["blob_bytes"])))

    def _prepare_blob(self, size: int) -> None:
        data = os.urandom(size)
        vector = f'<setBLOBVector device="{self.device}" name="CCD1" state="Ok" timestamp="2026-11-21T05:31:42">\n'
        start = vector + '<oneBLOB name="CCD1" '
        if self.is_attached:
            self.memory = os.memfd_create("bench", os.MFD_ALLOW_SEALING)
            os.write(self.memory, data)
            self.blob = f'{start}size="{size}" format=".fits" attached="true">\n</oneBLOB>\n</setBLOBVector>\n'.encode()
        else:
            text = base64.b64encode(data)
            head = f'{start}size="{size}" format=".fits">\n'.encode()
            self.blob = head + text + b"\n</oneBLOB>\n</setBLOBVector>\n"

    def _burst(self) -> None:
        self._write(self.burst)

    def _blobs(self) -> None:
        """As libindi's drivers: the next one goes when the server has answered the ping after this one."""
        for number in range(self.count):
            self._send_blob()
            if self.pings:
                uid = f"SetBLOB/{number}/"
                self._write(f"<pingRequest uid='{uid}'/>\n".encode())
                self._read_until(uid.encode())

    def _send_blob(self) -> None:
        if not self.is_attached:
            self._write(self.blob)
            return
        assert self.server is not None
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [self.memory]))]
        sent = self.server.sendmsg([self.blob], rights)
        self._write(self.blob[sent:])

    def _commands(self) -> None:
        """Count what clients send; tell the bench when all is there."""
        self._read_until(COMMAND_END, self.count)
        self.orders.sendall(b"done\n")

    def _echo(self) -> None:
        """Answer each command with a new value; white space is a goodbye."""
        answer = NUMBER.format(device=self.device, ra=1.5).encode()
        while True:
            for _ in range(self._received(os.read(0, 65536)).count(COMMAND_END)):
                self._write(answer)

    def _answer(self) -> None:
        """Define everything to whoever asks."""
        while True:
            self._define(os.read(0, 65536))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]

    def _read_until(self, needle: bytes, count: int = 1) -> None:
        while count > 0:
            whole = self.rest + self._received(os.read(0, 1 << 18))
            count -= whole.count(needle)
            self.rest = whole[-len(needle) + 1 :] if not whole.endswith(needle) else b""

    def _line(self) -> bytes:
        """The next order; who asks meanwhile gets the definitions."""
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self.orders, 0] if self.definitions else [self.orders], [], [])
            if self.orders in readable:  # first: what comes after an order belongs to it
                line += self._received(self.orders.recv(1))
            else:
                self._define(os.read(0, 65536))
        return line

    def _define(self, data: bytes) -> None:
        """Definitions for who asks, as often as the plan says; a relay leaves it to the driver to answer pings."""
        for _ in range(self._received(data).count(b"<getProperties")):
            if self.answers > 0:
                self.answers -= 1
                self._write(self.definitions)
        for _ in range(data.count(b"<pingRequest")):
            self._write(b"<pingReply uid='in'/>\n")

    def _received(self, data: bytes) -> bytes:
        return data or sys.exit(0)


def _is_socket(fd: int) -> bool:
    return os.path.realpath(f"/proc/self/fd/{fd}").startswith(f"/proc/{os.getpid()}/fd/socket:")


if __name__ == "__main__":
    line = socket.socket(socket.AF_UNIX)
    line.connect(os.environ["BENCH_ORDERS"])
    LoadDriver(line).run()
