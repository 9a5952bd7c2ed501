"""What is pushed leaves in order, and the size is exact at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.routing.outbound import Attachment, OutboundQueue

# More pieces than one system call should be given.
MANY = 200
MAX_PIECES = 64


@dataclass(eq=False)
class Handle:
    """What keeps a descriptor open."""

    fd: int


def queue_of(*pieces: bytes) -> OutboundQueue:
    queue = OutboundQueue()
    for piece in pieces:
        queue.push((piece,), len(piece))
    return queue


def attachment(data: bytes, *fds: int, held: int = 0) -> Attachment:
    return Attachment(data, [Handle(fd) for fd in fds], len(data) + held)


def front_pieces(queue: OutboundQueue) -> list[bytes]:
    front = queue.front()
    assert not isinstance(front, Attachment)
    return [bytes(piece) for piece in front]


@dataclass
class Socket:
    """A peer's end: it takes as much as it is told to, and notes at which byte descriptors came."""

    received: bytearray = field(default_factory=bytearray)
    descriptors: list[tuple[int, list[int]]] = field(default_factory=list)

    def take(self, front: Attachment | list[bytes | memoryview], share: int) -> int:
        """Take up to `share` bytes, at least one where descriptors come; how many that were."""
        if isinstance(front, Attachment):
            taken = front.data[: max(share, 1)]
            self.descriptors.append((len(self.received), front.fds))
        else:
            assert 0 < len(front) <= MAX_PIECES
            taken = b"".join(front)[:share]
        self.received += taken
        return len(taken)


@dataclass
class Model:
    """A queue, and what it ought to hold."""

    queue: OutboundQueue = field(default_factory=OutboundQueue)
    socket: Socket = field(default_factory=Socket)
    pushed: bytearray = field(default_factory=bytearray)
    descriptors: list[tuple[int, list[int]]] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def push(self, parts: list[bytes]) -> None:
        """Queue plain pieces."""
        self.queue.push(parts, sum(map(len, parts)))
        self.pushed += b"".join(parts)

    def attach(self, data: bytes, held: int) -> None:
        """Queue bytes with a descriptor that stands for `held` bytes of memory."""
        fds = [len(self.descriptors)]
        self.queue.push_attachment(attachment(data, *fds, held=held))
        self.descriptors.append((len(self.pushed), fds))
        self.held[len(self.pushed)] = held
        self.pushed += data

    def send(self, share: int) -> None:
        """Let the socket take some."""
        if self.queue:
            self.queue.sent(self.socket.take(self.queue.front(), share))

    def expected_size(self) -> int:
        """What is left, and the memory of descriptors that have not gone."""
        done = len(self.socket.received)
        return len(self.pushed) - done + sum(held for start, held in self.held.items() if start >= done)


pieces = st.lists(st.binary(max_size=8), max_size=4) | st.just([b"x", b"yz"] * MANY)
steps = st.lists(
    st.tuples(st.just(Model.push), pieces)
    | st.tuples(st.just(Model.attach), st.binary(min_size=1, max_size=8), st.integers(0, 1000))
    | st.tuples(st.just(Model.send), st.integers(0, 20) | st.just(1 << 20)),
    max_size=40,
)


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(steps)
def test_everything_leaves_in_order_and_the_size_is_exact(sequence: list[tuple[Callable[..., None], Any]]) -> None:
    model = Model()
    for step, *arguments in sequence:
        step(model, *arguments)
        assert model.queue.size == model.expected_size()
        assert model.queue or model.queue.size == 0
        assert model.pushed.startswith(model.socket.received)
    while model.queue:
        model.send(7)
        assert model.queue.size == model.expected_size()
    assert model.socket.received == model.pushed
    assert model.socket.descriptors == model.descriptors
    assert model.queue.size == 0


def test_an_empty_queue_is_false() -> None:
    queue = OutboundQueue()
    assert not queue
    assert queue.size == 0


@pytest.mark.parametrize("pushed", [b"x", b""])
def test_a_queue_with_anything_in_it_is_true(pushed: bytes) -> None:
    assert queue_of(pushed)


@pytest.mark.parametrize(
    ("count", "left"),
    [
        (0, [b"abc", b"de", b"f"]),
        (1, [b"bc", b"de", b"f"]),
        (3, [b"de", b"f"]),
        (4, [b"e", b"f"]),
        (5, [b"f"]),
        (6, []),
    ],
)
def test_partial_sends_across_pieces(count: int, left: list[bytes]) -> None:
    queue = queue_of(b"abc", b"de", b"f")
    queue.sent(count)
    assert queue.size == 6 - count
    assert (front_pieces(queue) if queue else []) == left


def test_a_long_piece_leaves_bit_by_bit() -> None:
    queue = queue_of(bytes(range(256)))
    seen = b""
    while queue:
        seen += front_pieces(queue)[0][:10]
        queue.sent(min(10, queue.size))
    assert seen == bytes(range(256))


def test_queues_share_their_bytes() -> None:
    piece = b"x" * 100
    queues = [queue_of(piece, b"y"), queue_of(piece, b"y")]
    for queue in queues:
        front = queue.front()
        assert isinstance(front, list)
        assert front[0] is piece
    queues[0].sent(1)
    front = queues[0].front()
    assert isinstance(front, list)
    assert isinstance(front[0], memoryview)
    assert front[0].obj is piece


def test_a_partly_sent_piece_is_never_copied() -> None:
    piece = b"x" * 100
    queue = queue_of(piece)
    for _ in range(50):
        queue.sent(1)
    front = queue.front()
    assert isinstance(front, list)
    assert isinstance(front[0], memoryview)
    assert (front[0].obj is piece, len(front[0])) == (True, 50)


def test_one_call_gets_a_limited_number_of_pieces() -> None:
    queue = queue_of(*[b"x"] * MANY)
    assert len(front_pieces(queue)) == MAX_PIECES
    queue.sent(MAX_PIECES)
    assert queue.size == MANY - MAX_PIECES


def test_an_attachment_goes_alone() -> None:
    queue = queue_of(b"before")
    beside = attachment(b"<oneBLOB/>", 5, 6, held=1000)
    queue.push_attachment(beside)
    queue.push((b"after",), 5)
    assert queue.size == 6 + 10 + 1000 + 5
    assert front_pieces(queue) == [b"before"]
    queue.sent(6)
    assert queue.front() is beside
    assert beside.fds == [5, 6]
    queue.sent(10)
    assert (front_pieces(queue), queue.size) == ([b"after"], 5)


def test_descriptors_go_with_the_first_byte_and_the_rest_is_plain() -> None:
    queue = OutboundQueue()
    queue.push_attachment(attachment(b"abcdef", 5, held=1000))
    queue.push((b"after",), 5)
    queue.sent(1)
    assert queue.size == 5 + 5
    assert front_pieces(queue) == [b"bcdef", b"after"]
    queue.sent(7)
    assert (front_pieces(queue), queue.size) == ([b"ter"], 3)


def test_two_attachments_go_one_by_one() -> None:
    queue = OutboundQueue()
    both = [attachment(b"first", 5), attachment(b"second", 6)]
    for one in both:
        queue.push_attachment(one)
    fronts = []
    while queue:
        fronts.append(queue.front())
        queue.sent(fronts[-1].size if isinstance(fronts[-1], Attachment) else 0)
    assert fronts == both


def test_clear_forgets_everything() -> None:
    queue = queue_of(b"abc", b"def")
    queue.push_attachment(attachment(b"x", 5, held=10))
    queue.sent(1)
    queue.clear()
    assert not queue
    assert queue.size == 0
    queue.push((b"new",), 3)
    assert (front_pieces(queue), queue.size) == ([b"new"], 3)
