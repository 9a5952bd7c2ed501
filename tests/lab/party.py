"""A party at the end of a byte stream: what it received, in order, and waiting for what it should receive."""

from __future__ import annotations

import abc
import contextlib
import os
import re
import select
import socket
from collections.abc import Iterator, Sequence
from itertools import count

from .messages import Message, MessageReader
from .pump import DEADLINE_S, LabTimeout, Pump

PING_PREFIX = "lab-ping-"
_ping_numbers = count(1)


class Party(abc.ABC):
    """Common to scripted clients and drivers: an inbox, sending, waiting and pinging."""

    def __init__(self, name: str, pump: Pump) -> None:
        self.name = name
        self.pump = pump
        self.inbox: list[Message] = []
        self.received = bytearray()
        self.closed = False
        self.fds: list[int] = []
        self._cursor = 0
        self._reader = MessageReader(self._attach)

    @abc.abstractmethod
    def write(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send bytes, with the descriptors attached to the first of them."""

    def send(self, *messages: str | bytes) -> None:
        """Send messages as given, one after another."""
        for message in messages:
            self.write(message.encode() if isinstance(message, str) else message)

    def send_attached(self, message: str, *payloads: bytes) -> None:
        """Send `message` with each payload in a memfd of its own."""
        with memfds(payloads) as fds:
            self.write(message.encode(), fds)

    def expect(self, tag: str, **attributes: str) -> Message:
        """Wait for the next message that matches, skipping others, and return it."""
        found: list[int] = []

        def arrived() -> bool:
            numbers = range(self._cursor, len(self.inbox))
            found.extend(n for n in numbers if self.inbox[n].matches(tag, **attributes))
            return bool(found) or self.closed

        self.pump.wait(arrived, lambda: f"{self.name} receives {tag} {attributes}; it has {self.lines()}")
        if not found:
            raise LabTimeout(f"{self.name} was closed before {tag} {attributes} came; it has {self.lines()}")
        self._cursor = found[0] + 1
        return self.inbox[found[0]]

    def expect_count(self, count: int, tag: str, **attributes: str) -> None:
        """Wait until `count` messages that match have come since the start."""

        def arrived() -> bool:
            return sum(message.matches(tag, **attributes) for message in self.inbox) >= count

        self.pump.wait(arrived, lambda: f"{self.name} has {count} times {tag} {attributes}; it has {self.lines()}")

    def has(self, tag: str, **attributes: str) -> bool:
        """Tell whether a message that matches has come."""
        with self.pump.changed:
            return any(message.matches(tag, **attributes) for message in self.inbox)

    def expect_deletion(self, device: str) -> None:
        """Wait for the delProperty of a whole device, even where what came before it cannot be parsed."""
        needle = re.compile(rf"<delProperty device=.{re.escape(device)}./>".encode())
        heard = f"{self.name} hears that {device} is gone"
        self.pump.wait(lambda: needle.search(self.received), lambda: f"{heard}; it has {self.lines()}")

    def expect_closed(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until the server has closed this connection."""
        self.pump.wait(lambda: self.closed, lambda: f"{self.name} is closed by the server", deadline_s)

    def ping(self) -> None:
        """Return when the server has handled all that was sent before and delivered all that was queued before."""
        uid = f"{PING_PREFIX}{next(_ping_numbers)}"
        self.send(f"<pingRequest uid='{uid}'/>\n")
        self.pump.wait(
            lambda: self.closed or uid.encode() in self.received,
            lambda: f"{self.name} gets its pingReply {uid}; it has {self.lines()}",
        )

    def lines(self) -> list[str]:
        """Return what was received, as lines to compare; the laboratory's own pings are left out."""
        with self.pump.changed:
            return [m.line() for m in self.inbox if not m.attributes.get("uid", "").startswith(PING_PREFIX)]

    def take(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Take received bytes and descriptors (in the pump's thread)."""
        self.received += data
        self.fds.extend(fds)
        self.inbox.extend(self._reader.feed(data))

    def _attach(self, blob: Message) -> None:
        if not self.fds:
            blob.attributes["lab-error"] = "no descriptor came with it"
            return
        fd = self.fds.pop(0)
        try:
            blob.attached = os.pread(fd, int(blob.attributes["size"]), 0)
        except (OSError, ValueError, KeyError, MemoryError, OverflowError) as error:
            blob.attributes["lab-error"] = str(error)
        finally:
            os.close(fd)


@contextlib.contextmanager
def memfds(payloads: Sequence[bytes]) -> Iterator[list[int]]:
    """Give a memfd for each payload, closed again at the end."""
    fds = [os.memfd_create(f"lab-{number}") for number in range(len(payloads))]
    try:
        for fd, payload in zip(fds, payloads, strict=True):
            with os.fdopen(os.dup(fd), "wb") as file:
                file.write(payload)
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def send_all(sock: socket.socket, data: bytes, fds: Sequence[int] = ()) -> None:
    """Send all of `data` on a non-blocking socket, the descriptors with its first byte; LabTimeout if nobody reads."""
    view = memoryview(data)
    while view:
        if sock.fileno() < 0:
            raise BrokenPipeError("the connection is closed")
        _, writable, _ = select.select([], [sock], [], DEADLINE_S)
        if not writable:
            raise LabTimeout(f"{len(view)} bytes could not be sent within {DEADLINE_S} s")
        with contextlib.suppress(BlockingIOError):
            sent = socket.send_fds(sock, [view], list(fds)) if fds else sock.send(view)
            view, fds = view[sent:], ()


def receive(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """Read what there is: bytes and descriptors, (b"", []) at the end, None when there is nothing yet."""
    try:
        data, ancillary, _, _ = sock.recvmsg(1 << 20, socket.CMSG_SPACE(64 * 4), socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except ConnectionError:
        return b"", []
    fds: list[int] = []
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.extend(memoryview(content).cast("i").tolist())
    return data, fds
