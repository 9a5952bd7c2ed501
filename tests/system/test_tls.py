"""Clients by TLS: who gets in, and that many bytes both ways, slow readers and junk at the port harm nobody."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server, free_port
from tests.lab.tls import Authority, Certificate, TlsClients
from tests.lab.vocabulary import EVERYTHING, command, define, enable_blob, set_blob

REPOSITORY = Path(__file__).parent.parent.parent
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the server's certificate, and those of its clients."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_certificate(authority: Authority) -> Certificate:
    return authority.issue("observatory")


@pytest.fixture
def clients(lab: Lab, authority: Authority) -> Iterator[TlsClients]:
    desk = TlsClients(lab, authority)
    yield desk
    desk.close()


def serve(lab: Lab, certificate: Certificate, *arguments: object) -> tuple[Server, int]:
    """Start a server that serves TLS too; returns its TLS port."""
    port = free_port()
    tls = ("--tls-port", port, "--tls-certificate", certificate.path, "--tls-key", certificate.key)
    return lab.server("-v", *tls, *arguments), port


def test_a_client_by_tls_is_a_client_like_any_other(
    lab: Lab, clients: TlsClients, server_certificate: Certificate
) -> None:
    mount = lab.driver("mount")
    _, port = serve(lab, server_certificate, mount)
    client = clients.connect(port, "client", EVERYTHING)
    mount.expect("getProperties")
    mount.send(define("Mount"))
    client.expect("defNumberVector", device="Mount")
    client.send(command("Mount", value=7))
    assert mount.expect("newNumberVector", device="Mount").children[0].text.strip() == "7"
    mount.latest.kill()
    client.expect_deletion("Mount")


@pytest.mark.parametrize(
    ("shows", "complaint"),
    [("another's", "its certificate is not accepted, .*issuer"), ("none", "it shows no certificate")],
)
def test_with_client_certificates_only_the_right_one_gets_in(
    lab: Lab,
    clients: TlsClients,
    authority: Authority,
    server_certificate: Certificate,
    tmp_path: Path,
    shows: str,
    complaint: str,
) -> None:
    mount = lab.driver("mount")
    server, port = serve(lab, server_certificate, "--tls-client-ca", authority.path, mount)
    right = clients.connect(port, "right", EVERYTHING, certificate=authority.issue("astronomer"))
    mount.expect("getProperties")
    mount.send(define("Mount"))
    right.expect("defNumberVector", device="Mount")
    certificate = None if shows == "none" else Authority(tmp_path / "other").issue("stranger")
    wrong = clients.connect(port, "wrong", EVERYTHING, certificate=certificate)
    wrong.expect_closed()
    server.wait_for_log(f"the TLS handshake failed: {complaint}")
    right.ping()
    assert not wrong.inbox


def test_a_client_that_does_not_speak_tls_is_told_nothing(lab: Lab, server_certificate: Certificate) -> None:
    server, port = serve(lab, server_certificate, lab.driver("mount"))
    plain = ScriptedClient("plain", lab.pump, socket.create_connection(("127.0.0.1", port), DEADLINE_S))
    lab.clients.append(plain)
    plain.send(EVERYTHING)
    plain.expect_closed()
    server.wait_for_log("the TLS handshake failed: it does not speak TLS")
    assert not plain.inbox


def test_64_mb_one_way_while_commands_go_the_other(
    lab: Lab, clients: TlsClients, server_certificate: Certificate
) -> None:
    """Reader and writer of one TLS connection at work at once, beside two plain clients: every byte is right."""
    camera = lab.driver("camera")
    server, port = serve(lab, server_certificate, camera)
    camera.send(define("Camera"))
    camera.ping()
    secure = clients.connect(port, "secure", EVERYTHING, enable_blob("Also"))
    plain = [lab.client(server, f"plain{number}", EVERYTHING, enable_blob("Also")) for number in range(2)]
    secure.ping()
    source = random.Random(1)
    pictures = [source.randbytes(4 * MEGABYTE) for _ in range(12)]
    for number, picture in enumerate(pictures):
        camera.send(set_blob("Camera", f"picture{number}", picture))
        secure.send(*(command("Camera", value=100 * number + step) for step in range(100)))
    sums = [hashlib.sha1(picture).hexdigest() for picture in pictures]
    for client in (secure, *plain):
        client.expect_count(len(pictures), "setBLOBVector")
        got = [message.children[0].payload() for message in client.inbox if message.tag == "setBLOBVector"]
        assert [hashlib.sha1(one).hexdigest() for one in got] == sums
    camera.latest.expect_count(1200, "newNumberVector")
    values = [m.children[0].text.strip() for m in camera.latest.inbox if m.tag == "newNumberVector"]
    assert values == [str(value) for value in range(1200)]


def test_a_slow_reader_by_tls_is_closed_with_the_reason_and_nobody_else(
    lab: Lab, clients: TlsClients, server_certificate: Certificate
) -> None:
    camera = lab.driver("camera")
    server, port = serve(lab, server_certificate, "-m", 4, camera)
    camera.send(define("Camera"))
    camera.ping()
    slow = clients.connect(port, "slow", EVERYTHING, enable_blob("Also"))
    slow.ping()
    slow.stop_reading()
    awake = lab.client(server, "awake", EVERYTHING, enable_blob("Also"))
    for number in range(4):
        camera.send(set_blob("Camera", f"picture{number}", bytes(16 * MEGABYTE)))
        awake.expect("setBLOBVector", name=f"picture{number}")
    server.wait_for_log(r"closed: \d+ bytes behind, which is more than -m 4 MB allows a client")
    slow.read_again()
    slow.expect_closed()


def test_junk_at_the_tls_port_changes_nothing_for_the_others(lab: Lab, server_certificate: Certificate) -> None:
    """A short run of `scripts/fuzz-handshake`, which starts a server of its own and measures what others notice."""
    words = [sys.executable, str(REPOSITORY / "scripts" / "fuzz-handshake"), "--seconds", "2", "--seed", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nobody else noticed" in done.stdout


def test_bad_files_are_told_by_name_before_anything_is_served(
    lab: Lab, authority: Authority, server_certificate: Certificate
) -> None:
    other = authority.issue("other")
    for arguments, complaint in (
        (("--tls-certificate", "gone.pem"), "TLS certificate gone.pem cannot be read: No such file"),
        (
            ("--tls-certificate", server_certificate.path, "--tls-key", other.key),
            f"TLS key {other.key} does not belong to certificate {server_certificate.path}",
        ),
    ):
        server = lab.launch("--tls-port", free_port(), *arguments, lab.driver("unused"))
        assert server.wait_for_exit() == 1
        assert complaint in server.complete_log()
        assert "Traceback" not in server.log
