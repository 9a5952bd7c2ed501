"""What waits to be written to one peer, counted in bytes as it comes and goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

_MAX_BUFFERS = 64
# A message that takes a while even for a peer that reads as fast as it can.
_LARGE_BYTES = 1 << 20


class Holder(Protocol):
    """Keeps a file descriptor open."""

    fd: int


class Attachment:
    """Bytes that file descriptors must travel with: `holders` keep them open until they are sent."""

    __slots__ = ("data", "holders", "size")

    def __init__(self, data: bytes, holders: Sequence[Holder], size: int) -> None:
        self.data = data
        self.holders = holders
        self.size = size

    @property
    def fds(self) -> list[int]:
        """The descriptors."""
        return [holder.fd for holder in self.holders]


class OutboundQueue:
    """Bytes for one peer, in order.

    `size` is what waits, in bytes; what an attachment holds in memory counts as well. `handles` is how many file
    descriptors wait. Several queues share the same bytes objects, so a BLOB for many peers exists once.
    """

    __slots__ = ("_items", "_large", "_pushed", "handles", "size")

    def __init__(self) -> None:
        self.size = 0
        self.handles = 0
        self._pushed = 0
        self._large: deque[tuple[int, int]] = deque()
        self._items: deque[bytes | memoryview | Attachment] = deque()

    def __bool__(self) -> bool:
        return bool(self._items)

    @property
    def behind(self) -> int:
        """How far the peer is behind, in bytes: what waits, without the rest of a large message that it is getting."""
        large = self._large
        sent = self._pushed - self.size
        while large and large[0][1] <= sent:
            large.popleft()
        if large and large[0][0] <= sent:
            return self._pushed - large[0][1]
        return self.size

    def push_piece(self, data: bytes, size: int) -> None:
        """Append one piece; the short way of `push`, for what goes to many."""
        self._items.append(data)
        if size >= _LARGE_BYTES:
            self._count(size)
        else:
            self._pushed += size
            self.size += size

    def push(self, parts: Sequence[bytes], size: int) -> None:
        """Append pieces that are `size` bytes long together."""
        self._items.extend(parts)
        self._count(size)

    def push_attachment(self, attachment: Attachment) -> None:
        """Append bytes that descriptors go with."""
        self._items.append(attachment)
        self._count(attachment.size)
        self.handles += len(attachment.holders)

    def front(self) -> Attachment | list[bytes | memoryview]:
        """What the next system call should write: an attachment alone, or pieces up to the next one."""
        items = self._items
        first = items[0]
        if isinstance(first, Attachment):
            return first
        if len(items) == 1:
            return [first]
        buffers: list[bytes | memoryview] = []
        for item in items:
            if isinstance(item, Attachment) or len(buffers) == _MAX_BUFFERS:
                break
            buffers.append(item)
        return buffers

    def sent(self, count: int) -> None:
        """The peer's socket took `count` bytes of what `front` gave."""
        items = self._items
        first = items.popleft()
        if isinstance(first, Attachment):
            self._attachment_sent(first, count)
            return
        self.size -= count
        while len(first) < count:
            count -= len(first)
            following = items.popleft()
            assert not isinstance(following, Attachment)
            first = following
        if len(first) > count:
            items.appendleft(memoryview(first)[count:])

    def _attachment_sent(self, attachment: Attachment, count: int) -> None:
        """The descriptors went with the first byte; the rest is plain bytes."""
        rest = attachment.data[count:]
        self.handles -= len(attachment.holders)
        self.size -= attachment.size - len(rest)
        if rest:
            self._items.appendleft(rest)

    def _count(self, size: int) -> None:
        if size >= _LARGE_BYTES:
            self._large.append((self._pushed, self._pushed + size))
        self._pushed += size
        self.size += size

    def clear(self) -> None:
        """Forget everything: the peer is gone."""
        self._items.clear()
        self._large.clear()
        self.size = 0
        self.handles = 0
