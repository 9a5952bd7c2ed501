"""Turns on real sockets: who is written to at once, who waits, and what goes with one system call."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import gevent
import pytest

from indigevent.routing.peers import Client
from indigevent.server.greenlets import give_turn
from indigevent.server.link import Link
from indigevent.server.turns import FEW, Turns

DEADLINE_S = 30.0


class Reader:
    """A peer of the server, and the far end of its connection, which keeps packets apart."""

    def __init__(self, number: int) -> None:
        near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.far.setblocking(False)
        self.link = Link(near, f"client {number}")
        self.peer = Client(f"client {number}", number, self.link)

    def queue(self, data: bytes) -> None:
        """Something waits for it."""
        self.link.queue.push((data,), len(data))

    def packets(self) -> list[bytes]:
        """What each system call wrote since the last time."""
        packets = []
        with contextlib.suppress(BlockingIOError):
            while packet := self.far.recv(1000):
                packets.append(packet)
        return packets

    def close(self) -> None:
        self.link.close()
        self.far.close()


@pytest.fixture
def readers() -> Iterator[list[Reader]]:
    everybody = [Reader(number) for number in range(3 * FEW)]
    yield everybody
    for reader in everybody:
        reader.close()


def flush(turns: Turns, readers: list[Reader], data: bytes) -> None:
    """Something for each of them."""
    for reader in readers:
        reader.queue(data)
    turns.flush([reader.peer for reader in readers])


def finish(turns: Turns) -> None:
    """Until nobody waits."""
    with gevent.Timeout(DEADLINE_S):
        while turns.waiting:
            give_turn()


def test_a_few_are_served_at_once(readers: list[Reader]) -> None:
    turns = Turns()
    flush(turns, readers[:FEW], b"a")
    assert [reader.packets() for reader in readers[:FEW]] == [[b"a"]] * FEW
    assert not turns.waiting


def test_many_are_served_in_turn(readers: list[Reader]) -> None:
    turns = Turns()
    flush(turns, readers, b"a")
    assert [reader.packets() for reader in readers] == [[]] * len(readers)
    finish(turns)
    assert [reader.packets() for reader in readers] == [[b"a"]] * len(readers)


def test_others_have_a_turn_between_the_few(readers: list[Reader]) -> None:
    turns = Turns()
    arrivals: list[bool] = []
    here, there = socket.socketpair()
    with here, there:
        watcher = gevent.get_hub().loop.io(here.fileno(), 1)
        watcher.start(lambda: arrivals.append(bool(turns.waiting)))
        flush(turns, readers, b"a")
        there.send(b"x")
        finish(turns)
        watcher.close()
    assert arrivals[:1] == [True], "whoever had something to say was heard only after everybody was written to"


def test_what_comes_for_those_who_wait_goes_with_what_they_wait_for(readers: list[Reader]) -> None:
    turns = Turns()
    flush(turns, readers, b"a")
    flush(turns, readers, b"b")
    finish(turns)
    assert [reader.packets() for reader in readers] == [[b"ab"]] * len(readers)


def test_who_spoke_last_is_served_first(readers: list[Reader]) -> None:
    *others, asker = readers
    turns = Turns()
    turns.spoke(asker.peer)
    flush(turns, others, b"copy")
    flush(turns, readers, b"answer")
    assert asker.packets() == [b"answer"]
    finish(turns)
    assert [reader.packets() for reader in others] == [[b"copyanswer"]] * len(others)


def test_what_waits_for_a_speaker_is_not_overtaken(readers: list[Reader]) -> None:
    turns = Turns()
    flush(turns, readers, b"a")
    turns.spoke(readers[0].peer)
    flush(turns, readers[:1], b"b")
    assert readers[0].packets() == []
    finish(turns)
    assert readers[0].packets() == [b"ab"]


def test_only_the_last_speakers_are_served_first(readers: list[Reader]) -> None:
    turns = Turns()
    for reader in readers:
        turns.spoke(reader.peer)
    turns.gone(readers[-1].peer)
    flush(turns, readers, b"a")
    served = [number for number, reader in enumerate(readers) if reader.packets()]
    assert served == list(range(len(readers) - 16, len(readers) - 1))


def test_one_who_has_gone_does_not_keep_the_others_waiting(readers: list[Reader]) -> None:
    turns = Turns()
    for reader in readers:
        reader.queue(b"a")
    readers[-2].link.abort("it went")
    readers[FEW].link.close()
    turns.flush([reader.peer for reader in readers])
    finish(turns)
    assert readers[-1].packets() == [b"a"]


def test_when_its_greenlet_fails_those_who_wait_are_closed(
    readers: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("made to fail")

    turns = Turns()
    monkeypatch.setattr(readers[FEW].link, "flush", fail)
    flush(turns, readers, b"a")
    finish(turns)
    assert [reader.link.is_aborted for reader in readers[FEW + 1 :]] == [True] * (2 * FEW - 1)
    flush(turns, readers[:1], b"b")
    assert b"".join(readers[0].packets()) == b"ab"
