"""A link: one peer's socket, read in blocking style and written without ever waiting for the peer.

Reading: `batches` gives what each read completed. Writing: `flush` sends at once what the socket takes; when it takes
no more, a writer greenlet carries on until the queue is empty. The greenlet that runs `batches` is the link's owner and
the only one to close the socket; everybody else calls `abort`.

Compression is between links: one of ours asks in the first message, the other answers; routing does not know of it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import select
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import gevent
from gevent.event import Event

from indigevent import fdpass
from indigevent.logs import TRACE, log
from indigevent.protocol import requests
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import BlobMessage, Message
from indigevent.routing.outbound import Attachment, OutboundQueue
from indigevent.server.greenlets import give_turn, spawn
from indigevent.server.transports.channel import Channel
from indigevent.server.transports.compression import Deflater, Inflater

_READ = 1
_WRITE = 2
_MIN_READ_BYTES = 16 * 1024
_MAX_READ_BYTES = 256 * 1024
# Framing what one read brought should not keep the others waiting longer than this.
_LONG_S = 0.005
# Less than this is framed sooner than that, whatever it is.
_TIMED_BYTES = 512
# How much is sent to one peer before the others have a turn.
_SEND_BYTES = 1024 * 1024
# These say that the peer has gone; other failures of a write are ours.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH)
# How long a half-closed peer may take nothing of what is queued for it.
_STALLED_S = 60.0
# What a process that has ended left in its socket is read by then.
_LAST_BYTES_S = 0.5
_MAX_TRACED_BYTES = 8192


class Link:
    """Both directions of one connection.

    Arguments:
        sock: a connected stream socket, or a channel over one, which the link takes over.
        label: what logs and greenlets call the peer.
        takes_fds: descriptors may come and go beside the bytes (a local socket).
        is_traced: log its traffic, as -vvv does for everybody.
        inflater: reads what a remote sends that was asked to compress it.
    """

    def __init__(
        self,
        sock: socket.socket | Channel,
        label: str,
        takes_fds: bool = False,
        is_traced: bool = False,
        inflater: Inflater | None = None,
    ) -> None:
        sock.setblocking(False)
        hub = gevent.get_hub()
        self.label = label
        self.queue = OutboundQueue()
        self.framer = Framer()
        self.end_reason = ""
        self.is_ended = False
        self.is_aborted = False
        self._is_deaf = False
        self.lost_fds = 0
        self.received_bytes = 0
        self.received_messages = 0
        self.sent_bytes = 0
        self.sent_messages = 0
        self.progress = Event()
        self._hub = hub
        self._sock = sock
        self._takes_fds = takes_fds
        self._inflater = inflater
        self._turn_bytes = sock.turn_bytes if isinstance(sock, Channel) else _SEND_BYTES
        self._trace_level = logging.WARNING if is_traced else TRACE
        self.follow_log_level()
        self._read_bytes = _MIN_READ_BYTES
        self._readable = hub.loop.io(sock.fileno(), _READ)
        self._writable = hub.loop.io(sock.fileno(), _WRITE)
        self._writer: gevent.Greenlet | None = None

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def batches(self) -> Iterator[list[Message]]:
        """The messages of each read, until the peer closes its side or the link is aborted (see `end_reason`)."""
        try:
            if isinstance(self._sock, Channel) and (early := self._sock.take_early()):
                yield from self._inflated(early)
            while received := self._receive():
                if self._inflater is None:
                    yield self._framed(*received)
                else:
                    yield from self._inflated(received[0])
        except OSError as error:
            self.end_reason = self.end_reason or f"read: {error.strerror}"
        yield self.framer.close()

    def deliver(self, data: bytes, size: int) -> None:
        """Write bytes after all that waits; where nothing does, the socket may take them without a queue."""
        if self._writer is None and not self.queue.size and not self._is_traced:
            try:
                sent = self._sock.send(data)
            except OSError:  # `flush` finds out what is wrong
                sent = 0
            self.sent_bytes += sent
            if sent == size:
                self.progress.set()
                return
            self.queue.push((data,), size)
            if sent:
                self.queue.sent(sent)
        else:
            self.queue.push((data,), size)
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes now; a writer greenlet sees to the rest."""
        if self._is_deaf or self.is_ended:
            self.queue.clear()
        elif self._writer is None and not self._send_queued():
            self._writer = spawn(f"writer of {self.label}", self._write_rest, on_failure=self._writer_failed)

    def follow_log_level(self) -> None:
        """The log shows more or less than when the link was made."""
        self._is_traced = log.isEnabledFor(self._trace_level)

    def abort(self, reason: str) -> None:
        """End the link from outside its greenlet; `reason` is a clause for the log."""
        if self.is_ended:
            return
        self.is_ended = self.is_aborted = True
        self.end_reason = self.end_reason or reason
        self.queue.clear()
        self.progress.set()
        with contextlib.suppress(OSError):  # not connected any more: the reader has seen that, or will
            self._sock.shutdown(socket.SHUT_RDWR)

    def linger(self, quiet_s: float) -> None:
        """After the peer has closed its writing side: go on writing until it is gone, or nothing came for `quiet_s`.

        A peer that has closed altogether looks the same over TCP until something is sent to it; white space between
        messages does that without harm.
        """
        if not self.queue:
            self.queue.push((b"\n",), 1)
            self.flush()
        while not self.is_ended and not self._is_deaf and not self._has_hung_up():
            self.progress.clear()
            if not self.progress.wait(quiet_s if not self.queue else _STALLED_S):
                return

    def end_writing(self) -> None:
        """Tell the peer that nothing more comes; what it still sends is read."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def expect_end(self) -> None:
        """The peer's process is gone: read what it left; when somebody else holds the socket open, end all the same."""
        timer = self._hub.loop.timer(_LAST_BYTES_S)
        timer.start(self._end_expected, timer)

    def close(self) -> None:
        """Close the socket; only the owner may."""
        self.is_ended = True
        if self._writer is not None:
            self._writer.kill()
        self.queue.clear()
        self.framer.close()
        self._readable.close()
        self._writable.close()
        self._sock.close()

    def _receive(self) -> tuple[bytes, list[fdpass.BlobHandle]] | None:
        """One read, after a turn of the hub, so that a peer that always has more does not starve the others."""
        while not self.is_ended:
            self._hub.wait(self._readable)
            try:
                data, handles = self._read()
            except BlockingIOError:
                continue
            return (data, handles) if data and not self.is_ended else None
        return None

    def _framed(self, data: bytes, handles: Sequence[fdpass.BlobHandle] = ()) -> list[Message]:
        """The messages that one read completed."""
        if len(data) < _TIMED_BYTES:
            messages = self.framer.feed(data, handles)
        else:
            started = time.monotonic()
            messages = self.framer.feed(data, handles)
            self._adapt_reads(len(data), time.monotonic() - started)
        if messages and not self.received_messages:
            self._meet(messages[0])
        self.received_bytes += len(data)
        self.received_messages += len(messages)
        if self._is_traced:
            self._trace_arrivals(messages)
        return messages

    def _inflated(self, data: bytes) -> Iterator[list[Message]]:
        """The messages of what stands for more than it is: in several batches, others having a turn between them."""
        if self._inflater is None:
            yield self._framed(data)
            return
        for piece in self._inflater.feed(data):
            yield self._framed(piece)
            give_turn()
            if self.is_ended:
                return

    def _meet(self, first: Message) -> None:
        """Compress what is sent to another server, if it asks for that in its first message."""
        key = "" if self._takes_fds or self._inflater is not None else requests.compression_key(first)
        if key:
            marker = requests.compression_marker(key)
            self.queue.push((marker,), len(marker))
            self._sock = Deflater(self._sock, plain_bytes=self.queue.size)
            self._turn_bytes = self._sock.turn_bytes
            self.flush()
            log.info("%s: what it is sent is compressed", self.label)

    def _adapt_reads(self, read_bytes: int, framing_s: float) -> None:
        """Read much from a peer whose messages are quick to frame, little from others, so that nobody else waits."""
        if framing_s > _LONG_S:
            self._read_bytes = _MIN_READ_BYTES
        elif read_bytes == self._read_bytes:
            self._read_bytes = min(2 * self._read_bytes, _MAX_READ_BYTES)

    def _read(self) -> tuple[bytes, list[fdpass.BlobHandle]]:
        if not self._takes_fds:
            return self._sock.recv(self._read_bytes), []
        assert isinstance(self._sock, socket.socket)
        data, handles, lost = fdpass.receive(self._sock, self._read_bytes)
        self.lost_fds += lost
        return data, handles

    def _send_queued(self) -> bool:
        """Send until the queue is empty (True), or the socket is full or others should have a turn (False)."""
        queue = self.queue
        budget = self._turn_bytes
        try:
            while queue:
                if budget <= 0:
                    return False
                sent = self._send_front(queue.front())
                queue.sent(sent)
                self.sent_bytes += sent
                budget -= sent
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _GONE:
                # What the peer sent before it went is still to be read; the reader will see the end.
                self._is_deaf = True
                queue.clear()
            else:
                self.abort(f"write: {error.strerror}")
        self.progress.set()
        return True

    def _has_hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self._sock, 0)
        return bool(poll.poll(0))

    def _send_front(self, front: Attachment | list[bytes | memoryview]) -> int:
        if isinstance(front, Attachment):
            assert isinstance(self._sock, socket.socket)
            sent = fdpass.send(self._sock, front.data, front.fds)
        else:
            sent = self._sock.send(front[0]) if len(front) == 1 else self._sock.sendmsg(front)
        if self._is_traced:
            self._trace_departure(front, sent)
        return sent

    def _trace_arrivals(self, messages: list[Message]) -> None:
        for message in messages:
            head = message.start if isinstance(message, BlobMessage) else message.parts[0]
            self._trace("read", head)

    def _trace_departure(self, front: Attachment | list[bytes | memoryview], sent: int) -> None:
        """Log each piece when its first byte goes; the rest of one that went in parts is a memoryview."""
        for piece in [front.data] if isinstance(front, Attachment) else front:
            if sent <= 0:
                return
            if isinstance(piece, bytes):
                self._trace("sending", piece)
            sent -= len(piece)

    def _trace(self, what: str, data: bytes) -> None:
        """The XML, without what makes BLOBs large."""
        rest = f" … and {len(data) - _MAX_TRACED_BYTES} bytes" if len(data) > _MAX_TRACED_BYTES else ""
        text = data[:_MAX_TRACED_BYTES].decode(errors="replace").rstrip()
        log.log(self._trace_level, "%s: %s %s%s", self.label, what, text, rest)

    def _write_rest(self) -> None:
        if isinstance(self._sock, Channel):
            self._sock.opened.wait()
        while not self.is_ended:
            self._hub.wait(self._writable)
            if self._send_queued():
                break
            self.progress.set()
        self._writer = None

    def _end_expected(self, timer: Any) -> None:
        timer.close()
        self.abort("its process has ended")

    def _writer_failed(self, error: BaseException) -> None:
        self.abort(f"its writer failed: {error}")
