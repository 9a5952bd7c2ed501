"""Row 8: when descriptors run out those who are here are served, newcomers wait, and no driver is blamed."""

from __future__ import annotations

import pytest

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, define, enable_blob
from tests.system.robustness import ends_well

from .parties import free_descriptors, one_driver, served

NEWCOMERS = 20


def test_row_08_newcomers_wait_until_a_descriptor_is_free(lab: Lab) -> None:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    with free_descriptors(server, free=5):
        newcomers = [server.client(f"newcomer {number}") for number in range(NEWCOMERS)]
        lab.clients += newcomers
        server.wait_for_log("New clients have to wait: Too many open files; raise the limit of open files")
        assert served(client, alpha)
        for newcomer in newcomers[:-1]:
            newcomer.close()
        last = newcomers[-1]
        last.send(EVERYTHING)
        last.ping()
        assert served(last, alpha)
    assert server.log.count("New clients have to wait") == 1
    ends_well(server)


@pytest.mark.parametrize("free", [0, 2])
def test_row_08_a_shortage_of_descriptors_is_no_exit_of_the_driver(lab: Lab, free: int) -> None:
    """Three become free when the driver ends: with two more there are enough to begin a start, not to finish it."""
    alpha = lab.driver("alpha")
    server = lab.server("-r", 1, alpha)
    alpha.send(define("A"))
    client = lab.client(server, "client", EVERYTHING)
    with free_descriptors(server, free):
        alpha.latest.kill()
        client.expect("delProperty", device="A")
        server.wait_for_log("Driver .*alpha: waits for a free file descriptor")
        client.ping()
    alpha.incarnation(2).expect("getProperties")
    alpha.send(define("A"))
    client.expect("defNumberVector", device="A")
    assert server.log.count("restart #") == 1
    ends_well(server)


def test_row_08_a_driver_is_not_blamed_when_the_server_is_short_of_descriptors(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.send(define("A"))
    client = lab.client(server, "client", EVERYTHING, enable_blob("Also"))
    client.ping()
    with free_descriptors(server, free=0):
        alpha.send_attached(blob_vector("set", "A", "lost", attached(3)), b"abc")
        server.wait_for_log("came without a file descriptor")
        alpha.ping()
    alpha.send_attached(blob_vector("set", "A", "kept", attached(3)), b"abc")
    client.expect("setBLOBVector", name="kept")
    assert not client.has("setBLOBVector", name="lost")
    assert "restart" not in server.log
