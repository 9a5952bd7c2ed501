"""Many clients at once: each gets everything, in order, whoever else is served before it."""

from __future__ import annotations

import re

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, command, define, update

CLIENTS = 60
_VALUE = re.compile(rb"<setNumberVector[^>]*><oneNumber name='x'>(\d+)<")


def test_every_client_gets_every_message_in_order_while_one_of_them_commands(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.send(define("A"))
    clients = [lab.client(server, f"client {number}", EVERYTHING) for number in range(CLIENTS)]
    for client in clients:
        client.ping()
    commander = clients[-1]
    for number in range(100):
        alpha.send(update("A", value=2 * number))
        commander.send(command("A", value=number))
        alpha.expect("newNumberVector", device="A")
        alpha.send(update("A", value=2 * number + 1))
    for client in clients:
        client.expect_count(200, "setNumberVector")
        values = [int(value) for value in _VALUE.findall(client.received)]
        assert values == list(range(200)), client.name
    for client in clients[:-1]:
        client.expect_count(100, "newNumberVector")
    assert not commander.has("newNumberVector")
