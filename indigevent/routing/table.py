"""The routing table: every peer, who owns which device, and the recipients of each message.

Recipients are found through indices by device and remembered per (sender, tag, device, name), so that a message that
came before costs one look-up. Any change of subscriptions, snoops, policies or owners forgets what was remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from indigevent.protocol.constants import BlobMode
from indigevent.protocol.message import Message
from indigevent.routing.access import EVERYTHING as UNRESTRICTED
from indigevent.routing.access import AccessRule
from indigevent.routing.interest import Scope
from indigevent.routing.peers import Client, Driver, Peer

Recipients = tuple[Peer, ...]
_P = TypeVar("_P", Client, Driver)
_Route = tuple[Peer | None, str, str, str]
# Names come from peers: a sender of ever new ones must not fill the memory.
_MAX_ROUTES = 16384
# Longer than what one of our servers still has to say of a lost device can take to come back through a ring of servers.
MOURNING_S = 10.0


class Conflict(NamedTuple):
    """Two owners of one device. A local `second` shares it; of a remote one, what it says of the device is dropped."""

    device: str
    first: Driver
    second: Driver


class RoutingTable:
    """Who is connected, and who gets what.

    `clock` gives the time in seconds, from any beginning.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lost: dict[str, tuple[str, float]] = {}
        self.clients: dict[Client, None] = {}
        self.drivers: dict[Driver, None] = {}
        self._everything: dict[Client, None] = {}
        self._subscribers: dict[str, dict[Client, None]] = {}
        self._owners: dict[str, dict[Driver, None]] = {}
        self._snoopers: dict[str, dict[Driver, None]] = {}
        self.conflicts: list[Conflict] = []
        self.postponed: list[tuple[Driver, str]] = []
        self.forbidden: list[tuple[Client, Message]] = []
        self._routes: dict[_Route, Recipients] = {}
        self._groups: dict[Recipients, Recipients] = {}

    # Peers

    def add_client(self, client: Client) -> None:
        """A client has connected; it is subscribed to nothing yet."""
        self.clients[client] = None
        self._forget_routes()

    def remove_client(self, client: Client) -> None:
        """A client is gone."""
        del self.clients[client]
        self._everything.pop(client, None)
        for device in {device for device, _ in client.interest.scopes}:
            _discard(self._subscribers, device, client)
        self._forget_routes()

    def add_driver(self, driver: Driver) -> None:
        """A driver has been started, or a remote connected; the device it is announced for counts as its own."""
        self.drivers[driver] = None
        if driver.announced and not self._refuses(driver, "def", driver.announced):
            self._own(driver, driver.announced)
        self._forget_routes()

    def remove_driver(self, driver: Driver) -> list[tuple[str, Recipients]]:
        """A driver is gone: the devices it owned, each with all who must hear that.

        Those are the clients subscribed to anything of the device, and the drivers that snoop on it.
        """
        del self.drivers[driver]
        for device in {device for device, _ in driver.snoops}:
            _discard(self._snoopers, device, driver)
        lost = []
        now = self._clock()
        self._lost = {device: loss for device, loss in self._lost.items() if now - loss[1] < MOURNING_S}
        for device in driver.devices:
            _discard(self._owners, device, driver)
            self._lost[device] = (driver.remote, now)
            lost.append((device, self._all_concerned(driver, device)))
        for other in self.drivers:
            other.refused.difference_update(driver.devices)
        self._forget_routes()
        return lost

    def is_subscribed(self, client: Client) -> bool:
        """Whether the client has asked for anything."""
        return client.interest.everything or bool(client.interest.scopes)

    # Messages

    def from_client(self, client: Client, message: Message) -> Recipients:
        """Take note of what a client's message says of its interest; the recipients of the message."""
        tag, device, name = message.tag, message.device, message.name
        if client.interest.learn(tag, device, name):
            self._index_interest(client, device)
        rule = client.interest.rule
        if rule is not UNRESTRICTED and not rule.passes(tag, device):
            self.forbidden.append((client, message))
            return ()
        route = (client if rule.devices or tag.startswith("new") else None, tag, device, name)
        known = self._routes.get(route)
        return self._remember(route, self._client_route(client, tag, device, name)) if known is None else known

    def mark_upstream(self, client: Client, is_in_ring: bool) -> None:
        """A client has shown that it is one of our servers, perhaps in a ring with this one."""
        interest = client.interest
        interest.is_upstream = interest.marks_requests = True
        interest.is_in_ring = interest.is_in_ring or is_in_ring
        self._forget_routes()

    def set_blob_mode(self, client: Client, device: str, name: str, mode: BlobMode) -> None:
        """A client's `enableBLOB`."""
        client.interest.blobs.set(device, name, mode)
        self._forget_routes()

    def from_driver(self, driver: Driver, message: Message) -> Recipients:
        """Note the owner of a new device; the recipients of a driver's message."""
        route = (driver, message.tag, message.device, message.name)
        known = self._routes.get(route)
        if known is not None:
            return known
        device = message.device
        if device and self._refuses(driver, message.tag, device):
            return ()
        if device and device not in driver.devices and (not driver.remote or _is_owners_word(message.tag)):
            self._own(driver, device)
            self._forget_routes()
        return self._remember(route, self._driver_route(driver, *route[1:]))

    def snoop(self, driver: Driver, device: str, name: str) -> Recipients:
        """A driver's `getProperties`: it listens to that scope from now on; who should hear of the request."""
        driver.snoops.setdefault((device, name), BlobMode.NEVER)
        self._snoopers.setdefault(device, {})[driver] = None
        self._forget_routes()
        interests = ((client, client.interest) for client in self.clients)
        upstream = [client for client, interest in interests if interest.is_upstream and interest.rule.shows(device)]
        owners = [other for other in self._responsible(device) if not driver.remote or other.remote != driver.remote]
        return (*upstream, *owners)

    def set_snoop_blob_mode(self, driver: Driver, device: str, name: str, mode: BlobMode) -> None:
        """A driver's `enableBLOB`: the policy of the snoop that covers the scope, if it has one (as the reference)."""
        for scope in ((device, name), (device, "")):
            if scope in driver.snoops:
                driver.snoops[scope] = mode
                self._forget_routes()
                return

    def take_conflicts(self) -> list[Conflict]:
        """The devices that turned out to have a second owner since the last call."""
        conflicts, self.conflicts = self.conflicts, []
        return conflicts

    def take_postponed(self) -> list[tuple[Driver, str]]:
        """What remotes said of these devices was refused because another had lost them; to be asked again later."""
        postponed, self.postponed = self.postponed, []
        return postponed

    def take_forbidden(self) -> list[tuple[Client, Message]]:
        """Messages of clients that went nowhere since the last call, because the clients' rules do not allow them."""
        forbidden, self.forbidden = self.forbidden, []
        return forbidden

    def wanted_blob_scopes(self) -> list[Scope]:
        """Every scope in which a client or a snooping driver wants BLOBs.

        In a ring of servers each would want them because the next one does, for ever: that want does not count.
        """
        interests = [client.interest for client in self.clients if not client.interest.is_in_ring]
        wanted = [
            scope for interest in interests for scope in interest.blobs.wanted_scopes() if interest.rule.shows(scope[0])
        ]
        for driver in self.drivers:
            wanted += [scope for scope, mode in driver.snoops.items() if mode is not BlobMode.NEVER]
        return list(dict.fromkeys(wanted))

    # Routes

    def _client_route(self, client: Client, tag: str, device: str, name: str) -> Iterable[Peer]:
        if tag.startswith("set"):
            yield from dict.fromkeys((*self._responsible(device), *self._snooping(None, tag, device, name)))
            return
        yield from self._responsible(device, client.interest.rule)
        if tag.startswith("new"):
            yield from (other for other in self._interested(tag, device, name) if other is not client)

    def _driver_route(self, driver: Driver, tag: str, device: str, name: str) -> Iterable[Peer]:
        interested = self._interested(tag, device, name)
        if driver.remote and device and (tag.startswith("new") or device not in driver.devices):
            # Nobody answers for this; in a ring of our servers it would come back here, and go round again.
            interested = [client for client in interested if not client.interest.marks_requests]
        yield from interested
        yield from self._snooping(driver, tag, device, name)

    def _responsible(self, device: str, rule: AccessRule = UNRESTRICTED) -> Iterable[Driver]:
        """The drivers that a command is for; without device all of them, but each remote server once.

        Whoever sees some devices only does not reach drivers that have nothing but others.
        """
        servers = set()
        for driver in self._owners.get(device, ()) if device and device != "*" else self.drivers:
            if rule.devices and driver.devices and not any(map(rule.shows, driver.devices)):
                continue
            if driver.remote and not device:
                if driver.remote in servers:
                    continue
                servers.add(driver.remote)
            yield driver

    def _interested(self, tag: str, device: str, name: str) -> list[Client]:
        candidates: Iterable[Client] = self.clients
        if device:
            candidates = {**self._everything, **self._subscribers.get(device, {})}
        found = [client for client in candidates if client.interest.wants(tag, device, name)]
        return sorted(found, key=lambda client: client.number)

    def _snooping(self, sender: Driver | None, tag: str, device: str, name: str) -> Iterable[Driver]:
        """The drivers that snoop on a property, the sender perhaps among them (reference behaviour).

        A remote server relays between its own devices itself.
        """
        server = sender.remote if sender is not None else ""
        for driver in self._snoopers.get(device, ()):
            if driver.snoops_on(tag, device, name) and not (server and driver.remote == server):
                yield driver

    def _all_concerned(self, lost: Driver, device: str) -> Recipients:
        candidates = {**self._everything, **self._subscribers.get(device, {})}
        clients = [client for client in candidates if client.interest.rule.shows(device)]
        snoopers = self._snoopers.get(device, ())
        elsewhere = (driver for driver in snoopers if not lost.remote or driver.remote != lost.remote)
        return (*sorted(clients, key=lambda client: client.number), *elsewhere)

    # Indices

    def _own(self, driver: Driver, device: str) -> None:
        owners = self._owners.setdefault(device, {})
        first = next(iter(owners), None)
        if first is not None:
            self.conflicts.append(Conflict(device, first, driver))
        driver.devices[device] = None
        owners[driver] = None

    def _refuses(self, driver: Driver, tag: str, device: str) -> bool:
        """Whether what a remote says of a device is to be dropped, because the device is, or just was, another's.

        So servers that are chained in a ring do not take each other's word for a device that one of them serves.
        """
        if not driver.remote:
            return False
        rival = self._rival(driver, device)
        if rival is not None:
            if device not in driver.refused:
                driver.refused.add(device)
                self.conflicts.append(Conflict(device, rival, driver))
            return True
        if device in driver.devices or device == driver.announced or not self._is_mourned(driver, device):
            return False
        if device not in driver.refused and _is_owners_word(tag):
            driver.refused.add(device)
            self.postponed.append((driver, device))
        return True

    def _is_mourned(self, driver: Driver, device: str) -> bool:
        """Whether somebody else has lost the device so recently that this may be an echo of it."""
        owner, when = self._lost.get(device, (driver.remote, 0.0))
        return owner != driver.remote and self._clock() - when < MOURNING_S

    def _rival(self, driver: Driver, device: str) -> Driver | None:
        """Who else owns a device of a remote: anybody who had it before, and any local driver at all."""
        owners = self._owners.get(device, {})
        first = next(iter(owners), driver)
        if first is not driver:
            return first
        return next((other for other in owners if not other.remote), None)

    def _index_interest(self, client: Client, device: str) -> None:
        if client.interest.everything:
            self._everything[client] = None
        if device and device != "*":
            self._subscribers.setdefault(device, {})[client] = None
        self._forget_routes()

    def _remember(self, route: _Route, recipients: Iterable[Peer]) -> Recipients:
        """Equal groups of recipients are one object, by which a run of messages to the same ones is recognised."""
        if len(self._routes) >= _MAX_ROUTES:
            self._forget_routes()
        found = tuple(recipients)
        group = self._groups.setdefault(found, found)
        self._routes[route] = group
        return group

    def _forget_routes(self) -> None:
        self._routes.clear()
        self._groups.clear()


def _is_owners_word(tag: str) -> bool:
    """Whether such a message shows that a remote has the device; news of its end or an echoed command do not."""
    return tag != "delProperty" and not tag.startswith("new")


def _discard(index: dict[str, dict[_P, None]], device: str, peer: _P) -> None:
    members = index.get(device)
    if members is not None:
        members.pop(peer, None)
        if not members:
            del index[device]
