"""A routing table with peers that take nothing, for tests that ask who would receive a message."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import count

from indigevent.protocol.constants import TOP_LEVEL_TAGS, BlobMode
from indigevent.protocol.message import Message
from indigevent.routing.outbound import OutboundQueue
from indigevent.routing.peers import Client, Driver, Peer, Progress
from indigevent.routing.table import RoutingTable

NEVER, ALSO, ONLY = BlobMode.NEVER, BlobMode.ALSO, BlobMode.ONLY
DEVICE_TAGS = sorted(TOP_LEVEL_TAGS - {"getProperties", "enableBLOB", "pingRequest"} | {"unknown"})
DEF, SET, NEW = "defNumberVector", "setNumberVector", "newNumberVector"


class Outlet:
    """A connection that takes nothing."""

    def __init__(self) -> None:
        self.queue = OutboundQueue()
        self.progress: Progress = threading.Event()

    def deliver(self, data: bytes, size: int) -> None:
        """Queue it."""
        self.queue.push((data,), size)

    def flush(self) -> None:
        """Keep what is queued."""

    def abort(self, reason: str) -> None:
        """Stay."""


def message(tag: str, device: str = "", name: str = "") -> Message:
    return Message(tag, device, name, b"<whatever/>")


def labels(peers: Iterable[Peer]) -> list[str]:
    return [peer.label for peer in peers]


class House:
    """A routing table and its peers; what it says is by label."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.table = RoutingTable(lambda: self.now_s)
        self._numbers = count(1)

    def client(self, label: str, *scopes: str) -> Client:
        """A client that asked for each scope ("", "*", "A" or "A.P") by getProperties."""
        client = Client(label, next(self._numbers), Outlet())
        self.table.add_client(client)
        for scope in scopes:
            device, _, name = scope.partition(".")
            self.ask(client, device, name)
        return client

    def ask(self, client: Client, device: str = "", name: str = "") -> list[str]:
        """A client's getProperties."""
        return self.tell(client, "getProperties", device, name)

    def local(self, label: str, *devices: str) -> Driver:
        """A local driver that has defined something of each device."""
        return self._driver(Driver(label, next(self._numbers), Outlet()), devices)

    def remote(self, label: str, server: str, *devices: str, announced: str = "") -> Driver:
        """A remote server's connection that has defined something of each device."""
        return self._driver(Driver(label, next(self._numbers), Outlet(), server, announced), devices)

    def say(self, driver: Driver, tag: str, device: str = "", name: str = "") -> list[str]:
        """A driver's message."""
        return labels(self.table.from_driver(driver, message(tag, device, name)))

    def tell(self, client: Client, tag: str, device: str = "", name: str = "") -> list[str]:
        """A client's message."""
        return labels(self.table.from_client(client, message(tag, device, name)))

    def snoop(self, driver: Driver, device: str = "", name: str = "", mode: BlobMode | None = None) -> list[str]:
        """A driver's getProperties, and its enableBLOB if there is a mode."""
        heard = labels(self.table.snoop(driver, device, name))
        if mode is not None:
            self.table.set_snoop_blob_mode(driver, device, name, mode)
        return heard

    def remove(self, driver: Driver) -> list[tuple[str, list[str]]]:
        """A driver's end."""
        return [(device, labels(concerned)) for device, concerned in self.table.remove_driver(driver)]

    def _driver(self, driver: Driver, devices: Iterable[str]) -> Driver:
        self.table.add_driver(driver)
        for device in devices:
            self.say(driver, DEF, device, "P")
        return driver


def audience(house: House) -> None:
    """A client of each kind."""
    for label, scopes in {
        "all": [""],
        "star": ["*"],
        "device": ["A"],
        "property": ["A.P"],
        "other property": ["A.Q"],
        "other device": ["B"],
        "both": ["B", "A.P", "A"],
        "nothing": [],
    }.items():
        house.client(label, *scopes)


def drivers(house: House) -> None:
    """Local and remote drivers; two remotes of one server."""
    house.local("a", "A")
    house.local("b", "B", "B2")
    house.remote("r", "far:1", "R")
    house.remote("s", "far:1", "S")
    house.remote("t", "far:2", "T")
