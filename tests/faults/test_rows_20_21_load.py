"""Rows 20 and 21: a driver that floods and a BLOB without measure do not keep the others waiting."""

from __future__ import annotations

import os
import threading
from functools import partial

import pytest

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, define, enable_blob, get, inline
from tests.system.robustness import ends_well

from .parties import MEGABYTE, flood_driver, one_driver, peak_rss, reader_process, rss, served

BLOB_BYTES = 192 * MEGABYTE


def test_row_20_others_are_served_while_a_driver_floods(lab: Lab) -> None:
    server, alpha = one_driver(lab, flood_driver(lab))
    client = lab.client(server, "client", get("A"))
    with reader_process(server, EVERYTHING) as reader:
        lab.pump.poll(partial(reader.has_taken, 10 * MEGABYTE), "somebody is flooded")
        assert served(client, alpha, times=20)
        read = reader.taken
        lab.pump.poll(partial(reader.has_taken, read + MEGABYTE), "the flood goes on")
    ends_well(server)


@pytest.mark.parametrize("form", ["inline", "attached"])
def test_row_21_a_blob_without_measure_arrives_while_the_others_are_served(lab: Lab, form: str) -> None:
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, beta)
    client = lab.client(server, "client", get("A"))
    base = rss(server)
    payload = os.urandom(MEGABYTE) * (BLOB_BYTES // MEGABYTE)
    whole = len(payload) * 4 // 3
    beta.send(define("B"))
    beta.ping()
    with reader_process(server, get("B"), enable_blob("Also", "B")) as reader:
        beta.expect("getProperties", device="B")
        send = partial(beta.send, blob_vector("set", "B", "b", inline(payload)))
        if form == "attached":
            send = partial(beta.send_attached, blob_vector("set", "B", "b", attached(len(payload))), payload)
        sending = threading.Thread(target=send)
        sending.start()
        while sending.is_alive() or not reader.has_taken(whole):
            assert served(client, alpha, times=1)
        sending.join()
    assert peak_rss(server) - base < 2.5 * whole
    ends_well(server)
