"""What clients try that their access rules do not allow: counted, logged once, and told to those who may know."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

from indigevent.logs import shown
from indigevent.protocol.message import Message
from indigevent.routing.peers import Client
from indigevent.server.clients.lines import Lines
from indigevent.server.clients.notices import notice
from indigevent.server.counters import Counters
from indigevent.server.delivery import Delivery

# Names come from the client; after so many it knows.
_MAX_TOLD = 1000


@dataclass
class _Told:
    """What one client has been told of (hashes: names may be long), and whether the log has."""

    scopes: set[int] = field(default_factory=set)
    is_logged: bool = False


class Gate:
    """Explains what the routing table did not let pass; `counters` has a number for each rule."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._lines = Lines()
        self._told: weakref.WeakKeyDictionary[Client, _Told] = weakref.WeakKeyDictionary()

    def explain(self, forbidden: Sequence[tuple[Client, Message]], delivery: Delivery) -> None:
        """Take note of messages that went nowhere.

        A client hears once for each property that it wanted to set and may only watch. Of a device that it may not
        know of it hears nothing, as if there were none.
        """
        for client, message in forbidden:
            told = self._told.setdefault(client, _Told())
            self._note(client, message, told)
            scope = hash((message.device, message.name))
            rule = client.interest.rule
            may_know = message.tag.startswith("new") and rule.read_only and rule.shows(message.device)
            if may_know and scope not in told.scopes and len(told.scopes) < _MAX_TOLD:
                told.scopes.add(scope)
                delivery.push(client, notice(_sentence(message), message.device))

    def _note(self, client: Client, message: Message, told: _Told) -> None:
        name = client.interest.rule.name
        self._counters.not_allowed[name] += 1
        if not told.is_logged:
            told.is_logged = True
            what = f"{shown(message.tag)} for {shown(message.device) or 'every device'}"
            form = "%s: the access rule %r does not allow %s (more is only counted)"
            self._lines.warn(f"Clients of the access rule {name!r}", form, client.label, name, what)


def _sentence(message: Message) -> str:
    return f"{message.name or 'This'} was not changed: the server lets this connection only watch."
