"""A tool's connection: a thread reads, and whoever uses the tool waits with a deadline and can interrupt that."""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Container, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from indigevent.client import interrupts
from indigevent.client.blob_files import BlobFiles
from indigevent.client.endpoint import Endpoint, Stream, TcpStream
from indigevent.errors import ClientError, RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol.constants import PROTOCOL_VERSION
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message
from indigevent.protocol.requests import empty_element
from indigevent.tools.flags import Flags
from indigevent.tools.output import complain
from indigevent.tools.progress import Arrival, Progress
from indigevent.tools.told import transcript
from indigevent.tools.trust import TLS_FILES, tls_context

_CONNECT_S = 10.0
_LONGEST_PING_S = 2.0
_READ_BYTES = 1 << 18
# What so many reads brought, or so many megabytes, waits for a slow terminal or disk; then the server's own queue has
# to hold the rest.
_MAX_WAITING = 64
# Decoded and as base64, so much of a BLOB is in memory; larger ones are in a file while they come.
_MAX_BLOB_BYTES = 32 << 20
_PING = "indigevent-tool"


class _News(Enum):
    PROGRESS = "a BLOB has come further"


class Gone(ClientError):
    """The server has closed the connection."""


class NoDescriptor(ClientError):
    """What `-d` names is no open socket."""


class Session:
    """A connection to the server that a command line names; raises ClientError when there is none.

    What it does is told on stderr, as much as the command line's `-v` asks for.

    Arguments:
        flags: the command line.
        blob_folder: where BLOBs that are too large for memory may have a file; None where none are asked for.
    """

    def __init__(self, flags: Flags, blob_folder: Path | None = None) -> None:
        self._flags = flags
        self._is_over = False
        self._has_heard = False
        self._where = flags.values.get("local") or f"{flags.host}/{flags.port}"
        self._stream = _open(flags)
        self.note(flags.connected)
        self._arrival = Arrival() if blob_folder else None
        self._framer = Framer(sink=BlobFiles(str(blob_folder), _MAX_BLOB_BYTES)) if blob_folder else Framer()
        self._faults: Counter[str] = Counter()
        self._progress: Progress | None = None
        self._progress_lock = threading.Lock()
        # Ctrl-C leaves these whole wherever it hits; queue.Queue, written in Python, can be left locked for ever.
        self._queue: queue.SimpleQueue[Sequence[Message | _News] | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._give_room(_MAX_WAITING)
        self._taken: deque[Message | _News] = deque()
        self._reader = threading.Thread(target=self._read, name="indi tool reader", daemon=True)
        interrupts.start(self._reader)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over = True
        self._stream.end()
        self._give_room(1)
        self._reader.join()
        self._stream.close()
        if more := self._faults.total() - len(self._faults):
            log.warning("the server sent %d malformed messages more", more)

    def note(self, text: str) -> None:
        """Tell something to a user who wants to know more (`-v`)."""
        if self._flags.verbosity:
            complain(text)

    def deadline(self) -> float | None:
        """Until when something that begins now is waited for (`-t`), by `time.monotonic()`; None is for ever."""
        return self._flags.timeout_s and time.monotonic() + self._flags.timeout_s

    def send(self, *messages: bytes) -> None:
        """Write messages; raises Gone when the server does not take them."""
        try:
            self._stream.send(b"".join(messages))
        except OSError:
            raise self._gone() from None

    def ask(self, *messages: bytes) -> None:
        """Write questions; of a server that has gone `receive` tells, after what it has said before."""
        with contextlib.suppress(Gone):
            self.send(*messages)

    def get_properties(self, device: str) -> None:
        """Ask for definitions, of one device or ("") of all."""
        scope = {"device": device} if device else {}
        self.ask(empty_element("getProperties", {"version": PROTOCOL_VERSION, **scope}))

    def receive(self, deadline: float | None) -> Message | Progress | None:
        """The next message, or how far a BLOB has come; None when there is none before the deadline.

        Arguments:
            deadline: of `time.monotonic()`; None waits forever.

        Raises Gone when the server has closed the connection.
        """
        if not self._taken:
            wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                received = self._queue.get(timeout=wait_s)
            except queue.Empty:
                return None
            if received is None:
                raise self._gone()
            self._give_room(_weight(received))
            self._taken.extend(received)
        first = self._taken.popleft()
        if isinstance(first, Message):
            if self._flags.verbosity > 1:
                complain(transcript(first))
            return first
        with self._progress_lock:
            progress, self._progress = self._progress, None
        return progress

    def is_waiting(self) -> bool:
        """Whether something was received that nobody has taken."""
        return bool(self._taken) or not self._queue.empty()

    def finish_sending(self, devices: Container[str]) -> None:
        """Return when the server has routed all that was sent to these devices, or does not answer pings.

        A connection that is closed while something comes from the server may lose what was sent on it last. What is
        said of the devices meanwhile is told: it may be the server's refusal.
        """
        deadline = time.monotonic() + min(self._flags.timeout_s or _LONGEST_PING_S, _LONGEST_PING_S)
        self.ask(empty_element("pingRequest", {"uid": _PING}))
        try:
            while (received := self.receive(deadline)) is not None:
                assert isinstance(received, Message)
                if received.tag == "pingReply":
                    return
                if received.tag == "message" and received.device in devices:
                    complain(f"{received.device}: {received.attributes.get('message', '')}")
        except Gone:  # it has taken what was sent, or has not: nobody can know
            return

    def _gone(self) -> Gone:
        if self._has_heard:
            return Gone(f"INDI server {self._where} disconnected")
        if self._flags.fd is not None or "local" in self._flags.values:
            return Gone(f"INDI server {self._where} disconnected without a word; its log may say why")
        has_tls = self._flags.has("tls") or any(name in self._flags.values for name in TLS_FILES)
        wants = "a certificate (--tls-certificate FILE)" if has_tls else "TLS (--tls)"
        return Gone(f"INDI server {self._where} disconnected without a word; it may want {wants}, or its log says why")

    def _read(self) -> None:
        try:
            self._read_on()
        except OSError as error:
            log.debug("reading ended: %s", error)
        finally:
            self._queue.put(None)

    def _read_on(self) -> None:
        framer = self._framer
        while True:
            try:
                data, handles = self._stream.receive(_READ_BYTES)
            except TimeoutError:
                continue  # silence is no fault
            if not data:
                return
            self._has_heard = True
            self._put(framer.feed(data, handles))
            for fault in framer.take_faults():
                self._note(fault)
            if self._arrival:
                self._follow(self._arrival.feed(data, framer.is_inside, time.monotonic()))

    def _note(self, fault: RemoteProtocolError) -> None:
        """One of each kind is told, and at the end how many there were more."""
        self._faults[fault.kind] += 1
        if self._faults[fault.kind] == 1:
            log.warning("the server sent something malformed: %s", fault)

    def _follow(self, progress: Progress | None) -> None:
        """Only the latest matters to a terminal that is slower than the network."""
        with self._progress_lock:
            is_news = progress is not None and self._progress is None
            self._progress = progress or self._progress
        if is_news:
            self._put([_News.PROGRESS])

    def _put(self, received: Sequence[Message | _News]) -> None:
        """Hand on what came, as soon as not too much waits; at the end nobody takes it any more."""
        if not received:
            return
        for _ in range(_weight(received)):
            if self._is_over:
                return
            self._room.get()
        self._queue.put(received)

    def _give_room(self, weight: int) -> None:
        for _ in range(weight):
            self._room.put(None)


def _weight(received: Sequence[Message | _News]) -> int:
    """How much of the room something takes while it waits; a single one may be as large as it likes."""
    size = sum(one.size for one in received if isinstance(one, Message))
    return min(_MAX_WAITING, 1 + (size >> 20))


class _InheritedStream(TcpStream):
    """A connection that another process has made, and goes on with afterwards: it is neither ended nor changed."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._inherited = sock
        self._wakes, self._waker = socket.socketpair()
        self._poll = select.poll()  # select.select knows no descriptors beyond 1023
        for each in (sock, self._wakes):
            self._poll.register(each, select.POLLIN)

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[Any]]:
        """Wait for bytes, or for the end of this process's interest."""
        readable = [descriptor for descriptor, _ in self._poll.poll()]
        return (b"", ()) if self._wakes.fileno() in readable else super().receive(max_bytes)

    def end(self) -> None:
        """Wake up the reader."""
        with contextlib.suppress(OSError):  # the server was quicker
            self._waker.send(b"!")

    def close(self) -> None:
        """Leave the descriptor open."""
        self._inherited.detach()
        self._wakes.close()
        self._waker.close()


def _open(flags: Flags) -> Stream:
    if flags.fd is not None:
        return _inherited(flags.fd)
    files = {name: flags.values[name] for name in TLS_FILES if name in flags.values}
    endpoint = Endpoint(flags.host, flags.port, flags.values.get("local", ""), tls_context(flags.has("tls"), files))
    return endpoint.open(_CONNECT_S)


def _inherited(fd: int) -> Stream:
    try:
        return _InheritedStream(socket.socket(fileno=fd))
    except OSError as error:
        raise NoDescriptor(f"Direct fd {fd}: {error.strerror}; -d takes a descriptor open to a server") from None
