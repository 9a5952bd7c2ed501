"""A recorded session as a server: what came from the server then comes to every client now, at the same pace."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from indigevent.client import interrupts
from indigevent.client.recording import FROM_SERVER, load
from indigevent.errors import ClientError, RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol import codec
from indigevent.protocol.constants import BlobMode
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message, start_tag_attributes
from indigevent.protocol.vectors import Content, EnableBLOB, GetProperties, PingReply, PingRequest

_READ_BYTES = 1 << 16
_PAUSE_S = 0.5


class Piece(NamedTuple):
    """Something to send, with the time since the first one in seconds; `blob` is its address when it is a BLOB."""

    time_s: float
    data: bytes
    blob: tuple[str, str] | None = None


class Replay:
    """A server that plays a recording.

    Each client gets, from its first getProperties or enableBLOB on, what the recorded one got, BLOBs if it has enabled
    them when they are due; pings are answered, and everything else that clients say is passed over. At the end the
    connection stays open. The recording is held in memory.

    Arguments:
        path: the recording.
        port: where to listen, on `host`; 0 for one that is free, which `port` tells then.
        speed: how many times faster than it was recorded; `math.inf` for as fast as can be.

    Used as a context manager, or with `start` and `close`. Raises ClientError when the file is no recording, or the
    port cannot be had.
    """

    def __init__(self, path: str | Path, port: int = 0, speed: float = 1.0, host: str = "127.0.0.1") -> None:
        self._pieces = list(_pieces(path))
        self._speed = speed
        try:
            self._listener = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            cause = error.strerror if isinstance(error, OSError) else "a port is from 0 to 65535"
            raise ClientError(f"{host}:{port} cannot be listened on: {cause}; say another port") from None
        self.host, self.port = self._listener.getsockname()[:2]
        self._guests: set[_Guest] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._has_told_shortage = False
        self._thread = threading.Thread(target=self._accept, name="indi replay", daemon=True)

    def __enter__(self) -> Replay:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Replay:
        """Take clients from now on, in threads; itself."""
        interrupts.start(self._thread)
        return self

    def wait(self) -> None:
        """Wait until `close`."""
        self._thread.join()

    def close(self) -> None:
        """Disconnect all clients and end; harmless when it has not begun."""
        self._closing.set()
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()
        with self._lock:
            guests = list(self._guests)
        for guest in guests:
            guest.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                self._pause(error)
                continue
            guest = _Guest(sock, self._pieces, self._speed, self._gone)
            with self._lock:
                self._guests.add(guest)
            guest.start()

    def _pause(self, error: OSError) -> None:
        """No descriptor for a newcomer, who waits in the kernel's queue until somebody leaves."""
        if not self._closing.is_set() and not self._has_told_shortage:
            self._has_told_shortage = True
            log.warning("clients have to wait (this is told once): %s", error.strerror)
        self._closing.wait(_PAUSE_S)

    def _gone(self, guest: _Guest) -> None:
        with self._lock:
            self._guests.discard(guest)


class _Guest:
    """One client: a thread listens to it, and another one plays."""

    def __init__(
        self, sock: socket.socket, pieces: list[Piece], speed: float, on_end: Callable[[_Guest], None]
    ) -> None:
        self._sock = sock
        self._pieces = pieces
        self._speed = speed
        self._on_end = on_end
        self._modes: dict[tuple[str, str], BlobMode] = {}
        self._write_lock = threading.Lock()
        self._closing = threading.Event()
        self._listening = threading.Thread(target=self._listen, name="indi replay client", daemon=True)
        self._playing = threading.Thread(target=self._play, name="indi replay player", daemon=True)
        self._has_begun = False

    def start(self) -> None:
        """Listen."""
        self._listening.start()

    def close(self) -> None:
        """Disconnect it, and wait until its threads have ended."""
        self._closing.set()
        with contextlib.suppress(OSError):  # it has gone
            self._sock.shutdown(socket.SHUT_RDWR)
        self._listening.join()

    def _listen(self) -> None:
        framer = Framer()
        with contextlib.suppress(OSError):
            while data := self._sock.recv(_READ_BYTES):
                messages = framer.feed(data)
                framer.take_faults()  # what clients say otherwise is passed over
                self._obey([_understood(message) for message in messages])
        self._closing.set()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # the player may wait for a client that does not read
        if self._playing.is_alive():
            self._playing.join()
        self._sock.close()
        self._on_end(self)

    def _obey(self, contents: Sequence[Content | None]) -> None:
        for content in contents:
            if isinstance(content, EnableBLOB):
                self._modes[content.device, content.name] = content.value
            elif isinstance(content, PingRequest):
                self._send(codec.to_bytes(PingReply(content.uid)) + b"\n")
        # Most clients ask for properties and for BLOBs in one go, so that all of it was to be read before; a connection
        # for BLOBs alone need not ask for properties.
        if not self._has_begun and any(isinstance(content, (GetProperties, EnableBLOB)) for content in contents):
            self._has_begun = True
            self._playing.start()

    def _play(self) -> None:
        start_s = time.monotonic()
        for piece in self._pieces:
            due_s = start_s + piece.time_s / self._speed
            if self._closing.wait(min(max(0.0, due_s - time.monotonic()), threading.TIMEOUT_MAX)):
                return
            if self._wants(piece):
                self._send(piece.data)

    def _send(self, data: bytes) -> None:
        with self._write_lock, contextlib.suppress(OSError):  # the listener sees that it has gone
            self._sock.sendall(data)

    def _wants(self, piece: Piece) -> bool:
        """The rules of `enableBLOB` (INDI 1.7): the mode of the property, else of the device, else of all."""
        if piece.blob is None:
            return BlobMode.ONLY not in self._modes.values()
        device, name = piece.blob
        keys = (device, name), (device, ""), ("", "")
        mode = next((self._modes[key] for key in keys if key in self._modes), BlobMode.NEVER)
        return mode is not BlobMode.NEVER


def _understood(message: Message) -> Content | None:
    try:
        return codec.parse(message.data)
    except RemoteProtocolError:
        return None  # as all else that a recording has no answer to


def _pieces(path: str | Path) -> Iterator[Piece]:
    """What came from the server, cut between messages: BLOBs by themselves, with what came together in one piece."""
    framer = Framer()
    waiting: list[bytes] = []
    start_s, time_s = math.inf, 0.0
    for entry in load(path):
        if entry.direction != FROM_SERVER:
            continue
        start_s = min(start_s, entry.time_s)
        time_s = entry.time_s - start_s
        waiting.append(entry.data)
        framer.feed(entry.data)
        framer.take_faults()
        if not framer.is_inside:
            yield from _without_blobs(time_s, b"".join(waiting))
            waiting = []
    if waiting:
        yield Piece(time_s, b"".join(waiting))


def _without_blobs(time_s: float, data: bytes) -> Iterator[Piece]:
    position = 0
    while (start := data.find(b"<setBLOBVector", position)) >= 0:
        end = _after(data, b">", start)
        if not data.endswith(b"/>", start, end):
            end = _after(data, b">", _after(data, b"</setBLOBVector", end))
        if start > position:
            yield Piece(time_s, data[position:start])
        attributes = start_tag_attributes(data[start:end])
        yield Piece(time_s, data[start:end] + b"\n", (attributes.get("device", ""), attributes.get("name", "")))
        position = end
    if position < len(data):
        yield Piece(time_s, data[position:])


def _after(data: bytes, words: bytes, position: int) -> int:
    """Where the next such words end; the end of all when there are none, as in what is malformed."""
    found = data.find(words, position)
    return found + len(words) if found >= 0 else len(data)
