"""Who is let in, what clients may do by their access rules, and how long they may take over a message."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S
from tests.lab.server import Server, free_port
from tests.lab.tls import Authority, TlsClients
from tests.lab.vocabulary import (
    EVERYTHING,
    STAR,
    command,
    define,
    define_blob,
    delete,
    enable_blob,
    get,
    inline,
    note,
    set_blob,
    update,
)

ME = os.getuid()
SOMEBODY_ELSE = ME + 4321


def configured(lab: Lab, text: str, *arguments: object) -> Server:
    """Start a server with a config file."""
    config = lab.folder / f"config{len(lab.servers)}"
    config.write_text(text)
    return lab.server("--config", config, *arguments)


def visitor(lab: Lab, server: Server, address: str, *messages: str) -> ScriptedClient:
    """Connect from an address of this machine; what becomes of that is not waited for."""
    sock = socket.create_connection(("127.0.0.1", server.port), DEADLINE_S, source_address=(address, 0))
    client = ScriptedClient(f"{address} ({len(lab.clients)})", lab.pump, sock)
    lab.clients.append(client)
    client.send(*messages)
    return client


def is_turned_away(client: ScriptedClient, reason: str) -> None:
    """The client hears why, and is closed."""
    assert reason in client.expect("message").attributes["message"]
    client.expect_closed()


def is_in(client: ScriptedClient) -> None:
    """The client is served."""
    client.ping()
    assert not client.closed, client.lines()


def two_devices(lab: Lab, text: str, *arguments: object) -> Server:
    """A server with the drivers a (device A) and b (device B, which snoops on A)."""
    a, b = lab.driver("a"), lab.driver("b")
    server = configured(lab, text, *arguments, a, b)
    a.send(define("A"), define_blob("A", "I"))
    b.send(define("B"), define_blob("B", "I"), get("A"))
    a.ping()
    b.ping()
    return server


# The door


def test_only_the_networks_of_allow_are_let_in_over_tcp(lab: Lab) -> None:
    server = lab.server("--allow", "127.0.0.2/32", "--allow", "10.0.0.0/8", "-f", lab.folder / "fifo")
    is_turned_away(visitor(lab, server, "127.0.0.3"), "the address 127.0.0.3 is not in the networks of --allow")
    server.wait_for_log(r"A client from 127\.0\.0\.3:\d+ is turned away: the address 127\.0\.0\.3 is not in")
    is_in(visitor(lab, server, "127.0.0.2"))
    is_in(lab.local_client(server, "local"))


def test_a_flood_of_refused_connections_is_logged_once_and_harms_nobody(lab: Lab) -> None:
    server = lab.server("--allow", "127.0.0.1", "-f", lab.folder / "fifo")
    client = lab.client(server, "client", EVERYTHING)
    base = server.descriptors()
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.9", 0)):
            pass
    is_in(client)
    server.wait_for_descriptors(base)
    assert len(lab.log_lines(server, "is turned away")) == 1


def test_so_many_clients_of_an_address(lab: Lab) -> None:
    server = lab.server("--max-per-address", 2, "-f", lab.folder / "fifo")
    first = visitor(lab, server, "127.0.0.2", EVERYTHING)
    is_in(first)
    is_in(visitor(lab, server, "127.0.0.2"))
    is_turned_away(visitor(lab, server, "127.0.0.2", EVERYTHING), "there are 2 clients from 127.0.0.2, as many as")
    is_in(visitor(lab, server, "127.0.0.3"))
    for name in ("one", "two", "three"):
        is_in(lab.local_client(server, name))
    first.close()
    is_in(visitor(lab, server, "127.0.0.2"))


def test_clients_that_come_one_after_another_take_no_place_from_each_other(lab: Lab) -> None:
    server = lab.server("--max-per-address", 1, "--max-clients", 1, "-f", lab.folder / "fifo")
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as sock:
            sock.sendall((EVERYTHING + "<pingRequest uid='1'/>").encode())
            assert b"pingReply" in sock.recv(4096)
    assert "turned away" not in server.log


@pytest.mark.parametrize("limit", ["--max-per-address", "--max-clients"])
def test_who_only_listens_any_more_gives_its_place_to_a_newcomer(lab: Lab, limit: str) -> None:
    alpha = lab.driver("alpha")
    server = lab.server("-v", limit, 2, alpha)
    alpha.send(define("A"))
    alpha.ping()
    listening = []
    for number in range(5):
        client = lab.client(server, f"client {number}", EVERYTHING)
        client.half_close()
        server.wait_for_log(r"Client \d+: read EOF", number + 1)
        listening.append(client)
    for client in listening[:3]:
        client.expect_closed()
    assert not any(client.closed for client in listening[3:])
    server.wait_for_log("closed: it had closed its own side, and a newcomer needed the place", 3)


def test_so_many_clients_at_all(lab: Lab) -> None:
    server = lab.server("--max-clients", 2, "-f", lab.folder / "fifo")
    is_in(lab.local_client(server, "local"))
    is_in(lab.client(server, "client"))
    is_turned_away(visitor(lab, server, "127.0.0.2"), "there are 2 clients, as many as --max-clients lets in")


@pytest.mark.parametrize("uid", [ME, SOMEBODY_ELSE])
def test_the_local_socket_is_for_the_users_that_are_named(lab: Lab, uid: int) -> None:
    server = lab.server("--local-uids", uid, "-f", lab.folder / "fifo")
    is_in(lab.client(server, "by tcp"))
    local = server.local_client("local")
    lab.clients.append(local)
    if uid == ME:
        is_in(local)
    else:
        is_turned_away(local, "is not among those of --local-uids")
        server.wait_for_log(rf"A client from local pid {os.getpid()} \(user: .*\) is turned away")


# Access rules


def test_the_first_rule_that_fits_says_what_a_client_may_do(lab: Lab) -> None:
    rules = f"""
        [access students]
        network = 127.0.0.2 10.0.0.0/8
        deny = yes
        [access guests]
        network = 127.0.0.3
        devices = A "C*"
        [access watchers]
        network = 127.0.0.0/29
        read-only = yes
        [access staff]
        uid = {ME}
        [access rest]
        network = 127.0.0.0/8
        deny = yes
        """
    server = two_devices(lab, rules)
    is_turned_away(visitor(lab, server, "127.0.0.2"), "the access rule 'students' denies it")
    is_turned_away(visitor(lab, server, "127.0.0.9"), "the access rule 'rest' denies it")
    staff = lab.local_client(server, "staff", EVERYTHING, command("B", value=1))
    guest = visitor(lab, server, "127.0.0.3", EVERYTHING, command("B", value=2), command("A", value=3))
    guest.ping()
    watcher = visitor(lab, server, "127.0.0.4", EVERYTHING, command("A", value=4))
    watcher.ping()
    lab.drivers["a"].send(update("A", value=5))
    lab.drivers["b"].send(update("B", value=6))
    lab.settle()
    assert not guest.has("setNumberVector", device="B")
    assert guest.has("setNumberVector", device="A")
    assert watcher.has("setNumberVector", device="B")
    assert [line[-7] for line in lab.drivers["a"].latest.lines() if "<newNumber" in line] == ["3"]
    assert [line[-7] for line in lab.drivers["b"].latest.lines() if "<newNumber" in line] == ["1"]
    assert staff.has("setNumberVector", device="B")


def test_who_watches_asks_and_gets_blobs_but_changes_nothing(lab: Lab) -> None:
    server = two_devices(lab, "[access watchers]\nnetwork = 127.0.0.2\nread-only = yes\n")
    other = lab.client(server, "other", EVERYTHING, enable_blob("Also"))
    watcher = visitor(lab, server, "127.0.0.2", EVERYTHING, enable_blob("Also"))
    commands = [command("A"), command("A", value=2), command("A", "Q"), update("A"), note("A", "x"), delete("A", "Q")]
    new_blob = f"<newBLOBVector device='A' name='I'>{inline(b'bytes')}</newBLOBVector>"
    watcher.send(*commands, command(None), new_blob, note(None, "y"), "<unknown device='A' name='P'/>")
    is_in(watcher)
    lab.drivers["a"].send(set_blob("A", "I", b"picture"), update("A"))
    watcher.expect("setNumberVector", device="A")
    lab.settle()
    told = [(m.attributes.get("device"), m.attributes["message"]) for m in watcher.inbox if m.tag == "message"]
    only = "was not changed: the server lets this connection only watch."
    assert told == [("A", f"P {only}"), ("A", f"Q {only}"), (None, f"P {only}"), ("A", f"I {only}")]
    assert watcher.has("setBLOBVector", device="A")
    for witness in (lab.drivers["a"].latest, lab.drivers["b"].latest, other):
        assert not [line for line in witness.lines() if line.startswith(("<new", "<mess", "<del", "<unknown"))]
    server.wait_for_log("Client .: the access rule 'watchers' does not allow newNumberVector for A")
    assert len(lab.log_lines(server, "does not allow")) == 1


@pytest.mark.parametrize("verbosity", [(), ("-vv",)], ids=["what is not allowed", "all that is read"])
def test_no_name_can_put_a_line_of_its_own_into_the_log(lab: Lab, verbosity: tuple[str, ...]) -> None:
    rule = "[access watchers]\nnetwork = 127.0.0.2\nread-only = yes\n"
    server = configured(lab, rule, *verbosity, "-f", lab.folder / "fifo")
    message = f"<newTextVector device='A&#10;2026-11-21T05:31:42: Driver mount: parked' name='P{'x' * 100_000}'/>"
    is_in(visitor(lab, server, "127.0.0.2", message))
    server.wait_for_log(r"does not allow newTextVector for A\\n2026-11-21T05:31:42: Driver mount: parked \(")
    assert server.stop() == 0
    assert all(re.match(r"20\d\d(?!-11-21T05:31:42)", line) for line in server.complete_log().splitlines())
    assert max(map(len, server.log.splitlines())) < 1000


@pytest.mark.parametrize("request_for", [EVERYTHING, STAR, get("B"), get("A") + get("B")])
def test_a_hidden_device_is_invisible_in_both_directions(lab: Lab, request_for: str) -> None:
    server = two_devices(lab, "[access guests]\nnetwork = 127.0.0.2\ndevices = A\n")
    a, b = lab.drivers["a"], lab.drivers["b"]
    other = lab.client(server, "other", EVERYTHING, enable_blob("Also"))
    guest = visitor(lab, server, "127.0.0.2", request_for, get("A"), enable_blob("Also"))
    guest.send(get("B"), get("B", "P"), command("B"), update("B"), note("B", "x"), delete("B"), command(None))
    guest.ping()
    other.send(command("B", value=8), command("A", value=8))
    other.ping()
    a.send(get("B"), update("A"), note(None, "to all"))
    a.ping()
    b.send(define("B", "new"), update("B"), set_blob("B", "I", b"x"), note("B", "x"), delete("B", "new"))
    guest.expect("setNumberVector", device="A")
    lab.settle()
    assert not [line for line in guest.lines() if "device='B'" in line]
    assert guest.has("newNumberVector", device="A")
    assert [line[-7] for line in b.latest.lines() if "<new" in line] == ["8"]
    b.expect("setNumberVector", device="A")  # drivers are nobody's guests
    a.expect("setNumberVector", device="B")
    b.latest.kill()
    other.expect("delProperty", device="B")
    guest.ping()
    assert not guest.has("delProperty", device="B")


def test_a_chained_server_passes_on_what_its_rule_shows(lab: Lab) -> None:
    down = two_devices(lab, "[access upstream]\nnetwork = 127.0.0.0/8\ndevices = A\n")
    up = lab.server(f"@127.0.0.1:{down.port}")
    a, b = lab.drivers["a"], lab.drivers["b"]
    a.expect("getProperties", device="*")  # the servers are connected: a request from before would not be passed on
    client = lab.client(up, "client", EVERYTHING, enable_blob("Also"))
    up.wait_for_log("listening")
    a.incarnation(1).expect_count(3, "getProperties")
    a.send(define("A"))
    client.expect("defNumberVector", device="A")
    client.send(get("B"), command("B"), command("A", value=2))
    a.expect("newNumberVector")
    b.send(define("B"), set_blob("B", "I", b"x"))
    b.ping()
    a.send(set_blob("A", "I", b"end"))
    client.expect("setBLOBVector", device="A")
    heard = [line for line in client.lines() if "device='B'" in line]
    assert not [line for line in heard if "<def" in line or "BLOBVector" in line]
    assert not [line for line in b.latest.lines() if "<new" in line]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs certificates."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def tls_clients(lab: Lab, authority: Authority) -> Iterator[TlsClients]:
    """Connects clients by TLS."""
    desk = TlsClients(lab, authority)
    yield desk
    desk.close()


def test_a_certificate_decides_the_rule(lab: Lab, authority: Authority, tls_clients: TlsClients) -> None:
    own, ann, eve = (authority.issue(name) for name in ("observatory", "ann", "eve"))
    port = free_port()
    rules = """
        [access ann]
        certificate = ann bob
        [access others]
        network = 127.0.0.0/8
        deny = yes
        """
    a = lab.driver("a")
    tls = ("--tls-port", port, "--tls-certificate", own.path, "--tls-key", own.key, "--tls-client-ca", authority.path)
    server = configured(lab, rules, *tls, a)
    a.send(define("A"))
    client = tls_clients.connect(port, "ann", EVERYTHING, command("A"), certificate=ann)
    a.expect("newNumberVector")
    intruder = tls_clients.connect(port, "eve", EVERYTHING, command("A", value=2), certificate=eve)
    assert "the access rule 'others' denies it" in intruder.expect("message").attributes["message"]
    intruder.expect_closed()
    is_turned_away(visitor(lab, server, "127.0.0.2"), "the access rule 'others' denies it")
    tls_clients.connect(port, "nobody", EVERYTHING).expect_closed()
    server.wait_for_log(r"A client from 127\.0\.0\.1:\d+ is turned away: .*it shows no certificate")
    client.ping()
    assert len([line for line in a.latest.lines() if "<new" in line]) == 1


# Time


def test_a_connection_has_to_send_something_complete_in_time(lab: Lab) -> None:
    server = lab.server("--message-timeout", 0.5, "-f", lab.folder / "fifo")
    subscribed = lab.client(server, "subscribed", EVERYTHING)
    for words in ("", "<getProp", "just words and no element", "<getProperties version='1.7'></wrong>"):
        newcomer = visitor(lab, server, "127.0.0.2", words)
        is_turned_away(newcomer, "no complete message came within 0.5 s")
    server.wait_for_log(r"Client \d+: closed: no complete message came within 0.5 s", times=4)
    is_in(subscribed)  # it was silent for four times as long


def test_drop_by_drop_is_no_progress_and_an_upload_is(lab: Lab) -> None:
    a = lab.driver("a")
    server = lab.server("--message-timeout", 1, a)
    clock = lab.server("--message-timeout", 0.15, "-f", lab.folder / "fifo")  # a connection to it lasts so long
    a.send(define("A"))
    payload = bytes(range(256)) * 64
    upload = f"<newBLOBVector device='A' name='I'>{inline(payload)}</newBLOBVector>"
    uploads = [lab.client(server, "second message", EVERYTHING), visitor(lab, server, "127.0.0.2")]
    slow = lab.client(server, "slow", EVERYTHING)
    slow.send("<message device='A' message='")
    for begin in range(0, len(upload), 1600):  # 14 times, so for 2 s
        for client in uploads:
            client.send(upload[begin : begin + 1600])
        if not slow.closed:
            slow.send(".")
        visitor(lab, clock, "127.0.0.1").expect_closed()
    assert slow.closed
    assert re.search(r"a message was not finished: \d+ bytes of it came", slow.expect("message").attributes["message"])
    for client in uploads:
        assert a.expect("newBLOBVector").children[0].payload() == payload
        is_in(client)


@pytest.mark.parametrize("length", [10, 1_000_000], ids=["many", "long"])
def test_a_client_that_names_devices_without_end_is_closed(lab: Lab, length: int) -> None:
    server = lab.server("-f", lab.folder / "fifo")
    neighbour = lab.client(server, "neighbour", EVERYTHING)
    hostile = lab.client(server, "hostile", *(get(f"{number:0{length}}") for number in range(10)))
    with contextlib.suppress(OSError):  # it is closed in the middle
        for first in range(10, 100_010, 10_000 if length == 10 else 1):
            numbers = range(first, first + (10_000 if length == 10 else 1))
            hostile.send(*(get(f"{number:0{length}}") for number in numbers))
            if hostile.closed:
                break
    hostile.expect_closed()
    server.wait_for_log(r"Client \d+: closed: it has named more devices and properties than any client needs")
    is_in(neighbour)


def test_a_client_that_says_too_much_is_closed(lab: Lab) -> None:
    server = lab.server("--max-rate", 10, "-f", lab.folder / "fifo")
    modest = lab.client(server, "modest", *[EVERYTHING] * 99)
    visitor_of_many = lab.client(server, "noisy")
    visitor_of_many.send(EVERYTHING * 100)
    is_turned_away(visitor_of_many, "it sends more messages than --max-rate allows")
    assert not modest.closed
