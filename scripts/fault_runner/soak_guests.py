"""Guests of a soak: clients that come, watch one device and leave, each compared with the tap, which sees everything.

All messages of a device that come between a guest's subscription and its last ping are due to it. The tap's list of
that device must contain the guest's list in one piece: it must begin no later than where the tap was when the guest's
first ping was answered, and end no earlier than where the tap was when the guest sent its last one.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import selectors
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

_HEAD = re.compile(rb"\s*<(\w+)")
_EMPTY = re.compile(rb"""(?:[^<>"']|"[^"]*"|'[^']*')*/>""")
_DEVICE = re.compile(rb"""\bdevice=(?:"([^"]*)"|'([^']*)')""")
_UID = re.compile(rb"""\buid=(?:"([^"]*)"|'([^']*)')""")
_RESET = struct.pack("ii", 1, 0)
_uids = count(1)
_MAX_LIFE_S = 8.0
_ANSWER_S = 30.0


class Visitor:
    """A client's connection in the crowd: what it said, and the messages that came, by device."""

    def __init__(self, crowd: Crowd, device: str, local: bool, takes_blobs: bool) -> None:
        self.crowd, self.device, self.local = crowd, device, local
        self.seen: defaultdict[str, list[int]] = defaultdict(list)
        self.is_open = True
        self._rest = b""
        self._answers: dict[bytes, Callable[[], None]] = {}
        self.sock = crowd.connect(local)
        self.sock.setblocking(False)
        crowd.selector.register(self.sock, selectors.EVENT_READ, self)
        scope = f" device='{device}'" if device else ""
        self.say(f"<getProperties version='1.7'{scope}/>")
        if takes_blobs:
            self.say(f"<enableBLOB{scope}>Also</enableBLOB>")

    def say(self, text: str) -> None:
        """Send this; what is said is so short that it always goes."""
        with contextlib.suppress(OSError):
            self.sock.send(text.encode())

    def ping(self, on_answer: Callable[[], None]) -> None:
        """Call this when all that was said and all that was due until now has come."""
        uid = f"soak-{next(_uids)}"
        self._answers[uid.encode()] = on_answer
        self.say(f"<pingRequest uid='{uid}'/>")

    def read(self) -> None:
        """Take what there is."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(1 << 18, socket.CMSG_SPACE(64 * 4), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        for _, _, content in ancillary:
            for fd in memoryview(content).cast("i").tolist():
                os.close(fd)
        if not data:
            self.close()
            self.crowd.hung_up(self)
            return
        self._rest += data
        if b">" in data:
            self._cut()

    def close(self, rudely: bool = False) -> None:
        """Leave."""
        if self.is_open:
            self.is_open = False
            if rudely and not self.local:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with contextlib.suppress(KeyError):
                self.crowd.selector.unregister(self.sock)
            self.sock.close()

    def _cut(self) -> None:
        """Take the complete elements: vectors have an end tag here, and everything else is empty."""
        rest, end = self._rest, 0
        while head := _HEAD.match(rest, end):
            if head[1].endswith(b"Vector"):
                tag = b"</%b>" % head[1]
                next_end = rest.find(tag, head.end()) + len(tag)
                if next_end < len(tag):
                    break
            else:
                empty = _EMPTY.match(rest, head.end())
                if empty is None:
                    break
                next_end = empty.end()
            self._take(rest[head.start(1) - 1 : next_end])
            end = next_end
        self._rest = rest[end:]

    def _take(self, data: bytes) -> None:
        if data.startswith(b"<pingReply"):
            uid = _UID.search(data)
            answer = self._answers.pop(uid[1] or uid[2], None) if uid else None
            if answer is not None:
                answer()
        elif not data.startswith(b"<setBLOBVector"):  # which comes in another form over the local socket
            device = _DEVICE.search(data)
            if device:
                self.seen[(device[1] or device[2] or b"").decode()].append(hash(data))


@dataclass
class Guest:
    """One visit: who, and where the tap was at its first answer and at its last question."""

    visitor: Visitor
    leaves_at: float
    pauses_until: float = 0.0
    began_at_most: int | None = None
    ends_at_least: int | None = None
    asked_at: float = 0.0

    def fault(self, everything: list[int]) -> str:
        """What is wrong with what it saw; "" when nothing is."""
        mine = self.visitor.seen[self.visitor.device]
        assert self.began_at_most is not None and self.ends_at_least is not None
        first = max(0, self.ends_at_least - len(mine))
        if any(everything[start : start + len(mine)] == mine for start in range(first, self.began_at_most + 1)):
            return ""
        due = everything[self.began_at_most : self.ends_at_least]
        missing = len(due) - sum(one in set(mine) for one in due)
        return (
            f"{self.visitor.device}: saw {len(mine)} messages, due were at least {len(due)}, {missing} of them missing"
        )


@dataclass
class Crowd:
    """The tap and the guests; `step` lets things happen for a moment.

    Arguments:
        connect: makes a TCP or a local connection to the server.
        devices: what guests may watch.
        size: how many guests are there at a time.
    """

    connect: Callable[[bool], socket.socket]
    devices: list[str]
    size: int
    dice: random.Random
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    guests: list[Guest] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    visits: int = 0
    compared: int = 0
    messages: int = 0

    def __post_init__(self) -> None:
        self.tap = Visitor(self, "", local=False, takes_blobs=True)
        self.commander = Visitor(self, "Nothing", local=False, takes_blobs=False)

    def step(self, with_newcomers: bool, pause_s: float = 0.02) -> None:
        """Read what came, let guests come, pause and leave."""
        for key, _ in self.selector.select(pause_s):
            if isinstance(key.data, Visitor):
                key.data.read()
        now = time.monotonic()
        for guest in list(self.guests):
            self._look_after(guest, now)
        while with_newcomers and len(self.guests) < self.size:
            self._invite(now)

    def hung_up(self, visitor: Visitor) -> None:
        """The server has closed a connection: nobody here gives it a reason."""
        self.faults.append(f"a client of {visitor.device or 'everything'} was closed by the server")
        self.guests = [one for one in self.guests if one.visitor is not visitor]

    def dismiss(self) -> None:
        """Have everybody leave, in order."""
        for guest in self.guests:
            guest.leaves_at = 0.0
            guest.pauses_until = min(guest.pauses_until, time.monotonic())
        until = time.monotonic() + _ANSWER_S
        while self.guests and time.monotonic() < until:
            self.step(with_newcomers=False)
        self.faults += [f"a client of {one.visitor.device} had no answer to its ping" for one in self.guests]

    def close(self) -> None:
        """Close every connection."""
        for visitor in [self.tap, self.commander, *(guest.visitor for guest in self.guests)]:
            visitor.close()
        self.selector.close()

    def _invite(self, now: float) -> None:
        dice = self.dice
        device = dice.choice(self.devices)
        visitor = Visitor(self, device, local=dice.random() < 0.4, takes_blobs=dice.random() < 0.2)
        guest = Guest(visitor, now + dice.uniform(1.0, _MAX_LIFE_S))
        self.guests.append(guest)
        self.visits += 1
        visitor.ping(lambda: self.tap.ping(lambda: self._has_begun(guest)))

    def _has_begun(self, guest: Guest) -> None:
        guest.began_at_most = len(self.tap.seen[guest.visitor.device])

    def _look_after(self, guest: Guest, now: float) -> None:
        visitor = guest.visitor
        if guest.asked_at:
            return
        if guest.pauses_until:
            if now > guest.pauses_until:
                guest.pauses_until = 0.0
                self.selector.register(visitor.sock, selectors.EVENT_READ, visitor)
        elif guest.began_at_most is not None and now > guest.leaves_at:
            self._see_off(guest, now)
        elif guest.began_at_most is not None and self.dice.random() < 0.002:
            guest.pauses_until = now + self.dice.uniform(0.5, 2.0)
            self.selector.unregister(visitor.sock)

    def _see_off(self, guest: Guest, now: float) -> None:
        if self.dice.random() < 0.1:
            guest.visitor.close(rudely=True)
            self.guests.remove(guest)
            return
        guest.asked_at = now
        guest.ends_at_least = len(self.tap.seen[guest.visitor.device])
        guest.visitor.ping(lambda: self._has_ended(guest))

    def _has_ended(self, guest: Guest) -> None:
        """The guest has all that was due; the tap may still be behind."""
        guest.visitor.close()
        self.guests.remove(guest)
        self.tap.ping(lambda: self._compare(guest))

    def _compare(self, guest: Guest) -> None:
        self.compared += 1
        self.messages += len(guest.visitor.seen[guest.visitor.device])
        fault = guest.fault(self.tap.seen[guest.visitor.device])
        if fault:
            self.faults.append(fault)
