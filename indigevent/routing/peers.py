"""The parties that messages are routed between, as the router sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from indigevent.protocol.constants import BlobMode
from indigevent.routing.interest import Interest, Scope, mode_allows
from indigevent.routing.outbound import OutboundQueue


class Progress(Protocol):
    """Something to wait for."""

    def set(self) -> None:
        """Wake who waits."""

    def clear(self) -> None:
        """Wait for the next time."""


class Outlet(Protocol):
    """What writes a peer's queue; its owner is the server.

    `progress` is set whenever some of the queue was written; `sent_messages` counts what was given to be written.
    """

    queue: OutboundQueue
    progress: Progress
    sent_messages: int

    def deliver(self, data: bytes, size: int) -> None:
        """Write bytes after all that waits in the queue."""

    def flush(self) -> None:
        """Write what the peer takes now, and see to it that the rest follows."""

    def follow_log_level(self) -> None:
        """The log shows more or less than before."""

    def abort(self, reason: str) -> None:
        """End the connection; `reason` is a clause for the log."""


class Peer:
    """Anybody who sends or receives. `label` is what logs call it; `takes_attached` is for BLOBs beside the stream."""

    __slots__ = ("label", "number", "outlet", "takes_attached", "__weakref__")

    def __init__(self, label: str, number: int, outlet: Outlet, takes_attached: bool = False) -> None:
        self.label = label
        self.number = number
        self.outlet = outlet
        self.takes_attached = takes_attached


class Client(Peer):
    """A client, or a chained server above us."""

    __slots__ = ("interest",)

    def __init__(self, label: str, number: int, outlet: Outlet, takes_attached: bool = False) -> None:
        super().__init__(label, number, outlet, takes_attached)
        self.interest = Interest()


class Driver(Peer):
    """A local driver, or a remote server seen as one.

    `remote` is "host:port" of a remote and "" of a local driver; `announced` is the one device that a remote was
    asked for, if it was; `devices` are those it owns, and `refused` those that it may not own because they are
    somebody else's; `snoops` are the scopes of other drivers' devices that it listens to, with its BLOB mode for each;
    `wants_blobs` says whether BLOBs may be asked of a remote; with a `compression_key` it is asked to compress.
    `on_drop` is called when something for it was dropped, because it does not read.
    """

    __slots__ = ("announced", "compression_key", "devices", "on_drop", "refused", "remote", "snoops", "wants_blobs")

    def __init__(
        self, label: str, number: int, outlet: Outlet, remote: str = "", announced: str = "", wants_blobs: bool = True
    ) -> None:
        super().__init__(label, number, outlet)
        self.remote = remote
        self.announced = announced
        self.wants_blobs = wants_blobs
        self.compression_key = ""
        self.devices: dict[str, None] = {}
        self.refused: set[str] = set()
        self.snoops: dict[Scope, BlobMode] = {}
        self.on_drop: Callable[[], None] = _accept_loss

    def snoops_on(self, tag: str, device: str, name: str) -> bool:
        """Whether a message about another driver's property is for this one."""
        for scope in ((device, name), (device, "")):
            mode = self.snoops.get(scope)
            if mode is not None:
                return mode_allows(mode, tag)
        return False


def _accept_loss() -> None:
    """Do nothing about what is dropped."""
