"""One connection to a server: a thread that reads, and a lock under which everybody writes whole messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from indigevent.client.endpoint import Endpoint, Stream
from indigevent.client.reading import read
from indigevent.errors import ClientError, RemoteProtocolError
from indigevent.logs import log
from indigevent.protocol import codec
from indigevent.protocol.framing import Framer
from indigevent.protocol.vectors import Content

_READ_BYTES = 1 << 18


class Connection:
    """An open connection.

    Arguments:
        endpoint: where to.
        timeout_s: for connecting, and for each write.
        on_contents: called by the reading thread with what each read completed.
        on_end: called by the reading thread, once, with why it ended, a clause.

    Raises ClientError when there is no server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        timeout_s: float,
        on_contents: Callable[[Sequence[Content]], None],
        on_end: Callable[[str], None],
    ) -> None:
        self.malformed = 0
        self._endpoint = endpoint
        self._on_contents = on_contents
        self._on_end = on_end
        self._stream: Stream = endpoint.open(timeout_s)
        self._write_lock = threading.Lock()
        self._is_closing = False
        self._seen_faults: set[str] = set()
        self._reader = threading.Thread(target=self._read, name=f"indi reader {endpoint}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    def send(self, *contents: Content) -> None:
        """Send messages together; raises ClientError when the server has gone or does not read."""
        data = b"".join(codec.to_bytes(content) + b"\n" for content in contents)
        try:
            with self._write_lock:
                self._stream.send(data)
        except OSError as error:
            raise ClientError(f"{self._endpoint} cannot be written to: {error.strerror or error}") from None

    def close(self) -> None:
        """End it, and wait until the reader has; from its own thread without waiting."""
        self._is_closing = True
        self._stream.end()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def _read(self) -> None:
        reason = "closed by us"
        try:
            self._read_on()
            if not self._is_closing:
                reason = "the server closed the connection"
        except OSError as error:
            if not self._is_closing:
                reason = error.strerror or str(error)
        except Exception as error:
            log.exception("%s: reading failed", self._endpoint)
            reason = f"reading failed: {error}"
        finally:
            self._stream.close()
            self._on_end(reason)

    def _read_on(self) -> None:
        framer = Framer()
        while not self._is_closing:
            try:
                data, handles = self._stream.receive(_READ_BYTES)
            except TimeoutError:
                continue  # silence is no fault
            if not data:
                return
            contents = []
            for message in framer.feed(data, handles):
                try:
                    contents.append(read(message))
                except RemoteProtocolError as fault:
                    self._note(fault)
            for dropped in framer.take_faults():
                self._note(dropped)
            if contents:
                self._on_contents(contents)

    def _note(self, fault: RemoteProtocolError) -> None:
        self.malformed += 1
        if fault.kind not in self._seen_faults:
            self._seen_faults.add(fault.kind)
            log.warning("%s sent something malformed (more of this kind is only counted): %s", self._endpoint, fault)
