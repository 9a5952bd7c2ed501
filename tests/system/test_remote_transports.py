"""Remotes by TLS, by ssh and compressed: what goes through, who is not trusted, and that nothing stays behind."""

from __future__ import annotations

import re
import socket
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.party import Party
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server, free_port
from tests.lab.tls import Authority, Certificate
from tests.lab.vocabulary import EVERYTHING, command, define, enable_blob, note, set_blob, update

MEGABYTE = 1 << 20
SSH_OPTIONS = "-T -o BatchMode=yes -o ServerAliveInterval=15 -o ExitOnForwardFailure=yes -W"
STAND_IN = """
import os, selectors, socket, sys
print("the stand-in for ssh is here", file=sys.stderr, flush=True)
if " ".join(sys.argv[1:]) != {expected!r}:
    sys.exit("unexpected arguments: " + " ".join(sys.argv[1:]))
host, port = sys.argv[-2].rsplit(":", 1)
far = socket.create_connection((host, int(port)))
ways = selectors.DefaultSelector()
ways.register(0, selectors.EVENT_READ, (lambda: os.read(0, 65536), far.sendall))
ways.register(far, selectors.EVENT_READ, (lambda: far.recv(65536), lambda data: os.write(1, data)))
while True:
    for key, _ in ways.select():
        read, write = key.data
        data = read()
        if not data:
            sys.exit(0)
        write(data)
"""


def below(lab: Lab, driver: ScriptedDriver, *arguments: object) -> Server:
    """Start the server that is to be the remote."""
    return lab.server("-v", *arguments, driver)


def above(lab: Lab, section: dict[str, object], *arguments: object, **environment: str) -> Server:
    """Start a server that has a remote called `far`."""
    config = lab.folder / f"above{len(lab.servers)}.conf"
    lines = [f"{key} = {value}" for key, value in section.items()]
    config.write_text("\n".join(["[remote far]", *lines]) + "\n")
    return lab.server("-v", "--config", config, *arguments, **environment)


def check_both_ways(lab: Lab, server: Server, driver: ScriptedDriver) -> Party:
    """The remote's device is there when it is asked for, and takes commands; returns the client that found out."""
    client = lab.client(server, "client", EVERYTHING)
    driver.expect("getProperties", device="*")
    driver.send(define("Mount"))
    client.expect("defNumberVector", device="Mount")
    client.send(command("Mount", value=7))
    driver.expect("newNumberVector", device="Mount")
    driver.send(update("Mount", value=7))
    client.expect("setNumberVector", device="Mount")
    return client


# TLS


def tls_below(lab: Lab, driver: ScriptedDriver, certificate: Certificate, *arguments: object) -> int:
    """Start the remote with a TLS port, which is returned."""
    port = free_port()
    files = ("--tls-certificate", certificate.path, "--tls-key", certificate.key)
    below(lab, driver, "--tls-port", port, *files, *arguments)
    return port


def test_a_remote_by_tls_with_certificates_on_both_sides(lab: Lab, tmp_path: Path) -> None:
    authority, mount = Authority(tmp_path), lab.driver("mount")
    port = tls_below(lab, mount, authority.issue("far"), "--tls-client-ca", authority.path)
    ours = authority.issue("near")
    files = {"tls-ca": authority.path, "tls-certificate": ours.path, "tls-key": ours.key}
    server = above(lab, {"host": "127.0.0.1", "port": port, "tls": "yes", **files})
    client = check_both_ways(lab, server, mount)
    lab.servers[0].stop()
    client.expect_deletion("Mount")
    server.wait_for_log("Driver far: the connection was lost")


def test_a_remote_that_is_somebody_else_is_not_spoken_to(lab: Lab, tmp_path: Path) -> None:
    authority, mount = Authority(tmp_path), lab.driver("mount")
    port = tls_below(lab, mount, authority.issue("far", "DNS:elsewhere.example"))
    remote = {"host": "127.0.0.1", "port": port, "tls": "yes"}
    server = above(lab, {**remote, "tls-ca": authority.path})
    server.wait_for_log("Driver far: tls://127.0.0.1:.* its certificate is not accepted, IP address mismatch")
    stranger = Authority(tmp_path / "stranger", "stranger")
    server = above(lab, {**remote, "tls-ca": stranger.path})
    server.wait_for_log("Driver far: tls://127.0.0.1:.* its certificate is not accepted, unable to get local issuer")
    mount.ping()
    assert [message.tag for message in mount.latest.inbox] == ["getProperties", "pingReply"]


# ssh


def ssh_above(lab: Lab, port: int, arguments: str) -> Server:
    """Start a server with a remote by ssh, and a stand-in for ssh that takes just these arguments."""
    folder = lab.folder / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(f"#!{sys.executable} -SE\n" + STAND_IN.format(expected=arguments))
    program.chmod(0o755)
    search_path = f"{folder}:/usr/bin:/bin"
    return lab.server("-v", "-f", lab.folder / "fifo", f"@ssh://astronomer@dome.example:{port}", PATH=search_path)


def ssh_of(server: Server) -> psutil.Process:
    """The one process below the server (its guardian is a session of its own)."""
    [process] = [child for child in server.children() if "ssh" in " ".join(child.cmdline())]
    return process


def test_a_remote_by_ssh_and_its_end_with_the_server(lab: Lab) -> None:
    mount = lab.driver("mount")
    far = below(lab, mount)
    server = ssh_above(lab, far.port, f"{SSH_OPTIONS} localhost:{far.port} astronomer@dome.example")
    check_both_ways(lab, server, mount)
    server.wait_for_log("Driver @ssh://.*: the stand-in for ssh is here")
    ssh = ssh_of(server)
    assert server.stop() == 0
    assert not ssh.is_running()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_ssh_goes_too_when_the_server_is_killed(lab: Lab, is_stopped: bool) -> None:
    mount = lab.driver("mount")
    far = below(lab, mount)
    server = ssh_above(lab, far.port, f"{SSH_OPTIONS} localhost:{far.port} astronomer@dome.example")
    check_both_ways(lab, server, mount)
    ssh = ssh_of(server)
    if is_stopped:
        ssh.suspend()
    server.process.kill()
    lab.pump.poll(lambda: not ssh.is_running() or ssh.status() == psutil.STATUS_ZOMBIE, "ssh ends")


def test_ssh_that_fails_or_is_lost_is_started_again(lab: Lab) -> None:
    mount = lab.driver("mount")
    far = below(lab, mount)
    server = ssh_above(lab, far.port, f"{SSH_OPTIONS} localhost:{far.port} astronomer@dome.example")
    client = check_both_ways(lab, server, mount)
    ssh_of(server).kill()
    client.expect_deletion("Mount")
    server.wait_for_log(r"Driver @ssh://.*: the connection was lost \(.*\); reconnecting")
    mount.expect("getProperties", device="*")
    mount.send(define("Mount"))
    client.expect("defNumberVector", device="Mount")


def test_ssh_that_reaches_nobody_says_so(lab: Lab) -> None:
    server = ssh_above(lab, free_port(), "others than it gets")
    server.wait_for_log(
        "Driver @ssh://.*: ssh://.* was not reached: ssh has ended before the other server said anything"
    )
    server.wait_for_log("unexpected arguments")
    assert "was lost" not in server.log


def test_a_machine_without_ssh_says_so(lab: Lab) -> None:
    (lab.folder / "empty").mkdir()
    name = "@ssh://dome.example"
    server = lab.server("-f", lab.folder / "fifo", name, PATH=str(lab.folder / "empty"))
    server.wait_for_log("cannot be reached: ssh .searched in PATH .* cannot be executed: No such file or directory")


# Compression


def test_what_two_of_our_servers_exchange_is_compressed_and_the_same(lab: Lab) -> None:
    mount = lab.driver("mount")
    far = below(lab, mount)
    server = above(lab, {"host": "127.0.0.1", "port": far.port, "compression": "yes"})
    client = check_both_ways(lab, server, mount)
    far.wait_for_log("what it is sent is compressed")
    client.send(enable_blob("Also"), command("Mount", value=8))
    mount.expect("newNumberVector", device="Mount")
    picture = bytes(range(256)) * (4 * MEGABYTE // 256)
    mount.send(set_blob("Mount", "picture", picture), note("Mount", "end"))
    assert client.expect("setBLOBVector", name="picture").children[0].payload() == picture
    client.expect("message", message="end")
    assert all("compression" not in message.attributes for message in mount.latest.inbox)


def test_a_remote_that_does_not_know_compression_is_served_without(lab: Lab, reference_lab: Lab) -> None:
    mount = reference_lab.driver("mount")
    far = reference_lab.server(mount)
    server = above(lab, {"host": "127.0.0.1", "port": far.port, "compression": "yes"})
    check_both_ways(lab, server, mount)


KEY = "0123456789abcdef" * 2
MARKER = f'<compressedStream method="zlib" key="{KEY}"/>\n'.encode()


def read_until(sock: socket.socket, is_enough: Callable[[bytes], bool]) -> bytes:
    """Read until there is enough, or time is up."""
    sock.settimeout(DEADLINE_S)
    data = b""
    while not is_enough(data):
        piece = sock.recv(1 << 20)
        assert piece, f"closed after {data[:1000]!r}"
        data += piece
    return data


def test_everything_after_the_marker_is_one_zlib_stream(lab: Lab) -> None:
    mount = lab.driver("mount")
    far = below(lab, mount)
    mount.send(define("Mount"))
    mount.ping()
    with socket.create_connection(("127.0.0.1", far.port)) as sock:
        sock.sendall(f"<getProperties device='*' version='1.7' via='x' compression='zlib {KEY}'/>".encode())
        early = read_until(sock, lambda data: MARKER in data)
        sock.sendall(enable_blob("Also").encode() + command("Mount", value=1).encode())
        mount.expect("newNumberVector")
        assert not any("compression" in message.attributes for message in mount.latest.inbox)
        mount.send(set_blob("Mount", "dark", bytes(3 * MEGABYTE)), note("Mount", "end"))
        inflater = zlib.decompressobj()
        plain, _, compressed = early.partition(MARKER)
        told = inflater.decompress(compressed)
        while b"message='end'" not in told:
            compressed = read_until(sock, bool)
            told += inflater.decompress(compressed)
            early += compressed
    assert plain == b""
    assert len(told) > 4 * MEGABYTE > 100 * len(early)


def test_compression_is_for_who_asks_for_it_first(lab: Lab) -> None:
    """Another server may pass on what a client of its own said: nobody on this connection would understand a marker."""
    far = below(lab, lab.driver("mount"))
    asking = f"<getProperties version='1.7' compression='zlib {KEY}'/>"
    client = lab.client(far, "client", EVERYTHING)
    client.send(asking)
    client.ping()
    assert not client.has("compressedStream")
    client = lab.client(far, "other", asking.replace("zlib", "brotli"))
    assert not client.has("compressedStream")


class ScriptedRemote:
    """A server played by the test, to which the server under test connects."""

    def __init__(self, lab: Lab) -> None:
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self._listener.settimeout(DEADLINE_S)
        remote = {"host": "127.0.0.1", "port": self._listener.getsockname()[1], "compression": "yes"}
        self.server = above(lab, remote)

    def accept(self) -> tuple[socket.socket, bytes]:
        """The next connection, and the marker that it waits for."""
        sock, _ = self._listener.accept()
        asked = read_until(sock, lambda data: b"/>" in data)
        found = re.search(rb'compression="zlib ([0-9a-f]{32})"', asked)
        assert found, asked
        return sock, MARKER.replace(KEY.encode(), found[1])

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


def test_little_that_stands_for_much_does_not_fill_the_memory(lab: Lab) -> None:
    remote = ScriptedRemote(lab)
    sock, marker = remote.accept()
    client = lab.client(remote.server, "client", EVERYTHING)
    process = psutil.Process(remote.server.pid)
    before = process.memory_info().rss
    deflater = zlib.compressobj(9)
    bomb = deflater.compress(b"<message device='Bomb' message='" + b"x" * (200 * MEGABYTE))
    bomb += deflater.compress(b"'/>" + note("Good", "after").encode()) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < MEGABYTE
    with sock:
        sock.sendall(marker + bomb)
        client.expect("message", device="Good")
        assert process.memory_info().rss - before < 32 * MEGABYTE
    remote.close()


def test_a_damaged_compressed_stream_costs_that_connection_only(lab: Lab) -> None:
    remote = ScriptedRemote(lab)
    client = lab.client(remote.server, "client", EVERYTHING)
    sock, marker = remote.accept()
    with sock:
        sock.sendall(define("Mount").encode() + marker + b"this is not compressed")
        client.expect("defNumberVector", device="Mount")
        client.expect_deletion("Mount")
    remote.server.wait_for_log("Driver far: the connection was lost .*its compressed stream is damaged")
    sock, marker = remote.accept()
    with sock:
        sock.sendall(marker + zlib.compress(define("Mount").encode()))
        client.expect("defNumberVector", device="Mount")
        client.expect_deletion("Mount")
    remote.server.wait_for_log("Driver far: the connection was lost .*it ended its compressed stream")
    remote.close()
