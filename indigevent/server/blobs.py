"""The forms of one BLOB message: inline for TCP clients and drivers, attached for local clients, each made once."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pybase64

from indigevent import fdpass
from indigevent.logs import log
from indigevent.protocol import repair
from indigevent.protocol.message import BlobElement, BlobMessage
from indigevent.routing.outbound import Attachment
from indigevent.routing.peers import Peer
from indigevent.server.greenlets import give_turn

# A multiple of 3, so that pieces of base64 can stand one after another; others have a turn after each.
_STEP_BYTES = 768 * 1024
# A declared size beyond both is a lie that a reader would have to pay for.
_MAX_CLAIM_BYTES = 1 << 20
_MAX_COMPRESSION = 1100
_WHITE_SPACE = b" \t\r\n"


class BlobForms:
    """One `setBLOBVector` or `newBLOBVector` in the forms that its recipients take.

    `prepare` makes what is missing and gives other greenlets a turn meanwhile; afterwards `push` does not wait.
    """

    def __init__(self, message: BlobMessage) -> None:
        self._message = message
        self._inline: tuple[bytes, ...] | None = None
        self._attached: Attachment | tuple[bytes, ...] | None = None
        self.is_short = False
        if not message.is_attached:
            self._inline = (*message.parts, b"\n")

    def lacks_for(self, recipients: Sequence[Peer]) -> bool:
        """Whether some recipient takes a form that is not made yet."""
        return any(self._form(peer) is None for peer in recipients)

    def prepare(self, recipients: Sequence[Peer]) -> None:
        """Make the forms that the recipients take."""
        if any(peer.takes_attached for peer in recipients) and self._attached is None:
            self._attached = _Attaching(self._message).form()
        if not all(peer.takes_attached for peer in recipients) and self._inline is None:
            self._inline = self._encoded()

    def push(self, peer: Peer) -> None:
        """Queue the message for one recipient."""
        form = self._form(peer)
        assert form is not None
        if isinstance(form, Attachment):
            peer.outlet.queue.push_attachment(form)
        else:
            peer.outlet.queue.push(form, sum(map(len, form)))

    def _form(self, peer: Peer) -> Attachment | tuple[bytes, ...] | None:
        return self._attached if peer.takes_attached else self._inline

    def _encoded(self) -> tuple[bytes, ...]:
        """The message with its attached BLOBs as base64 without line breaks (reference: no `enclen`)."""
        message = self._message
        parts = [message.start]
        for element in message.elements:
            if element.attached is None:
                parts += [_start(element.attributes), *element.payload]
            else:
                parts.append(_start(element.attributes, without=("attached", "enclen")))
                parts += self._base64(element)
            parts.append(b"</oneBLOB>")
        return (*parts, _end(message))

    def _base64(self, element: BlobElement) -> list[bytes]:
        handle = element.attached
        assert isinstance(handle, fdpass.BlobHandle)
        pieces = []
        for offset in range(0, element.size, _STEP_BYTES):
            wanted = min(_STEP_BYTES, element.size - offset)
            raw = fdpass.read_at(handle, offset, wanted)
            if len(raw) < wanted:
                self.is_short = True
                raw += bytes(wanted - len(raw))
            pieces.append(pybase64.b64encode(raw))
            give_turn()
        return pieces


class _Attaching:
    """Makes the attached form: every BLOB in shared memory, the handles beside the text."""

    def __init__(self, message: BlobMessage) -> None:
        self._message = message
        self._handles: list[fdpass.BlobHandle] = []
        self._held = 0

    def form(self) -> Attachment | tuple[bytes, ...]:
        """The message with its handles, or as it came when there is nothing to attach."""
        message = self._message
        if all(element.attached is not None and "enclen" not in element.attributes for element in message.elements):
            return self._as_it_came()
        text = [message.start]
        for element in message.elements:
            text += [self._start_tag_of(element), b"</oneBLOB>"]
        if not self._handles:
            return (*message.parts, b"\n")
        data = b"".join([*text, _end(message)])
        return Attachment(data, tuple(self._handles), len(data) + self._held)

    def _as_it_came(self) -> Attachment:
        """A message that has all its BLOBs beside the stream already."""
        data = b"".join((*self._message.parts, b"\n"))
        attached = (element.attached for element in self._message.elements)
        handles = tuple(handle for handle in attached if isinstance(handle, fdpass.BlobHandle))
        return Attachment(data, handles, len(data) + sum(element.size for element in self._message.elements))

    def _start_tag_of(self, element: BlobElement) -> bytes:
        """The element's start tag, with its content where that stays inline."""
        if isinstance(element.attached, fdpass.BlobHandle):
            return self._attach(element, element.attached, element.size)
        if not element.size or len(self._handles) == fdpass.MAX_FDS_PER_MESSAGE or not fdpass.SUPPORTED:
            return _inline(element)
        try:
            handle, size = _decoded(element)
        except (ValueError, OSError) as error:
            log.warning("%r: the BLOB stays inline for local clients: %s", self._message, error)
            return _inline(element)
        return self._attach(element, handle, size)

    def _attach(self, element: BlobElement, handle: fdpass.BlobHandle, size: int) -> bytes:
        self._handles.append(handle)
        self._held += size
        kept = {key: value for key, value in element.attributes.items() if key not in ("enclen", "attached")}
        return _start({**kept, "attached": "true"})


def trouble(message: BlobMessage) -> str:
    """Why the handles of a message cannot be used, "" when they can."""
    for element in message.elements:
        handle = element.attached
        if isinstance(handle, fdpass.BlobHandle) and not handle.holds(element.size):
            return f"its attached BLOB is not shared memory of {element.size} bytes"
    return ""


def _decoded(element: BlobElement) -> tuple[fdpass.BlobHandle, int]:
    """An inline BLOB in shared memory, and how many bytes it has.

    The memory is at least as long as the declared `size`, which is more than the content for compressed formats:
    who maps `size` bytes must find them.
    """
    handle = fdpass.new_memory()
    size = 0
    carry = b""
    for piece in element.payload:
        text = carry + piece.translate(None, _WHITE_SPACE)
        usable = len(text) - len(text) % 4
        carry = text[usable:]
        size += _decode_into(handle, text[:usable])
        give_turn()
    size += _decode_into(handle, carry)
    if element.size > max(_MAX_CLAIM_BYTES, _MAX_COMPRESSION * size):
        raise ValueError(f"it has {size} bytes and claims to have {element.size}")
    if size < element.size:
        os.ftruncate(handle.fd, element.size)
    return handle, size


def _decode_into(handle: fdpass.BlobHandle, text: bytes) -> int:
    raw = pybase64.b64decode(text, validate=True)
    fdpass.write_all(handle, raw)
    return len(raw)


def _inline(element: BlobElement) -> bytes:
    return b"".join([_start(element.attributes), *element.payload])


def _start(attributes: dict[str, str], without: Sequence[str] = ()) -> bytes:
    kept = {key: value for key, value in attributes.items() if key not in without}
    return b"\n" + repair.start_tag("oneBLOB", kept) + b">"


def _end(message: BlobMessage) -> bytes:
    return b"\n</" + message.tag.encode() + b">\n"
