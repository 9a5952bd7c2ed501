"""Differences that a transcript of messages does not show, measured on both servers; the README has these sentences.

Each function plays one script and returns what it saw in a word or two; the decorator says what the reference and ours
must answer. Run one row with `./scripts/test tests/system/test_readme_differences.py -k ROW`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.pump import DEADLINE_S, LabTimeout
from tests.lab.server import CANDIDATE, REFERENCE, Server, free_port
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, define, enable_blob, inline, note, update
from tests.system.conftest import NO_REFERENCE

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Difference:
    """One row: the README's sentence, the script, and what each server answers."""

    sentence: str
    play: Callable[[Lab], str]
    answers: dict[str, str]


DIFFERENCES: dict[str, Difference] = {}


def difference(sentence: str, reference: str, ours: str) -> Callable[[Callable[[Lab], str]], Callable[[Lab], str]]:
    """Register the decorated function as a row."""

    def register(play: Callable[[Lab], str]) -> Callable[[Lab], str]:
        DIFFERENCES[play.__name__] = Difference(sentence, play, {REFERENCE: reference, CANDIDATE: ours})
        return play

    return register


@pytest.mark.parametrize("kind", [REFERENCE, CANDIDATE])
@pytest.mark.parametrize("row", DIFFERENCES)
def test_measured(row: str, kind: str, open_lab: Callable[[str], Lab], reference_installed: bool) -> None:
    if kind == REFERENCE and not reference_installed:
        pytest.skip(NO_REFERENCE)
    assert DIFFERENCES[row].play(open_lab(kind)) == DIFFERENCES[row].answers[kind]


def one_driver(lab: Lab, *options: object) -> tuple[Server, ScriptedDriver]:
    """Start a server with a driver that owns device A."""
    alpha = lab.driver("alpha")
    server = lab.server(*options, alpha)
    alpha.send(define("A"))
    alpha.ping()
    return server, alpha


def becomes_true(lab: Lab, condition: Callable[[], object], expected_of: str = CANDIDATE) -> bool:
    """Whether a condition comes true; a server of which that is not expected has 2 s, so that the test is quick."""
    try:
        lab.pump.poll(condition, "", DEADLINE_S if lab.kind == expected_of else 2.0)
    except LabTimeout:
        return False
    return True


def rss(server: Server) -> int:
    """The server's resident memory in bytes."""
    memory: int = psutil.Process(server.pid).memory_info().rss
    return memory


# Listening and starting


@difference(
    "The TCP port is open on 127.0.0.1 and ::1 only, until `--host` opens it; the reference listens on every IPv4"
    " address and on no IPv6 one.",
    reference="0.0.0.0",
    ours="loopback only",
)
def addresses(lab: Lab) -> str:
    server, _ = one_driver(lab)
    connections = psutil.Process(server.pid).net_connections("tcp")
    found = {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}
    return "loopback only" if found <= {"127.0.0.1", "::1"} else " ".join(found)


@difference(
    "When the port is taken, the message names the port, the process that has it and the way out; the reference "
    "says `bind: Address already in use`. Both end with status 1.",
    reference="status 1, holder not named",
    ours="status 1, holder named",
)
def port_taken(lab: Lab) -> str:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = lab.launch("/bin/cat", port=port)
        status = server.wait_for_exit()
    named = f"port {port} is in use (pid {os.getpid()}" in server.complete_log()
    return f"status {status}, holder {'' if named else 'not '}named"


@difference(
    "A driver that cannot be executed is logged with the path tried, or the PATH searched, and the reason; the "
    "reference logs the reason.",
    reference="reason",
    ours="reason and path",
)
def driver_not_found(lab: Lab) -> str:
    # The reference loses what a driver wrote last, more often than not when the machine is busy.
    server = lab.launch("-r", 50 if lab.is_reference else 0, "no_such_driver", PATH="/nowhere:/usr/bin:/bin")
    server.wait_for_exit()
    log = server.complete_log()
    assert "No such file or directory" in log
    return "reason and path" if "/nowhere:/usr/bin:/bin" in log else "reason"


@difference(
    "A remote may be an IPv6 address in brackets, `device@[::1]:7624`; the reference ends with status 1.",
    reference="ended with status 1",
    ours="connects to ::1",
)
def ipv6_remote(lab: Lab) -> str:
    port = free_port()
    server = lab.launch(f"Dome@[::1]:{port}")
    if lab.is_reference:
        return f"ended with status {server.wait_for_exit()}"
    server.wait_for_log(rf"\[::1\]:{port} cannot be reached")
    return "connects to ::1"


@difference(
    "A driver may be a Python class, `package.module:Class`; the reference looks for an executable of that name.",
    reference="not started",
    ours="served",
)
def python_class(lab: Lab) -> str:
    server = lab.launch("-r", 0, "indigevent.simulators.focuser:FocuserSimulator")
    if lab.is_reference:
        server.wait_for_exit()
        return "not started"
    server.wait_until_listening()
    client = lab.client(server, "client", EVERYTHING)
    client.expect("defSwitchVector", device="Focuser Simulator", name="CONNECTION")
    return "served"


# Drivers


@difference(
    "A driver is started again after 0.1 s (`--restart-delay`), then 0.2 s, 0.4 s and so on up to 60 s, and a run"
    " of 60 s forgives all restarts before it; the reference starts it again at once and never forgives.",
    reference="4 restarts within 1.5 s",
    ours="4 restarts in 1.5 s or more",
)
def restart_delay(lab: Lab) -> str:
    start = time.monotonic()
    server = lab.launch("-r", 4, "/bin/false")
    server.wait_for_exit()
    elapsed_s = time.monotonic() - start
    assert server.complete_log().count("restart #") == 4
    return "4 restarts within 1.5 s" if elapsed_s < 1.5 else "4 restarts in 1.5 s or more"


@difference(
    "A second driver that speaks for a device is logged, with both names; both get its commands, as in the "
    "reference, which logs nothing.",
    reference="nothing logged",
    ours="logged with both names",
)
def second_owner(lab: Lab) -> str:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server(alpha, beta)
    alpha.send(define("A"))
    alpha.ping()
    beta.send(define("A"))
    beta.ping()
    logged = becomes_true(lab, lambda: re.search(r"beta: device A is driver \S*alpha's already", server.log))
    return "logged with both names" if logged else "nothing logged"


@difference(
    "What waits for a driver that does not read is limited by `-m`, and that is logged; the reference keeps all "
    "of it in memory and says nothing.",
    reference="grew by more than 20 MB",
    ours="logged, grew by less than 20 MB",
)
def deaf_driver(lab: Lab) -> str:
    server, alpha = one_driver(lab, "-m", 1)
    alpha.latest.stop_reading()
    client = lab.client(server, "client")
    before = rss(server)
    text = "x" * (MEGABYTE // 10)
    for _ in range(300):
        client.send(f"<newTextVector device='A' name='T'><oneText name='t'>{text}</oneText></newTextVector>")
    client.ping()
    if rss(server) - before > 20 * MEGABYTE:
        return "grew by more than 20 MB"
    server.wait_for_log("alpha: does not read")
    return "logged, grew by less than 20 MB"


@difference(
    "An attached BLOB that is shorter than its `size` is dropped, and its driver started again; the reference sends "
    "what there is under the wrong `size`.",
    reference="5 bytes sent, goes on",
    ours="nothing sent, started again",
)
def short_attached_blob(lab: Lab) -> str:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING, enable_blob("Also"))
    alpha.send_attached(blob_vector("set", "A", "B", attached(1000)), b"hello")
    if lab.is_reference:
        client.expect("setBLOBVector")
        alpha.ping()
    else:
        client.expect("delProperty", device="A")
        alpha.incarnation(2)
    blobs = [base64.b64decode(text) for text in re.findall(rb"<oneBLOB[^>]*>([^<]*)<", client.received)]
    sent = f"{len(blobs[0])} bytes" if blobs else "nothing"
    return f"{sent} sent, {'goes on' if len(alpha.incarnations) == 1 else 'started again'}"


@difference(
    "A libindi driver's ping after a BLOB is held back, for a second at most, while every reader of that BLOB is "
    "more than `-d` behind; the reference answers at once, and the driver goes on filling the queue.",
    reference="answered before the next message",
    ours="answered after the next message",
)
def ping_after_a_blob(lab: Lab) -> str:
    server, alpha = one_driver(lab)
    slow = lab.client(server, "slow", EVERYTHING, enable_blob("Also"))
    slow.stop_reading()
    blob = blob_vector("set", "A", "B", inline(bytes(12 * MEGABYTE), enclen=False))
    alpha.send(blob + "<pingRequest uid='SetBLOB/1'/><pingRequest uid='other'/>")
    alpha.expect("pingReply", uid="other")
    answered = alpha.latest.has("pingReply", uid="SetBLOB/1")
    if not answered:
        alpha.expect("pingReply", uid="SetBLOB/1")
    return "answered before the next message" if answered else "answered after the next message"


@difference(
    "A driver that is stopped through the FIFO gets the end of its stdin first, so that it can park or switch off; the "
    "reference kills it at once.",
    reference="killed",
    ours="ended by itself",
)
def stop_by_fifo(lab: Lab) -> str:
    fifo, driver, ended = lab.folder / "fifo", lab.folder / "driver", lab.folder / "ended"
    os.mkfifo(fifo)
    driver.write_text("#!/bin/sh\ntouch started\ncat >/dev/null\ntouch ended\n")
    driver.chmod(0o755)
    lab.launch("-f", fifo, driver).wait_until_listening()
    lab.pump.poll((lab.folder / "started").exists, "the driver starts")
    fifo.write_text(f"stop {driver}\n")
    return "ended by itself" if becomes_true(lab, ended.exists) else "killed"


# Clients


@difference(
    "A clean message leaves as the bytes that came; the reference writes it anew and puts line breaks and blanks "
    "around texts.",
    reference="written anew",
    ours="the same bytes",
)
def clean_message(lab: Lab) -> str:
    server, alpha = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(update("A", "P", 5))
    client.expect("setNumberVector")
    return "the same bytes" if update("A", "P", 5).encode() in client.received else "written anew"


@difference(
    "A client is closed after 100 malformed elements within 10 s; the reference keeps it.",
    reference="kept",
    ours="closed",
)
def malformed_flood(lab: Lab) -> str:
    server, _ = one_driver(lab)
    client = lab.client(server, "client", EVERYTHING)
    with contextlib.suppress(ConnectionError):
        client.send("<message device='A' message=unquoted/>" * 150)
    return "closed" if becomes_true(lab, lambda: client.closed) else "kept"


@difference(
    "When descriptors run out, new clients wait until one is free, and that is logged; the reference ends with "
    "status 1. The soft limit of descriptors is raised to the hard one at the start, and drivers get their old "
    "one.",
    reference="ended with status 1",
    ours="the last one is served when others leave",
)
def descriptors_run_out(lab: Lab) -> str:
    server, alpha = one_driver(lab)
    free = 12
    limit = server.descriptors() + free
    psutil.Process(server.pid).rlimit(psutil.RLIMIT_NOFILE, (limit, limit))
    clients = []
    with contextlib.suppress(ConnectionError):
        for number in range(2 * free):
            clients.append(server.client(f"client {number}"))
            lab.clients.append(clients[-1])
    if lab.is_reference:
        return f"ended with status {server.wait_for_exit()}"
    server.wait_for_log("New clients have to wait: Too many open files")
    for client in clients[:-1]:
        client.close()
    clients[-1].send(EVERYTHING)
    clients[-1].ping()
    alpha.send(update("A"))
    clients[-1].expect("setNumberVector")
    return "the last one is served when others leave"


@difference(
    "An element that does not end is dropped after 4 MB (a BLOB's content excepted), 64 attributes or 32 levels; the "
    "reference keeps all of it in memory.",
    reference="grew by more than 20 MB",
    ours="dropped, grew by less than 20 MB",
)
def endless_element(lab: Lab) -> str:
    server, _ = one_driver(lab)
    babbler = lab.client(server, "babbler")
    before = rss(server)
    babbler.send("<newTextVector device='A' name='T'><oneText name='t'>")
    babbler.send(*["x" * MEGABYTE] * 30)
    # Its last bytes are taken in before a client that comes later is served, or at least all but those in the kernel.
    lab.client(server, "later")
    if rss(server) - before > 20 * MEGABYTE:
        return "grew by more than 20 MB"
    server.wait_for_log("longer than allowed")
    return "dropped, grew by less than 20 MB"


# Chaining


@difference(
    "Two servers that serve each other's devices pass each message once; the reference sends it to and fro, more "
    "than ten copies within 2 s.",
    reference="more than 10 copies",
    ours="1 copy",
)
def loop_of_two_servers(lab: Lab) -> str:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    ports = free_port(), free_port()
    fifos = [lab.folder / "fifo1", lab.folder / "fifo2"]
    for fifo in fifos:
        os.mkfifo(fifo)
    first = lab.server("-v", "-f", fifos[0], alpha, port=ports[0])
    second = lab.server("-v", "-f", fifos[1], beta, port=ports[1])
    alpha.send(define("A"))
    alpha.ping()
    fifos[0].write_text(f"start @127.0.0.1:{ports[1]}\n")
    fifos[1].write_text(f"start @127.0.0.1:{ports[0]}\n")
    for server in (first, second):
        server.wait_for_log(r"Driver @\S*: socket=")
        server.wait_for_log(r"Client \d+: new arrival")
    beta.expect("getProperties")
    alpha.send(define("A"))
    client = lab.client(first, "client", EVERYTHING)
    alpha.send(note("A", "hello"))
    client.expect("message", message="hello")
    if becomes_true(lab, lambda: client.received.count(b"hello") > 10, expected_of=REFERENCE):
        return "more than 10 copies"
    return f"{client.received.count(b'hello')} copy"


@difference(
    "What a remote says of a device that a local driver owns is dropped; in the reference clients get both, mixed.",
    reference="near far",
    ours="near",
)
def remote_with_a_local_device(lab: Lab) -> str:
    far, near = lab.driver("far"), lab.driver("near")
    down = lab.server(far)
    up = lab.server("-v", near, f"@127.0.0.1:{down.port}")
    near.send(define("A"))
    near.ping()
    up.wait_for_log("Driver @.*: socket=")
    far.expect("getProperties")
    client = lab.client(up, "client", EVERYTHING)
    far.expect("getProperties")
    near.send(note("A", "near"))
    near.ping()
    far.send(note("A", "far"), note("F", "last"))
    client.expect("message", message="last")
    return " ".join(str(m.attributes["message"]) for m in client.inbox if m.matches("message", device="A"))


# FIFO and logs


@difference(
    "A FIFO that was deleted is made again; the reference never hears of the new one.",
    reference="gone",
    ours="made again",
)
def fifo_deleted(lab: Lab) -> str:
    path = lab.folder / "fifo"
    os.mkfifo(path)
    server = lab.launch("-f", path)
    server.wait_until_listening()
    path.unlink()
    return "made again" if becomes_true(lab, path.is_fifo) else "gone"


@difference(
    "A log that nobody reads never stops routing: lines for which there is no room are counted; the reference stops.",
    reference="stops",
    ours="goes on",
)
def unread_log(lab: Lab) -> str:
    server, _ = one_driver(lab, "-vvv")
    assert server.process.stderr is not None
    lab.pump.forget(server.process.stderr.fileno())
    client = lab.client(server, "client", EVERYTHING)
    client.send(*[note("A", "x" * 2000)] * 200)
    client.send("<pingRequest uid='after'/>")
    return "goes on" if becomes_true(lab, lambda: client.has("pingReply", uid="after")) else "stops"


@difference(
    "An islog that cannot be written costs one line in the log; the reference says nothing.",
    reference="nothing logged",
    ours="1 line",
)
def islog_not_writable(lab: Lab) -> str:
    server, alpha = one_driver(lab, "-l", lab.folder / "missing")
    alpha.send(note("A", "one"), note("A", "two"))
    alpha.ping()
    becomes_true(lab, lambda: "not logged" in server.log)
    count = server.log.count("messages are not logged to")
    return f"{count} line" if count else "nothing logged"
