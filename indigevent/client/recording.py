"""Sessions in a file: what a server and a client said to each other, when, byte by byte.

A recording is for people and programs. Its first line is a title; then come entries, each a line
`<seconds since the start> <direction> <number of bytes>`, so many bytes, and a line end:

    indigevent recording 1: localhost:7624, 2026-11-21T05:31:42Z
    0.001 > 31
    <getProperties version="1.7"/>

    0.004 < 187
    <defNumberVector device="CCD Simulator" ...

The direction is `>` for what the client wrote and `<` for what came from the server. An entry is what one read or
write carried, malformed bytes too, so a message may go on in the next entry of the same direction. Only BLOBs that came
beside a local socket's stream are written as base64, message by message.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, NamedTuple

from indigevent import fdpass
from indigevent.client.endpoint import Endpoint, Stream
from indigevent.client.reading import read
from indigevent.errors import ClientError, LocalProtocolError, RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol import codec
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import BlobMessage, Message
from indigevent.protocol.vectors import NewBLOBVector, SetBLOBVector

FROM_SERVER, FROM_CLIENT = "<", ">"
_TITLE = "indigevent recording 1"
_HEAD = re.compile(rb"([0-9]{1,9}\.[0-9]{1,9}) ([<>]) ([0-9]{1,15})\n")
# What a damaged file, or one that is none of ours, may make us read before that is seen.
_MAX_LINE_BYTES = 4096
_PIECE_BYTES = 1 << 20


class Entry(NamedTuple):
    """What one read or write carried, with the time since the start in seconds."""

    time_s: float
    direction: str
    data: bytes


class Recorder:
    """Writes a session to a file; several connections, and threads, may share one.

    What the file had before is replaced by the first entry, so not when there is no server.

    When the file cannot be written any more, that is logged, the recording ends there, and the session goes on;
    `trouble` says why then.

    Raises ClientError when the file cannot be made.
    """

    def __init__(self, path: str | Path, endpoint: Endpoint) -> None:
        self.trouble = ""
        self._path = path
        self._lock = threading.Lock()
        self._start_s = time.monotonic()
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._title = f"{_TITLE}: {endpoint}, {now}\n".encode()
        try:
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise ClientError(f"{path} cannot be written: {error.strerror}; say another file to record to") from None

    def tap(self, endpoint: Endpoint) -> Endpoint:
        """The same endpoint, of which each connection is recorded."""
        return _RecordedEndpoint(**vars(endpoint), recorder=self)

    def note(self, direction: str, data: bytes) -> None:
        """Write an entry."""
        elapsed_s = time.monotonic() - self._start_s
        self._write(b"%.6f %s %d\n%s\n" % (elapsed_s, direction.encode(), len(data), data))

    def close(self) -> None:
        """End the recording; what comes later is not recorded. Harmless when it has ended."""
        with self._lock:
            self._file.close()

    def _write(self, data: bytes) -> None:
        with self._lock:
            if self.trouble or self._file.closed:
                return
            try:
                self._write_out(self._begun() + data)
            except OSError as error:
                self.trouble = f"{self._path} cannot be written any more: {error.strerror}"
                log.error("the recording ends here: %s", self.trouble)

    def _begun(self) -> bytes:
        """What the file begins with, the first time."""
        title, self._title = self._title, b""
        if title:
            with contextlib.suppress(OSError):  # a pipe or a device has nothing
                self._file.truncate(0)
        return title

    def _write_out(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def load(path: str | Path) -> Iterator[Entry]:
    """The entries of a recording, one after the other; a last one that was cut off is left out with a warning.

    Raises ClientError for a file that cannot be read or is no recording.
    """
    try:
        with open(path, "rb") as file:
            title = file.readline(_MAX_LINE_BYTES)
            if not title.startswith(_TITLE.encode()):
                raise ClientError(f"{path} is no recording: its first line does not begin with {_TITLE!r}")
            position = len(title)
            while line := file.readline(_MAX_LINE_BYTES):
                head = _HEAD.fullmatch(line)
                size = int(head[3]) if head else 0
                data = _read(file, size + 1)
                if len(data) <= size:
                    log.warning("%s ends in the middle of an entry, which is left out", path)
                    return
                if head is None or not data.endswith(b"\n"):
                    raise ClientError(f"{path} is damaged: there is no whole entry at byte {position}")
                position += len(line) + len(data)
                yield Entry(float(head[1]), head[2].decode(), data[:-1])
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from None


def _read(file: BinaryIO, size: int) -> bytes:
    """As many bytes, or fewer at the file's end; memory is taken for those that are there."""
    pieces = []
    while size and (piece := file.read(min(size, _PIECE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


@dataclass(frozen=True)
class _RecordedEndpoint(Endpoint):
    """An endpoint whose streams are recorded."""

    recorder: Recorder | None = None

    def open(self, timeout_s: float) -> Stream:
        stream = super().open(timeout_s)
        assert self.recorder is not None
        return _RecordedStream(stream, self.recorder, bool(self.local))


class _RecordedStream:
    """A stream, and what goes through it."""

    def __init__(self, stream: Stream, recorder: Recorder, is_local: bool) -> None:
        self._stream = stream
        self._recorder = recorder
        self._framer = Framer() if is_local else None

    def receive(self, max_bytes: int) -> tuple[bytes, Sequence[fdpass.BlobHandle]]:
        data, handles = self._stream.receive(max_bytes)
        said = data if self._framer is None else self._without_handles(self._framer, data, handles)
        if said:
            self._recorder.note(FROM_SERVER, said)
        return data, handles

    def _without_handles(self, framer: Framer, data: bytes, handles: Sequence[fdpass.BlobHandle]) -> bytes:
        said = b"".join(_inlined(framer.feed(data, handles)))
        framer.take_faults()  # they are told to whoever reads the stream
        return said

    def send(self, data: bytes) -> None:
        self._recorder.note(FROM_CLIENT, data)
        self._stream.send(data)

    def end(self) -> None:
        self._stream.end()

    def close(self) -> None:
        self._stream.close()


def _inlined(messages: Iterable[Message]) -> Iterator[bytes]:
    """The messages as they would come over TCP."""
    for message in messages:
        if isinstance(message, BlobMessage) and message.is_attached:
            try:
                content = read(message)
                assert isinstance(content, (SetBLOBVector, NewBLOBVector))
                elements = tuple(replace(one, data=bytes(one.data)) for one in content.elements)
                yield codec.to_bytes(replace(content, elements=elements)) + b"\n"
            except (RemoteProtocolError, LocalProtocolError):
                continue  # whoever reads the stream says what is wrong; a timeout that is infinite cannot be written
        else:
            yield message.data + b"\n"
