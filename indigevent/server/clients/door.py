"""The door: who is let in, decided before anything is spent on a connection, and what those hear who are not."""

from __future__ import annotations

import contextlib
import pwd
import socket
import struct
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from indigevent.logs import log
from indigevent.routing.access import AccessRule, Network, Visitor, is_within, rule_for
from indigevent.server.clients.notices import notice
from indigevent.server.counters import Counters

_QUIET_S = 60.0
_MAX_REMEMBERED = 1000
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class ClientPolicy:
    """Who may come in, and how clients have to behave; 0 and empty are no limit (see the options of these names)."""

    allow: tuple[Network, ...] = ()
    local_uids: tuple[int, ...] = ()
    rules: tuple[AccessRule, ...] = ()
    max_clients: int = 0
    max_per_address: int = 0
    message_timeout_s: float = 60.0
    max_rate: int = 0


class Refusal(NamedTuple):
    """Why a client is turned away: a short word to count by, a clause, and whether that changes when others leave."""

    word: str
    reason: str
    is_for_now: bool = False


@dataclass
class _Line:
    """When a refusal was logged, and how many were not since."""

    logged: float
    silent: int = 0


class Door:
    """Decides by the policy, and sees to refusals.

    Arguments:
        policy: it may be replaced; then it holds for newcomers.
        counters: refusals are counted there.
    """

    def __init__(self, policy: ClientPolicy, counters: Counters) -> None:
        self.policy = policy
        self._counters = counters
        self._lines: dict[tuple[str, str], _Line] = {}

    def refusal(self, visitor: Visitor, clients: int, of_address: int) -> Refusal | None:
        """Why a newcomer is not let in, None when it is.

        Arguments:
            visitor: what is known of it.
            clients: how many clients there are.
            of_address: how many of them have its IP address.
        """
        policy = self.policy
        if visitor.address and policy.allow and not is_within(visitor.address, policy.allow):
            return Refusal("network", f"the address {visitor.address} is not in the networks of --allow")
        if not visitor.address and policy.local_uids and visitor.uid not in policy.local_uids:
            return Refusal("local-uids", f"user {user_name(visitor.uid)} is not among those of --local-uids")
        if 0 < policy.max_clients <= clients:
            several = f"there are {clients} clients"
            return Refusal("max-clients", f"{several}, as many as --max-clients lets in", is_for_now=True)
        if visitor.address and 0 < policy.max_per_address <= of_address:
            several = f"there are {of_address} clients from {visitor.address}"
            return Refusal("max-per-address", f"{several}, as many as --max-per-address lets in", is_for_now=True)
        rule = rule_for(visitor, policy.rules)
        return denial(rule) if rule is not None and rule.deny else None

    def turn_away(self, sock: socket.socket, origin: str, visitor: Visitor, refusal: Refusal) -> None:
        """Close a newcomer's socket; over a plain connection it hears why, without anybody waiting for it."""
        self.note(origin, visitor, refusal)
        if visitor.certificate is not None:
            with contextlib.suppress(OSError):
                sock.send(notice(f"This server turns you away: {refusal.reason}."), socket.MSG_DONTWAIT)
                sock.shutdown(socket.SHUT_WR)
                # What stays unread would make the kernel reset the connection, which may cost the peer the message.
                sock.recv(4096, socket.MSG_DONTWAIT)
        sock.close()

    def note(self, origin: str, visitor: Visitor, refusal: Refusal) -> None:
        """Count a refusal, and log it: once a minute for each address and reason, with the number of those between."""
        self._counters.refused[refusal.word] += 1
        now = time.monotonic()
        who = visitor.address or f"uid {visitor.uid}"
        line = self._line(who, refusal, now)
        if now - line.logged < _QUIET_S:
            line.silent += 1
            return
        more = f" (and {line.silent} more times since it was last logged)" if line.silent else ""
        line.logged, line.silent = now, 0
        log.warning("A client from %s is turned away: %s%s", origin, refusal.reason, more)

    def _line(self, who: str, refusal: Refusal, now: float) -> _Line:
        """What is remembered of these refusals; when there are too many to remember, of all others together."""
        key = (who, refusal.reason)
        if key not in self._lines and len(self._lines) >= _MAX_REMEMBERED:
            self._lines = {known: line for known, line in self._lines.items() if now - line.logged < _QUIET_S}
            if len(self._lines) >= _MAX_REMEMBERED:
                key = ("others", refusal.word)
        return self._lines.setdefault(key, _Line(-_QUIET_S))


def denial(rule: AccessRule) -> Refusal:
    """The refusal by a rule that denies."""
    return Refusal("access", f"the access rule {rule.name!r} denies it")


def credentials(sock: socket.socket) -> tuple[int, int, int] | None:
    """The pid, uid and gid of a local socket's other end, where the system tells (SO_PEERCRED, Linux)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    pid, uid, gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid, gid


@lru_cache(maxsize=256)
def user_name(uid: int | None) -> str:
    """The name of a user of this machine, or the number when it has none; None is one that the system does not tell."""
    if uid is None:
        return "unknown"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
