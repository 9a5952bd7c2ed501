"""The switchboard: takes what one read delivered, asks the routing table, fills queues, and flushes each once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

import gevent

from indigevent.logs import log, shown
from indigevent.protocol import requests
from indigevent.protocol.constants import BlobMode
from indigevent.protocol.message import BlobMessage, Message
from indigevent.routing.chaining import BlobDemand
from indigevent.routing.peers import Client, Driver, Peer
from indigevent.routing.table import MOURNING_S, Recipients, RoutingTable
from indigevent.server import blobs
from indigevent.server.blobs import BlobForms
from indigevent.server.clients.gate import Gate
from indigevent.server.delivery import Delivery, QueueLimits
from indigevent.server.greenlets import spawn
from indigevent.server.islog import IsLog
from indigevent.server.pings import PingDesk
from indigevent.server.turns import Turns

_BLOB_MODES = {mode.value: mode for mode in BlobMode}


class Switchboard:
    """Everything between a message's arrival and its bytes in the recipients' queues.

    Arguments:
        server_id: what marks this server's requests to other servers.
        limits: how far peers may be behind.
        islog: the log of drivers' messages, if one is kept.
    """

    def __init__(self, server_id: str, limits: QueueLimits, islog: IsLog | None) -> None:
        self.table = RoutingTable(time.monotonic)
        self._server_id = server_id
        self._limits = limits
        self._islog = islog
        self._turns = Turns()
        self._pings = PingDesk(limits, self._turns)
        self._gate = Gate(limits.counters)
        self._demands: dict[Driver, BlobDemand] = {}
        self._client_specials: dict[str, Callable[[Client, Message, Delivery], None]] = {
            "getProperties": self._client_asks,
            "enableBLOB": self._client_enables_blobs,
            "pingRequest": self._client_pings,
            "setBLOBVector": self._client_sends_blob,
            "newBLOBVector": self._client_sends_blob,
        }
        self._driver_specials: dict[str, Callable[[Driver, Message, Delivery], None]] = {
            "getProperties": self._driver_asks,
            "enableBLOB": self._driver_enables_blobs,
            "pingRequest": self._pings.answer,
            "setBLOBVector": self._driver_sends_blob,
            "newBLOBVector": self._driver_sends_blob,
        }

    def from_client(self, client: Client, messages: Sequence[Message]) -> None:
        """Route what a client sent."""
        self._turns.spoke(client)
        delivery = Delivery(self._limits, self._turns)
        for message in messages:
            log_arrival(client.label, message)
            special = self._client_specials.get(message.tag)
            if special is not None:
                delivery.close_run()
                self._explain_forbidden(delivery)  # a ping behind it is answered after it
                special(client, message, delivery)
            else:
                delivery.add(message, self.table.from_client(client, message))
        self._explain_forbidden(delivery)
        delivery.finish()

    def from_driver(self, driver: Driver, messages: Sequence[Message]) -> None:
        """Route what a driver or remote sent."""
        self._turns.spoke(driver)
        delivery = Delivery(self._limits, self._turns)
        devices = len(driver.devices)
        for message in messages:
            log_arrival(driver.label, message)
            if self._islog is not None:
                self._islog.note(message)
            special = self._driver_specials.get(message.tag)
            if special is None and not message.device:
                special = self._driver_addresses_all
            if special is not None:
                delivery.close_run()
                special(driver, message, delivery)
            else:
                delivery.add(message, self.table.from_driver(driver, message))
        if self.table.conflicts or self.table.postponed:
            self._report_refusals()
        if driver.remote and len(driver.devices) != devices:
            self._update_demands(delivery)
        delivery.finish()

    def _explain_forbidden(self, delivery: Delivery) -> None:
        if self.table.forbidden:
            self._gate.explain(self.table.take_forbidden(), delivery)

    def greet(self, driver: Driver) -> None:
        """The first message to a driver that was started, or to a remote that was reached."""
        delivery = Delivery(self._limits, self._turns)
        if driver.remote:
            delivery.push(driver, requests.get_properties(driver.announced, self._server_id, driver.compression_key))
            self._demands[driver] = BlobDemand(driver)
            self._update_demands(delivery)
        else:
            delivery.push(driver, requests.driver_greeting())
        self._report_refusals()
        delivery.finish()

    def announce(self, data: bytes) -> None:
        """Send a message of the server itself to every client that has asked for anything."""
        delivery = Delivery(self._limits, self._turns)
        for client in self.table.clients:
            if self.table.is_subscribed(client):
                delivery.push(client, data + b"\n")
        delivery.finish()

    def client_gone(self, client: Client) -> None:
        """A client has been closed."""
        self._turns.gone(client)
        self.table.remove_client(client)
        delivery = Delivery(self._limits, self._turns)
        self._update_demands(delivery)
        delivery.finish()

    def driver_gone(self, driver: Driver) -> None:
        """A driver has ended: whoever knew its devices is told."""
        self._turns.gone(driver)
        self._demands.pop(driver, None)
        delivery = Delivery(self._limits, self._turns)
        for device, concerned in self.table.remove_driver(driver):
            for peer in concerned:
                delivery.push(peer, requests.delete_device(device))
        self._update_demands(delivery)
        delivery.finish()

    # What clients send

    def _client_asks(self, client: Client, request: Message, delivery: Delivery) -> None:
        passed = requests.passed_servers(request)
        recipients = self.table.from_client(client, request)
        is_own = self._server_id in passed
        if passed:
            self.table.mark_upstream(client, is_in_ring=is_own)
        if is_own:
            self._update_demands(delivery)
            return
        self._forward_request(request, recipients, delivery)

    def _client_enables_blobs(self, client: Client, message: Message, delivery: Delivery) -> None:
        self.table.from_client(client, message)
        mode = _BLOB_MODES.get(message.text)
        if mode is not None:
            self.table.set_blob_mode(client, message.device, message.name, mode)
            self._update_demands(delivery)

    def _client_pings(self, client: Client, message: Message, delivery: Delivery) -> None:
        self.table.from_client(client, message)
        self._pings.answer(client, message, delivery)

    def _client_sends_blob(self, client: Client, message: Message, delivery: Delivery) -> None:
        self._send_blob(client, message, lambda: self.table.from_client(client, message), delivery)

    # What drivers send

    def _driver_asks(self, driver: Driver, request: Message, delivery: Delivery) -> None:
        if self._server_id in requests.passed_servers(request):
            return
        log.info("%s: snooping on %s.%s", driver.label, shown(request.device), shown(request.name))
        self._forward_request(request, self.table.snoop(driver, request.device, request.name), delivery)

    def _driver_enables_blobs(self, driver: Driver, message: Message, delivery: Delivery) -> None:
        mode = _BLOB_MODES.get(message.text)
        if mode is not None:
            self.table.set_snoop_blob_mode(driver, message.device, message.name, mode)
            self._update_demands(delivery)

    def _driver_sends_blob(self, driver: Driver, message: Message, delivery: Delivery) -> None:
        readers = self._send_blob(driver, message, lambda: self.table.from_driver(driver, message), delivery)
        self._pings.blob_sent(driver, readers)

    def _driver_addresses_all(self, driver: Driver, message: Message, delivery: Delivery) -> None:
        """A message without device: no owner keeps it from going round in a ring of servers, so it is marked there."""
        if self._server_id in requests.passed_servers(message):
            return
        for peer in self.table.from_driver(driver, message):
            if isinstance(peer, Client) and peer.interest.marks_requests:
                delivery.push(peer, requests.with_server(message, self._server_id))
            else:
                delivery.push(peer, requests.without_servers(message))

    # Common

    def _send_blob(
        self, sender: Peer, message: Message, route: Callable[[], Recipients], delivery: Delivery
    ) -> Recipients:
        """Queue a BLOB in the form that each recipient takes; making one gives others a turn, so routes may change."""
        assert isinstance(message, BlobMessage)
        trouble = blobs.trouble(message)
        if trouble:
            self._limits.counters.closed["blob"] += 1
            sender.outlet.abort(trouble)
            return ()
        forms = BlobForms(message)
        recipients = route()
        while forms.lacks_for(takers := delivery.takers_of_blob(message, recipients)):
            delivery.flush()
            forms.prepare(takers)
            recipients = route()
        self._limits.counters.dropped_frames += len(recipients) - len(takers)
        for peer in takers:
            delivery.push_blob(peer, forms)
        if forms.is_short:
            self._limits.counters.closed["blob"] += 1
            sender.outlet.abort("its attached BLOB is shorter than it said")
        return recipients

    def _forward_request(self, request: Message, recipients: Recipients, delivery: Delivery) -> None:
        """A `getProperties`: marked for remotes and for upstream servers that mark theirs, plain for others."""
        for peer in recipients:
            if peer.interest.marks_requests if isinstance(peer, Client) else isinstance(peer, Driver) and peer.remote:
                delivery.push(peer, requests.with_server(request, self._server_id))
            else:
                delivery.push(peer, requests.without_servers(request))

    def _report_refusals(self) -> None:
        for conflict in self.table.take_conflicts():
            fate = "what it says of it is dropped" if conflict.second.remote else "both get commands for it"
            first, second = conflict.first.label.replace("Driver", "driver", 1), conflict.second.label
            log.warning("%s: device %s is %s's already; %s", second, shown(conflict.device), first, fate)
        for remote, device in self.table.take_postponed():
            name = shown(device)
            log.warning("%s: device %s was another's until just now; it is asked for it later", remote.label, name)
            spawn(
                f"asking {remote.label} for {device}",
                self._ask_later,
                remote,
                device,
                on_failure=partial(_end_link_of, remote),
            )

    def _ask_later(self, remote: Driver, device: str) -> None:
        """Ask a remote for a device when what it says of it cannot be an echo any more."""
        gevent.sleep(MOURNING_S)
        if remote in self.table.drivers:
            delivery = Delivery(self._limits, self._turns)
            delivery.push(remote, requests.get_properties(device, self._server_id))
            delivery.finish()

    def _update_demands(self, delivery: Delivery) -> None:
        """Ask remotes for the BLOBs that somebody here wants, and for no others."""
        if not self._demands:
            return
        wanted = self.table.wanted_blob_scopes()
        for remote, demand in self._demands.items():
            for device, name, mode in demand.changes(wanted):
                delivery.push(remote, requests.enable_blob(device, name, mode.value))


def _end_link_of(peer: Peer, error: BaseException) -> None:
    peer.outlet.abort(f"it could not be asked again: {error}")


def log_arrival(label: str, message: Message) -> None:
    """The reference's line at -vv; at -vvv links log the whole of it."""
    if log.level == logging.DEBUG:
        tag, device, name = map(shown, (message.tag, message.device, message.name))
        log.debug("%s: read <%s device='%s' name='%s'>", label, tag, device, name)
