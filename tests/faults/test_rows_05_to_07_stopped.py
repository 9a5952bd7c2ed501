"""Rows 5 to 7: clients and drivers that are stopped or hang are found out, and cost nobody else anything."""

from __future__ import annotations

import os
import signal

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, command, define, enable_blob, set_blob
from tests.system.robustness import ends_well

from .parties import MEGABYTE, config_file, one_driver, reader_process, rss, served, stopped

LIMIT_MB = 8
BLOB = bytes(MEGABYTE)
BLOBS = 40
# A BLOB's message is a third larger than its bytes; the heap may keep some of what was freed.
ALLOWED_BYTES = (LIMIT_MB + 16) * MEGABYTE + 2 * len(BLOB) * 4 // 3


def test_row_05_a_stopped_client_is_closed_and_the_others_get_every_blob(lab: Lab) -> None:
    server, camera = one_driver(lab, "-m", LIMIT_MB)
    reader = lab.client(server, "reader", EVERYTHING, enable_blob("Also"))
    camera.send(set_blob("A", "first", BLOB))
    reader.expect("setBLOBVector")
    base = peak = rss(server)
    with reader_process(server, EVERYTHING, enable_blob("Also")) as process:
        lab.pump.poll(lambda: camera.latest.received.count(b"getProperties") >= 3, "the second client is served")
        with stopped(lab, process.pid):
            for number in range(BLOBS):
                payload = bytes([number]) * MEGABYTE
                camera.send(set_blob("A", "picture", payload))
                (blob,) = reader.expect("setBLOBVector", name="picture").children
                assert blob.payload() == payload
                peak = max(peak, rss(server))
            server.wait_for_log(rf"closed: \d+ bytes behind, which is more than -m {LIMIT_MB} MB allows a client")
    assert peak - base < ALLOWED_BYTES
    ends_well(server)


def test_row_06_a_stopped_driver_is_restarted_and_nobody_else_notices(lab: Lab) -> None:
    beta = lab.driver("beta")
    server, alpha = one_driver(lab, "-m", 1, "--stall-timeout", 1, beta)
    beta.send(define("B"))
    client = lab.client(server, "client", EVERYTHING)
    commander = lab.client(server, "commander")
    # The test holds this driver's descriptors, so stopping the process does not keep the test from reading them.
    os.kill(beta.latest.hello["pid"], signal.SIGSTOP)
    beta.latest.stop_reading()
    base = rss(server)
    long = command("B").replace("<newNumberVector", f"<newNumberVector pad='{'x' * 100_000}'")
    for _ in range(30):
        commander.send(long)
        commander.ping()
        assert served(client, alpha, times=1)
    client.expect("delProperty", device="B")
    again = beta.incarnation(2)
    again.expect("getProperties")
    again.send(define("B"))
    client.expect("defNumberVector", device="B")
    assert rss(server) - base < 16 * MEGABYTE
    assert not client.has("delProperty", device="A")
    ends_well(server)


def test_row_07_a_driver_that_answers_nothing_is_found_by_its_watchdog(lab: Lab) -> None:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    text = f"[driver alpha]\ncommand = {alpha.path}\n[driver beta]\ncommand = {beta.path}\nwatchdog = 1\n"
    server = lab.server("--config", config_file(lab, text))
    for driver, device in ((alpha, "A"), (beta, "B")):
        driver.expect("getProperties")
        driver.send(define(device))
        driver.ping()
    client = lab.client(server, "client", EVERYTHING)
    beta.expect("getProperties")
    beta.send(define("B"))
    client.expect("defNumberVector", device="B")
    # It answers the first question of the server's own, which is nothing for clients, and then no more.
    beta.expect("getProperties", device="B", name="P")
    beta.send(define("B"))
    beta.ping()
    client.ping()
    assert client.received.count(b"defNumberVector device='B'") == 1
    client.expect("delProperty", device="B")
    again = beta.incarnation(2)
    again.expect("getProperties")
    again.send(define("B"))
    client.expect("defNumberVector", device="B")
    assert served(client, alpha)
    assert len(alpha.incarnations) == 1
    ends_well(server)
