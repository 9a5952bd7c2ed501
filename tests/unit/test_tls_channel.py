"""TLS between two links in one process: both directions at once, the end, and what a handshake may do."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gevent
import pytest

from indigevent.errors import ConfigError
from indigevent.server.greenlets import give_turn
from indigevent.server.link import Link
from indigevent.server.transports.tls import TlsChannel, TlsError, client_context, server_context
from tests.lab.tls import Authority, Certificate

DEADLINE_S = 20.0


@dataclass
class Papers:
    """Everybody's certificates."""

    authority: Authority
    server: Certificate
    client: Certificate

    @property
    def server_context(self) -> ssl.SSLContext:
        return server_context(str(self.server.path), str(self.server.key), str(self.authority.path))

    @property
    def client_context(self) -> ssl.SSLContext:
        return client_context(str(self.authority.path), str(self.client.path), str(self.client.key))


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    return Papers(authority, authority.issue("server"), authority.issue("client"))


@pytest.fixture
def pair(papers: Papers) -> Iterator[tuple[TlsChannel, TlsChannel]]:
    """A server's and a client's end."""
    near, far = socket.socketpair()
    server = TlsChannel(near, papers.server_context, server_side=True)
    client = TlsChannel(far, papers.client_context, server_side=False, server_name="localhost")
    with gevent.Timeout(DEADLINE_S):
        yield server, client
    near.close()
    far.close()


def collect(link: Link) -> gevent.Greenlet:
    """Read until the end; the values of all messages."""
    return gevent.spawn(lambda: [message.name for batch in link.batches() for message in batch])


def test_two_links_write_and_read_at_once(pair: tuple[TlsChannel, TlsChannel]) -> None:
    """What the server has to say before the handshake, which its reader drives, waits for the end of that."""
    server = Link(pair[0], "server")
    long = "x" * 10_000
    messages = [f'<message device="{long}" name="{number}"/>\n'.encode() for number in range(500)]
    for message in messages:
        server.deliver(message, len(message))
    readers = [collect(server)]
    pair[1].handshake()
    client = Link(pair[1], "client")
    readers.append(collect(client))
    for message in messages:
        client.deliver(message, len(message))
    links = (server, client)
    for link in links:
        while link.queue:
            link.progress.clear()
            link.progress.wait()
    assert pair[0].peer_name() == "client"
    assert pair[1].peer_name() == "server"
    for link in links:
        link.end_writing()
    assert [reader.get() for reader in readers] == [[str(number) for number in range(500)]] * 2
    for link in links:
        assert (link.end_reason, link.sent_bytes) == ("", sum(map(len, messages)))
        link.close()


class CountingChannel(TlsChannel):
    """Knows how often something was to be sent."""

    attempts = 0

    def send(self, data: bytes | memoryview) -> int:
        self.attempts += 1
        return super().send(data)


def test_nobody_keeps_trying_to_write_before_the_handshake(papers: Papers) -> None:
    near, far = socket.socketpair()
    channel = CountingChannel(near, papers.server_context, server_side=True)
    link = Link(channel, "server")
    link.deliver(b"<message/>", 10)
    for _ in range(50):
        give_turn()
    assert channel.attempts <= 2
    assert link.queue.size == 10
    link.close()
    far.close()


def test_who_has_said_that_nothing_more_comes_is_still_written_to(papers: Papers) -> None:
    """The end is found although the client keeps its socket open, even when it came with the last message."""
    near, far = socket.socketpair()

    def talk() -> None:
        client = papers.client_context.wrap_socket(far, server_hostname="localhost")
        client.sendall(b'<message name="1"/>')
        with contextlib.suppress(ssl.SSLError):  # there is an answer where only an end may come
            client.unwrap()

    thread = threading.Thread(target=talk)
    thread.start()
    link = Link(TlsChannel(near, papers.server_context, server_side=True), "server")
    answer = b'<message name="2"/>'
    with gevent.Timeout(DEADLINE_S):
        assert collect(link).get() == ["1"]
        link.deliver(answer, len(answer))
    assert link.sent_bytes == len(answer)
    link.close()
    thread.join()
    far.close()


def test_a_client_without_a_name_is_not_spoken_to(papers: Papers) -> None:
    near, far = socket.socketpair()
    context = client_context(str(papers.authority.path), "", "")
    client = TlsChannel(far, context, server_side=False, server_name="localhost")
    server = TlsChannel(near, papers.server_context, server_side=True)
    with gevent.Timeout(DEADLINE_S), near, far:
        gevent.spawn(client.handshake)
        with pytest.raises(TlsError) as refused:
            server.handshake()
        assert refused.value.strerror == "the TLS handshake failed: it shows no certificate"
        with pytest.raises(BlockingIOError):
            server.send(b"secret")


def test_files_that_do_not_do_are_told_by_name(papers: Papers, tmp_path: Path) -> None:
    text, locked = tmp_path / "text.pem", tmp_path / "locked.key"
    text.write_text("no certificate")
    cut = tmp_path / "cut.pem"
    cut.write_text(papers.server.path.read_text()[:300])
    lock = ["openssl", "pkey", "-aes128", "-passout", "pass:x", "-in", papers.server.key, "-out", locked]
    subprocess.run(lock, check=True, timeout=DEADLINE_S)
    certificate, key = str(papers.server.path), str(papers.server.key)
    for files, complaint in (
        ((certificate, str(papers.client.key), None), f"TLS key {papers.client.key} does not belong to"),
        ((str(text), key, None), f"TLS certificate {text} cannot be used: it is no PEM file"),
        ((str(cut), key, None), f"TLS certificate {cut} with key {key} cannot be used (it is damaged); PEM files are"),
        ((certificate, str(locked), None), f"TLS key {locked} has a password"),
        ((certificate, str(tmp_path), None), f"TLS key {tmp_path} cannot be read: Is a directory"),
        ((certificate, key, str(text)), f"TLS authorities {text} cannot be used: it is no PEM file"),
    ):
        with pytest.raises(ConfigError) as refused:
            server_context(*files)
        assert str(refused.value).startswith(complaint)


def test_a_key_may_come_by_a_pipe(papers: Papers) -> None:
    reader, writer = os.pipe()
    os.write(writer, papers.server.key.read_bytes())
    os.close(writer)
    try:
        server_context(str(papers.server.path), f"/dev/fd/{reader}", None)
    finally:
        os.close(reader)
