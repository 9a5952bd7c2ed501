"""The laboratory of one scenario: everything it starts, what every party received, and the clearing up."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

from .client import ScriptedClient
from .driver import DriverDesk, ScriptedDriver
from .party import Party
from .pump import LabTimeout, Pump
from .server import REFERENCE, Server, clean_environment, free_port

Transcript = dict[str, list[str]]

_servers = count(1)


class Lab:
    """Start servers of one kind, drivers and clients; collect the transcript; clear everything up on `close`."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.pump = Pump()
        self.servers: list[Server] = []
        self.clients: list[ScriptedClient] = []
        self.notes: list[str] = []
        self._closed = False
        self._desk = DriverDesk(self.pump, folder / "drivers")

    @property
    def is_reference(self) -> bool:
        """Whether the servers are the reference's."""
        return self.kind == REFERENCE

    @property
    def drivers(self) -> dict[str, ScriptedDriver]:
        """The scripted drivers by name."""
        return self._desk.drivers

    def driver(self, name: str, folder: Path | None = None) -> ScriptedDriver:
        """Make a scripted driver program; nothing runs before a server starts it."""
        return self._desk.driver(name, folder)

    def launch(self, *arguments: object, port: int | None = None, **environment: str) -> Server:
        """Start a server with these arguments after `-p PORT -u NAME`; do not wait for it."""
        port = port or free_port()
        local = self.local_name()
        return self.launch_bare("-p", port, "-u", local, *arguments, port=port, local=local, **environment)

    def launch_bare(self, *arguments: object, port: int, local: str, **environment: str) -> Server:
        """Start a server with exactly these arguments, which make it use this port and local socket."""
        words = [str(one.path) if isinstance(one, ScriptedDriver) else str(one) for one in arguments]
        name = f"server{len(self.servers) + 1}"
        # Servers that are killed leave their control sockets behind: here, and not in the system's directories.
        variables = clean_environment(**{"XDG_RUNTIME_DIR": str(self.folder), **environment})
        server = Server(self.kind, self.pump, name, words, port, local, self.folder, variables)
        self.servers.append(server)
        return server

    def local_name(self) -> str:
        """Return a name for a local socket that nobody uses."""
        return f"/tmp/lab-indi-{os.getpid()}-{next(_servers)}"

    def server(self, *arguments: object, port: int | None = None, **environment: str) -> Server:
        """Start a server and wait until it listens and every scripted driver among the arguments was started."""
        server = self.launch(*arguments, port=port, **environment)
        try:
            for argument in arguments:
                if isinstance(argument, ScriptedDriver):
                    argument.expect("getProperties", version="1.7")
            server.wait_until_listening()
        except LabTimeout as error:
            raise LabTimeout(f"{error}; status {server.process.poll()}, log:\n{server.log}") from None
        return server

    def client(self, server: Server, name: str, *messages: str) -> ScriptedClient:
        """Connect a TCP client that sends `messages`; return when the server has handled them."""
        return self._introduce(server.client(name), messages)

    def local_client(self, server: Server, name: str, *messages: str) -> ScriptedClient:
        """Connect a local client that sends `messages`; return when the server has handled them."""
        return self._introduce(server.local_client(name), messages)

    def settle(self) -> None:
        """Return when everything sent so far has been routed and received by every open party.

        A ping that is answered proves that what its sender sent before was routed, and that what was queued for it
        before was delivered; so one round for the senders and one for the receivers.
        """
        for _ in range(2):
            for party in self._parties():
                if not party.closed:
                    party.ping()

    def note(self, text: str) -> None:
        """Add a fact that is no message (an exit status, a count) to the transcript."""
        self.notes.append(text)

    def transcript(self, settle: bool = True) -> Transcript:
        """Return what every party received, by name; first `settle`, unless told otherwise."""
        if settle:
            self.settle()
        result = {party.name: party.lines() for party in self._parties()}
        return result | ({"notes": self.notes} if self.notes else {})

    def log_lines(self, server: Server, pattern: str) -> list[str]:
        """Return the log's lines that match `pattern`, without time, folder, port and numbers of descriptors."""
        lines = [line for line in server.log.splitlines() if re.search(pattern, line)]
        return [self._timeless(line) for line in lines]

    def close(self) -> None:
        """End all processes and connections; harmless when already done."""
        if self._closed:
            return
        self._closed = True
        for client in self.clients:
            client.close()
        for server in self.servers:
            server.close()
        self._desk.close()
        self.pump.close()

    def _introduce(self, client: ScriptedClient, messages: tuple[str, ...]) -> ScriptedClient:
        self.clients.append(client)
        client.send(*messages)
        client.ping()
        return client

    def _parties(self) -> list[Party]:
        drivers = self._desk.drivers.values()
        return [*self.clients, *(incarnation for driver in drivers for incarnation in driver.incarnations)]

    def _timeless(self, line: str) -> str:
        line = re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: ", "TIME: ", line).replace(str(self.folder), "FOLDER")
        line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", line)
        return re.sub(r"\b(Client|pid) \d+", r"\1 N", line)
