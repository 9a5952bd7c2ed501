"""Limits on what one peer may cost: an endless line, descriptors, memory, a remote that does not read."""

from __future__ import annotations

import socket

import psutil

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, command, define, enable_blob, get, note, set_blob

MB = 1 << 20


def test_descriptors_that_wait_for_one_client_are_limited(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.send(define("A"))
    stopped = lab.local_client(server, "stopped", EVERYTHING, enable_blob("Also"))
    stopped.ping()
    stopped.stop_reading()
    vector = blob_vector("set", "A", "B", attached(3))
    for _ in range(3000):
        alpha.send_attached(vector, b"abc")
        if "file descriptors behind" in server.log:
            break
        alpha.ping()
    server.wait_for_log(r"closed: \d+ bytes and 513 file descriptors behind")
    awake = lab.client(server, "awake", EVERYTHING)
    awake.ping()


def test_a_blob_for_many_exists_once(lab: Lab) -> None:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.send(define("A"))
    alpha.ping()
    base = psutil.Process(server.process.pid).memory_info().rss
    for number in range(10):
        reader = lab.client(server, f"reader {number}", EVERYTHING, enable_blob("Also"))
        reader.ping()
        reader.stop_reading()
    alpha.send(set_blob("A", "B", bytes(24 * MB)), note("A", "end"))
    alpha.ping()
    held = psutil.Process(server.process.pid).memory_info().rss - base
    assert held < 3 * 32 * MB


def test_a_remote_that_does_not_read_is_left_and_reached_again(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as remote:
        remote.settimeout(20)
        server = lab.server("-m", 1, "-f", lab.folder / "fifo", f"A@127.0.0.1:{remote.getsockname()[1]}")
        connection, _ = remote.accept()
        with connection:
            client = lab.client(server, "client", get("A"))
            client.ping()
            pad = "x" * 100_000
            for _ in range(200):
                client.send(command("A").replace("<newNumberVector", f"<newNumberVector pad='{pad}'", 1))
                client.ping()
                if "bytes behind" in server.log:
                    break
            server.wait_for_log(r"Driver A@.*the connection was lost \(\d+ bytes behind")
            again, _ = remote.accept()
            again.close()
