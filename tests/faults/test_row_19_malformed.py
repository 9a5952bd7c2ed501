"""Row 19: whatever a peer sends, the second good message after it arrives, and what others get can be parsed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.lab.lab import Lab
from tests.lab.party import Party
from tests.lab.vocabulary import EVERYTHING, command, update
from tests.system.robustness import ends_well
from tests.wire.corpus import cases

from .parties import one_driver, served

ROUNDS = 300
Inputs = Callable[[], list[bytes]]
FRAGMENTS = [
    *b"< > /> </ <!-- --> <![CDATA[ ]]> <? ?> <!DOCTYPE [ ]> ' \" & &amp; &#0; &x; = - \0 \x01 \x1b \xb0 \xc3".split(),
    *(b"<message device='X' message='", b"<newTextVector device='X' name='T'>", b"<oneText name='t'>", b"</oneText>"),
    *(b"</newTextVector>", b"<setNumberVector device='X'", b"<a><b><c>", b"</a>", b" state='Ok'", b"text \n\t"),
]


def corpus() -> list[bytes]:
    """The wire corpus, without the cases that need descriptors."""
    return [case.data for folder in ("valid", "invalid") for case in cases(folder) if not case.fds]


def junk() -> list[bytes]:
    """Fragments in random order, the same ones at each run."""
    dice = random.Random(19)
    return [b"".join(dice.choices(FRAGMENTS, k=dice.randint(1, 12))) for _ in range(ROUNDS)]


INPUTS = pytest.mark.parametrize("inputs", [corpus, junk])


def say(party: Party, received: Callable[[], bytearray], data: bytes, form: Callable[..., str], number: int) -> None:
    """Send this and two good messages; wait until the second has arrived, or the server has hung up."""
    arrived = f">{50_000 + number}<".encode()
    device = "B" if form is update else "A"
    try:
        party.write(data)
        party.send(form(device, "P", 10_000 + number), form(device, "P", 50_000 + number))
    except OSError:
        party.expect_closed()
    party.pump.wait(lambda: arrived in received() or party.closed, f"the second message after {data!r} arrives")


@INPUTS
def test_row_19_after_malformed_input_of_a_driver_the_second_message_arrives(lab: Lab, inputs: Inputs) -> None:
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, "-r", 1000, "--restart-delay", 0, beta)
    client = lab.client(server, "client", EVERYTHING)
    for number, data in enumerate(inputs()):
        before = len(beta.incarnations)
        say(beta.latest, lambda: client.received, data, update, number)
        if beta.latest.closed:  # a BLOB that lies about its descriptor costs a restart, now or a moment later
            beta.incarnation(before + 1)
    assert not any(message.tag == "#malformed" for message in client.inbox)
    assert served(client, alpha)
    ends_well(server)


@INPUTS
def test_row_19_after_malformed_input_of_a_client_the_second_message_arrives(lab: Lab, inputs: Inputs) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    for number, data in enumerate(inputs()):
        babbler = server.client(f"babbler {number}")
        lab.clients.append(babbler)
        say(babbler, lambda: alpha.latest.received, data, command, number)
        assert not babbler.closed or b"oneBLOB" in data
        babbler.close()
    assert not any(message.tag == "#malformed" for party in (client, alpha.latest) for message in party.inbox)
    assert served(client, alpha)
    ends_well(server)
