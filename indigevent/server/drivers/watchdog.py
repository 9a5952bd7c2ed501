"""The watchdog: finds drivers that hang, by what they do not read and what they do not answer.

A driver of ours answers `pingRequest`. Those of libindi do not, and log each one; they are asked for a property that
they have defined instead, and the definitions that come as an answer are kept from the clients.
"""

from __future__ import annotations

import fcntl
import re
import socket
import termios
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

import gevent

from indigevent import fdpass
from indigevent.protocol import requests
from indigevent.protocol.constants import PROTOCOL_VERSION
from indigevent.protocol.message import Message
from indigevent.routing.outbound import OutboundQueue
from indigevent.server.counters import Histogram
from indigevent.server.delivery import QueueLimits
from indigevent.server.greenlets import give_turn, spawn
from indigevent.server.link import Link

_PING = "indigevent/watchdog/"
_REQUEST = b"<getProperties"
# The definitions that answer one request come within this time after the first of them.
_ANSWER_S = 1.0
# A timer may be early by less than this.
_LEAST_WAIT_S = 0.01
# What may be different each time that a driver defines the same property: all clients know it from elsewhere.
_CHANGING = re.compile(rb""">[^<]*<|\s(?:timestamp|state|message)\s*=\s*(?:"[^"]*"|'[^']*')""")


class DriverLink(Link):
    """A local driver's link: it knows when something came last, and what came may be kept from going further."""

    def __init__(self, sock: socket.socket, label: str, is_traced: bool) -> None:
        super().__init__(sock, label, takes_fds=True, is_traced=is_traced)
        self.heard_s = time.monotonic()
        self.screen: Callable[[list[Message]], list[Message]] | None = None

    def has_unread(self) -> bool:
        """Whether the driver has left something of what was sent to it unread."""
        unread = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, bytes(4))
        return bool(self.queue) or any(unread)

    def _framed(self, data: bytes, handles: Sequence[fdpass.BlobHandle] = ()) -> list[Message]:
        """As every link's, without what the screen keeps back."""
        messages = super()._framed(data, handles)
        self.heard_s = time.monotonic()
        return messages if self.screen is None else self.screen(messages)


class Question(Protocol):
    """Something that a driver answers unless it hangs."""

    def ask(self) -> None:
        """Send it."""

    def needs_answer(self) -> bool:
        """Whether a driver that has not answered hangs."""


class Ping:
    """Asks by `pingRequest`; how long the answers take goes into `seconds`."""

    def __init__(self, link: DriverLink, seconds: Histogram) -> None:
        self._link = link
        self._seconds = seconds
        self._numbers = count(1)
        self._asked_s: dict[str, float] = {}
        link.screen = self._without_replies

    def ask(self) -> None:
        """Send a ping with a number of its own."""
        uid = f"{_PING}{next(self._numbers)}"
        self._asked_s = {uid: time.monotonic()}
        _send(self._link, requests.empty_element("pingRequest", {"uid": uid}))

    def needs_answer(self) -> bool:
        """Every driver that is pinged answers."""
        return True

    def _without_replies(self, messages: list[Message]) -> list[Message]:
        return [one for one in messages if one.tag != "pingReply" or not self._is_answer(one)]

    def _is_answer(self, reply: Message) -> bool:
        uid = reply.attributes.get("uid", "")
        asked_s = self._asked_s.pop(uid, None)
        if asked_s is not None:
            self._seconds.observe(time.monotonic() - asked_s)
        return uid.startswith(_PING)


class _ObservedQueue(OutboundQueue):
    """A queue that counts the requests of others: the switchboard queues each of them as one piece."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def push_piece(self, data: bytes, size: int) -> None:
        if data.startswith(_REQUEST):
            self.requests += 1
        super().push_piece(data, size)


class DefinitionRequest:
    """Asks by `getProperties` for the first property that the driver has defined.

    libindi answers with all properties of the device, and to whoever else has asked with the same again. Only what
    tells nobody anything is kept back: a definition that came before, when nobody else waits for one.
    """

    def __init__(self, link: DriverLink) -> None:
        self._link = link
        self._queue = link.queue = _ObservedQueue()
        self._known: dict[tuple[str, str], int] = {}
        self._answered_requests = 0
        self._is_asking = False
        self._answer_ends_s: float | None = None
        link.screen = self._without_answers

    def ask(self) -> None:
        """Send the request; for everything when the driver has defined nothing yet."""
        device, name = next(iter(self._known), ("", ""))
        self._is_asking = bool(device) and self._answered_requests == self._queue.requests
        self._answer_ends_s = None
        scope = {"device": device, "name": name} if device else {}
        _send(self._link, requests.empty_element("getProperties", {"version": PROTOCOL_VERSION, **scope}))

    def needs_answer(self) -> bool:
        """Who has defined nothing, as without its camera, has nothing to answer with; but it reads what it is asked."""
        return bool(self._known) or self._link.has_unread()

    def _without_answers(self, messages: list[Message]) -> list[Message]:
        if self._is_asking and self._answered_requests != self._queue.requests:
            self._is_asking = False
        return [message for message in messages if not self._is_answer(message)]

    def _is_answer(self, message: Message) -> bool:
        """Learn from a message what the driver has; returns whether it is for the watchdog alone."""
        if message.tag == "delProperty":
            self._forget(message.device, message.name)
        if not message.tag.startswith("def"):
            return False
        self._answered_requests = self._queue.requests
        scope, shape = (message.device, message.name), hash(_CHANGING.sub(b"><", message.data))
        is_known = self._known.get(scope) == shape
        self._known[scope] = shape
        return is_known and self._is_asking and self._is_in_time()

    def _is_in_time(self) -> bool:
        now_s = time.monotonic()
        if self._answer_ends_s is None:
            self._answer_ends_s = now_s + _ANSWER_S
        self._is_asking = now_s <= self._answer_ends_s
        return self._is_asking

    def _forget(self, device: str, name: str) -> None:
        gone = [scope for scope in self._known if scope[0] == device and name in ("", scope[1])]
        for scope in gone:
            del self._known[scope]


class Watchdog:
    """Asks a driver that has been silent for half of `timeout_s`, and calls `on_hung` after the other half.

    Anything that the driver sends is a sign of life. `run` is the body of a greenlet.
    """

    def __init__(self, link: DriverLink, question: Question, timeout_s: float, on_hung: Callable[[], None]) -> None:
        self._link = link
        self._question = question
        self._half_s = timeout_s / 2
        self._on_hung = on_hung

    def run(self) -> None:
        """Watch until the driver hangs."""
        while True:
            self._wait_for_silence()
            asked_s = time.monotonic()
            self._question.ask()
            gevent.sleep(self._half_s)
            give_turn()  # when the server itself was held up, the answer is still to be read
            if self._link.heard_s < asked_s and self._question.needs_answer():
                self._on_hung()
                return

    def _wait_for_silence(self) -> None:
        """Wait until nothing has come for half of the timeout."""
        while (left_s := self._link.heard_s + self._half_s - time.monotonic()) > 0:
            gevent.sleep(max(left_s, _LEAST_WAIT_S))


class StallWatch:
    """Calls `on_stalled(timeout_s)` when a driver has read nothing for so long, and more waits than `-m` allows."""

    def __init__(self, link: Link, limits: QueueLimits, timeout_s: float, on_stalled: Callable[[float], None]) -> None:
        self._link = link
        self._limits = limits
        self._timeout_s = timeout_s
        self._on_stalled = on_stalled
        self._greenlet: gevent.Greenlet | None = None

    def begin(self) -> None:
        """Something for the driver was dropped: watch whether it reads."""
        if self._greenlet is None and not self._link.is_ended:
            name = f"stall of {self._link.label}"
            self._greenlet = spawn(name, self._watch, on_failure=lambda error: self._link.abort(str(error)))

    def end(self) -> None:
        """The driver is being ended: watch no more."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _watch(self) -> None:
        link = self._link
        while not link.is_ended and link.queue.behind > self._limits.max_queue_bytes:
            if not self._reads():
                self._on_stalled(self._timeout_s)
                return
        self._greenlet = None

    def _reads(self) -> bool:
        """Whether the driver has taken something before the timeout."""
        link, sent_bytes = self._link, self._link.sent_bytes
        end_s = time.monotonic() + self._timeout_s
        while (left_s := end_s - time.monotonic()) > 0:
            link.progress.clear()
            link.progress.wait(left_s)
            if link.is_ended or link.sent_bytes != sent_bytes:
                return True
        give_turn()  # when the server itself was held up, what the driver has made room for is still to be sent
        return link.is_ended or link.sent_bytes != sent_bytes


def _send(link: Link, data: bytes) -> None:
    link.sent_messages += 1
    link.deliver(data, len(data))
