"""Row 9: a BLOB whose attributes lie costs that element or its sender, and nobody else notices."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab.lab import Lab
from tests.lab.party import Party
from tests.lab.vocabulary import EVERYTHING, blob_vector, define, enable_blob
from tests.system.robustness import ends_well

from .parties import one_driver, served

HOSTILE = (
    "size='abc'",
    "size='99999999999999999999'",
    "size='-1'",
    "size=''",
    "",
    "size='5' enclen='-8'",
    "size='5' enclen='abc'",
    "size='5' enclen='99999999999999999999'",
    "size='1000000000'",
)


def say(party: Party, tag: str) -> None:
    """Send a BLOB with each of these attributes, inline and attached; stop when the server hangs up."""
    for attributes in HOSTILE:
        for form, payloads in (("/>", [b"hello"]), (">aGVsbG8=</oneBLOB>", [])):
            attached = "attached='true'" if payloads else ""
            blob = f"<oneBLOB name='b' {attributes} {attached} format='.x'{form}"
            with contextlib.suppress(OSError):
                party.send_attached(blob_vector(tag, "B", "B", blob), *payloads)
                party.ping()


@pytest.mark.parametrize("sender", ["driver", "tcp client", "local client"])
def test_row_09_hostile_blobs_cost_nobody_but_their_sender(lab: Lab, sender: str) -> None:
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, "-r", 100, beta)
    beta.send(define("B"))
    client = lab.client(server, "client", EVERYTHING, enable_blob("Also"))
    local = lab.local_client(server, "local", EVERYTHING, enable_blob("Also"))
    for _ in HOSTILE:
        culprit: Party = beta.latest
        if sender != "driver":
            connect = server.local_client if sender == "local client" else server.client
            lab.clients.append(connect("culprit"))
            culprit = lab.clients[-1]
        say(culprit, "set" if sender == "driver" else "new")
    assert served(client, alpha)
    assert served(local, alpha)
    assert not any(message.tag == "#malformed" for one in (client, local) for message in one.inbox)
    assert len(alpha.incarnations) == 1
    ends_well(server)
