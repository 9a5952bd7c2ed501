"""One connection to a server: a thread that reads, and a lock under which everybody writes whole messages."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

from indigevent.client import interrupts
from indigevent.client.endpoint import Endpoint, Stream
from indigevent.client.reading import read
from indigevent.errors import ClientError, LocalProtocolError, RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol import codec
from indigevent.protocol.framing import Framer, Sink
from indigevent.protocol.message import Message
from indigevent.protocol.vectors import Content, PingReply, PingRequest

_READ_BYTES = 1 << 18
# A socket that is ready to be written to takes so much whole, and an interruption before that leaves nothing of it.
_WHOLE_BYTES = 4096


class Connection:
    """An open connection.

    Arguments:
        endpoint: where to.
        timeout_s: for connecting, and for each write to be taken.
        on_contents: called by the reading thread with what each read completed.
        on_end: called by the reading thread, once, with why it ended, a clause.
        sink: for BLOBs that shall not be in memory, see Framer.

    Raises ClientError when there is no server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        timeout_s: float,
        on_contents: Callable[[Sequence[Content]], None],
        on_end: Callable[[str], None],
        sink: Sink = lambda _: None,
    ) -> None:
        self.malformed = 0
        self._sink = sink
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._on_contents = on_contents
        self._on_end = on_end
        self._stream: Stream = endpoint.open(timeout_s)
        self._write_lock = threading.Lock()
        self._end_reason = ""
        self._has_begun = False
        self._seen_faults: set[str] = set()
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._has_begun = True
        self._reader = threading.Thread(target=self.run, name=f"indi reader {self._endpoint}", daemon=True)
        interrupts.start(self._reader)

    def run(self) -> None:
        """Read until it ends, in this thread."""
        self._has_begun = True
        reason = "reading was interrupted"
        try:
            reason = self._read()
        finally:
            self._close_stream()
            self._on_end(reason)

    def send(self, *contents: Content) -> None:
        """Send messages together.

        Raises ClientError for what XML cannot carry, and when the server has gone or takes nothing for the timeout.
        The connection ends then, and by Ctrl-C in a long message, because half of it may be on its way.
        """
        try:
            data = b"".join(codec.to_bytes(content) + b"\n" for content in contents)
        except LocalProtocolError as error:
            raise ClientError(str(error)) from None
        with self._write_lock:
            try:
                self._stream.send(data)
            except OSError as error:
                raise ClientError(f"{self._endpoint} cannot be written to: {self._give_up(error)}") from None
            except BaseException:  # as Ctrl-C
                if len(data) > _WHOLE_BYTES or self._endpoint.tls is not None:
                    self._end("a message was interrupted")
                raise

    def close(self) -> None:
        """End it, and wait until the reader that `start` made has ended; from its own thread without waiting."""
        self._end("closed by us")
        if not self._has_begun:
            self._close_stream()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join()

    def _give_up(self, error: OSError) -> str:
        if isinstance(error, TimeoutError):
            self._end(f"it has not taken a message for {self._timeout_s:g} s")
        else:
            self._end(error.strerror or str(error))
        return self._end_reason

    def _end(self, reason: str) -> None:
        self._end_reason = self._end_reason or reason
        self._stream.end()

    def _close_stream(self) -> None:
        """Nobody may write to a descriptor that is closed, and perhaps another's already."""
        self._stream.end()
        with self._write_lock:
            self._stream.close()

    def _read(self) -> str:
        """Read, and return why it ended."""
        try:
            self._read_on()
        except OSError as error:
            return self._end_reason or error.strerror or str(error)
        except Exception as error:
            log.exception("%s: reading failed", self._endpoint)
            return f"reading failed: {error}"
        return self._end_reason or "the server closed the connection"

    def _read_on(self) -> None:
        framer = Framer(sink=self._sink)
        while not self._end_reason:
            try:
                data, handles = self._stream.receive(_READ_BYTES)
            except TimeoutError:
                continue  # silence is no fault
            if not data:
                return
            self._take(framer.feed(data, handles))
            for dropped in framer.take_faults():
                self._note(dropped)

    def _take(self, messages: Sequence[Message]) -> None:
        contents = []
        for message in messages:
            try:
                content = read(message)
            except RemoteProtocolError as fault:
                self._note(fault)
                continue
            if isinstance(content, PingRequest):
                with contextlib.suppress(ClientError):  # then there is nothing more to read either
                    self.send(PingReply(content.uid))
            contents.append(content)
        if contents:
            self._on_contents(contents)

    def _note(self, fault: RemoteProtocolError) -> None:
        self.malformed += 1
        if fault.kind not in self._seen_faults:
            self._seen_faults.add(fault.kind)
            log.warning("%s: a message was dropped (more of this kind are only counted): %s", self._endpoint, fault)
