"""Plays of rows 5, 9, 16, 17, 18, 19 and 21: clients that stop, lie, come in crowds, say too little or too much."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults.parties import reader_process, stopped
from tests.faults.test_row_09_hostile_blobs import HOSTILE
from tests.faults.test_row_19_malformed import corpus, junk
from tests.lab.party import Party
from tests.lab.pump import LabTimeout
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, blob_vector, command, enable_blob, get, inline, update

from .plays import row
from .stage import HERE, MEGABYTE, Stage, ended, fate, has_more, introduce, megabytes, memory, peak_memory

_LIMIT_MB = 8
_BLOBS = 60
_GIGABYTE = 1 << 30


@row(5, limit_s=400)
def stopped_client(stage: Stage) -> str:
    """Client SIGSTOPped while 60 MB of BLOBs flow, `-m 8`."""
    camera = stage.lab.driver("A")
    server = stage.serve("-m", _LIMIT_MB, camera)
    introduce(camera)
    reader = stage.watcher(server, EVERYTHING, enable_blob("Also"))
    base = peak = memory(server)
    whole = 0
    with reader_process(server, EVERYTHING, enable_blob("Also")) as process, stage.pulse(server) as pulse:
        stage.within(5, lambda: camera.latest.received.count(b"<getProperties") >= 3)
        with stopped(stage.lab, process.pid):
            for number in range(_BLOBS):
                payload = bytes([number]) * MEGABYTE
                # Without enclen: with it, large BLOBs wedge the reference's parser, which is another fault.
                camera.send(blob_vector("set", "A", "picture", inline(payload, enclen=False)))
                stage.within(5, partial(has_more, reader, b"</setBLOBVector>", number))
                peak = max(peak, memory(server))
            whole = reader.received.count(b"</setBLOBVector>")
            logged = "behind" in server.log
    return (
        f"memory +{megabytes(peak - base)}; the other client got {whole} of {_BLOBS} BLOBs; "
        f"{'the reason is logged' if logged else 'no reason in the log'}; {pulse[0]}"
    )


@row(9, limit_s=240)
def hostile_blobs(stage: Stage) -> str:
    """Hostile BLOB attributes, inline and attached, from drivers and clients, each on a server of its own."""
    survived, ends = 0, []
    for attributes in HOSTILE:
        for is_attached in (False, True):
            for sender in ("driver", "client"):
                server = hit(stage, attributes, is_attached, sender)
                stage.within(0.3, partial(ended, server))
                if ended(server):
                    ends.append(fate(server).replace("**server ended** ", ""))
                else:
                    survived += 1
                server.close()
    total = survived + len(ends)
    if not ends:
        return f"{total} of {total} survived"
    reasons = ", ".join(f"{ends.count(one)} x {one}" for one in sorted(set(ends)))
    return f"**{len(ends)} of {total} ended the server** ({reasons})"


def hit(stage: Stage, attributes: str, is_attached: bool, sender: str) -> Server:
    """Start a server and have somebody send it one hostile BLOB."""
    alpha = stage.lab.driver("A")
    server = stage.lab.server(alpha)
    introduce(alpha)
    alpha.ping()
    stage.lab.local_client(server, "local", EVERYTHING, enable_blob("Also"))
    culprit: Party = alpha.latest
    if sender == "client":
        culprit = stage.lab.local_client(server, "culprit") if is_attached else stage.lab.client(server, "culprit")
    content = "attached='true' format='.x'/>" if is_attached else "format='.x'>aGVsbG8=</oneBLOB>"
    vector = blob_vector("set" if sender == "driver" else "new", "A", "B", f"<oneBLOB name='b' {attributes} {content}")
    with contextlib.suppress(OSError, LabTimeout):
        culprit.send_attached(vector, *([b"hello"] if is_attached else []))
    return server


@row(16, limit_s=300)
def crowds(stage: Stage) -> str:
    """1000 clients at once, 1000 in a row, 10,000 that leave at once."""
    server = stage.serve()
    stage.pause(0.5)
    base = server.descriptors()
    found = []
    with stage.pulse(server) as pulse:
        for what, play in (("1000 at once", at_once), ("1000 in a row", in_a_row), ("10,000 gone", passers_by)):
            began = time.monotonic()
            refused = play(server)
            lost = f", **{refused} refused**" if refused else ""
            found.append(f"{what}: {time.monotonic() - began:.1f} s{lost}")
    left = stage.within(10, lambda: ended(server) or server.descriptors() == base)
    kept = "" if left is not None else f"; **{server.descriptors() - base} descriptors kept**"
    return f"{', '.join(found)}; {fate(server)}, {pulse[0]}{kept}"


def at_once(server: Server) -> int:
    """Connect all, and have each answered; how many were not."""
    with contextlib.ExitStack() as leaving:
        clients = [leaving.enter_context(connected(server)) for _ in range(1000)]
        for client in clients:
            client.sendall(b"<pingRequest uid='here'/>")
        return sum(not answered(client) for client in clients)


def in_a_row(server: Server) -> int:
    """One after the other, each answered; how many were not."""
    refused = 0
    for _ in range(1000):
        with connected(server) as client:
            client.sendall(b"<pingRequest uid='here'/>")
            refused += not answered(client)
    return refused


def passers_by(server: Server) -> int:
    """Connect and leave; how many could not."""
    refused = 0
    for _ in range(10_000):
        try:
            connected(server).close()
        except OSError:
            refused += 1
    return refused


def connected(server: Server) -> socket.socket:
    """A connection, which waits 30 s at most."""
    return socket.create_connection(("127.0.0.1", server.port), 30)


def answered(client: socket.socket) -> bool:
    """Whether a pingReply comes."""
    seen = b""
    with contextlib.suppress(OSError):
        while data := client.recv(4096):
            seen += data
            if b"here" in seen:
                return True
    return False


@row(17)
def unfinished(stage: Stage) -> str:
    """Endless attribute (64 MB); a byte a second, silence, an unfinished message (ours `--message-timeout 3`)."""
    server = stage.serve(*stage.ours_only("--message-timeout", 3))
    babbler = stage.watcher(server, "<pingRequest/>")
    base = memory(server)
    with stage.pulse(server) as pulse:
        with contextlib.suppress(OSError, LabTimeout):
            babbler.send("<newTextVector device='", *["x" * MEGABYTE] * 64)
        stage.pause(1)
        grown = peak_memory(server) - base
        idle = {name: server.client(name) for name in ("a byte a second", "silent", "unfinished")}
        stage.lab.clients += idle.values()
        idle["unfinished"].send(EVERYTHING, "<newTextVector device='A'")
        quiet = stage.watcher(server, EVERYTHING)
        for byte in "<newTextVector"[:10]:
            with contextlib.suppress(OSError):
                idle["a byte a second"].send(byte)
            stage.pause(1)
    closed = [name for name, one in idle.items() if one.closed]
    kept = [name for name, one in idle.items() if not one.closed]
    verdict = f"closed: {', '.join(closed) or 'none'}; {f'**kept: {chr(44).join(kept)}**; ' if kept else ''}"
    return (
        f"memory +{megabytes(grown)}; {verdict}quiet subscriber {'closed' if quiet.closed else 'kept'}; "
        f"TCP keepalive {'on' if has_keepalive(server) else '**off**'}; {pulse[0]}"
    )


def has_keepalive(server: Server) -> bool:
    """Whether the kernel has a keepalive timer for a client of the server's."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    timers = [one[5][:2] for one in rows if one[1].endswith(f":{server.port:04X}") and one[3] == "01"]
    return "02" in timers


@row(18)
def half_closed(stage: Stage) -> str:
    """Client shuts down its writing side after a request, the answer comes 1 s later."""
    alpha = stage.lab.driver("A")
    server = stage.serve(alpha)
    introduce(alpha)
    alpha.ping()
    client = server.client("client")
    stage.lab.clients.append(client)
    client.send(get("A"))
    client.half_close()
    stage.within(5, lambda: alpha.latest.has("getProperties", device="A"))
    stage.pause(1)
    introduce(alpha)
    taken_s = stage.within(3, lambda: client.has("defNumberVector", device="A"))
    return "the answer comes" if taken_s is not None else "**the answer is lost**"


@row(19, limit_s=600)
def malformed(stage: Stage) -> str:
    """Malformed XML, corpus and random, from clients and drivers; the second good message after it is awaited."""
    inputs = [*corpus(), *junk()[:100]]
    found = []
    for name, play in (("clients", from_client), ("drivers", from_driver)):
        seen = Seen(stage)
        for number, data in enumerate(inputs):
            seen.take(play, data, number)
        seen.ends += stage.within(1, partial(ended, seen.server)) is not None
        found.append(f"from {name}: {seen.words(len(inputs))}")
    return "; ".join(found)


class Seen:
    """What malformed input has done until now."""

    def __init__(self, stage: Stage) -> None:
        self.lost = self.ill_formed = self.ends = 0
        self._stage = stage
        self.driver = stage.lab.driver("A")
        self.server = self._serve()

    def take(self, play: Callable[[Stage, Seen, bytes, int], None], data: bytes, number: int) -> None:
        """Play one input; again on another server where the last input's victim was still dying."""
        for _ in range(2):
            if ended(self.server):
                self.ends += 1
                self.begin_again()
            try:
                play(self._stage, self, data, number)
            except OSError:
                self._stage.within(2, partial(ended, self.server))
            else:
                return
        self.lost += 1

    def begin_again(self) -> None:
        """Start another server in place of this one."""
        self.server.close()
        self.driver = self._stage.lab.driver("A")
        self.server = self._serve()

    def _serve(self) -> Server:
        stage = self._stage
        server = stage.lab.server("-r", 10_000, *stage.ours_only("--restart-delay", 0), self.driver, stage.echo)
        introduce(self.driver)
        self.driver.ping()
        return server

    def words(self, total: int) -> str:
        """In bold what should be none."""
        text = f"{self.lost} of {total} senders cut off for good, {self.ill_formed} passed on as no XML"
        ends = f", server ended {self.ends} times" if self.ends else ""
        return f"**{text}{ends}**" if self.lost or self.ill_formed or self.ends else text


def from_client(stage: Stage, seen: Seen, data: bytes, number: int) -> None:
    """A client of its own for each input, and a fresh server where a driver got what is no XML."""
    babbler = seen.server.client("babbler")
    seen.lost += not second_arrives(stage, babbler, seen.driver.latest, data, number, command)
    babbler.close()
    if any(message.tag == "#malformed" for message in seen.driver.latest.inbox):
        seen.ill_formed += 1
        seen.begin_again()


def from_driver(stage: Stage, seen: Seen, data: bytes, number: int) -> None:
    """A run of the driver and a listening client for each input."""
    server, driver = seen.server, seen.driver
    client = stage.lab.client(server, "client", EVERYTHING)
    runs, run = len(driver.incarnations), driver.latest
    seen.lost += not second_arrives(stage, run, client, data, number, update)
    seen.ill_formed += any(message.tag == "#malformed" for message in client.inbox)
    client.close()
    run.kill()
    stage.within(5, lambda: len(driver.incarnations) > runs or ended(server))


def second_arrives(
    stage: Stage, sender: Party, receiver: Party, data: bytes, number: int, form: Callable[..., str]
) -> bool:
    """Send the input and two good messages; whether the second arrives, or the sender is closed for a lying BLOB."""
    sent = [form("A", "P", 10_000 + number), form("A", "P", 50_000 + number)]
    with contextlib.suppress(OSError, LabTimeout):
        sender.write(data)
        sender.send(*sent)
    needle = str(50_000 + number).encode()
    return stage.within(1, lambda: needle in receiver.received or (sender.closed and b"oneBLOB" in data)) is not None


@row(21, limit_s=240)
def gigabyte(stage: Stage) -> str:
    """1 GB BLOB, inline, to one client."""
    driver = stage.program("big", HERE / "blob_driver.py", BLOB_DRIVER_BYTES=_GIGABYTE)
    server = stage.serve("-m", 4000, driver)
    base = memory(server)
    switch = "<newSwitchVector device='Big' name='B'><oneSwitch name='x'>On</oneSwitch></newSwitchVector>"
    with reader_process(server, get("Big"), enable_blob("Also", "Big")) as reader, stage.pulse(server) as pulse:
        stage.pause(1)
        began = time.monotonic()
        stage.watcher(server, get("Other"), switch)
        whole = _GIGABYTE // 3 * 4
        arrived = stage.within(180, lambda: ended(server) or reader.taken > whole)
        taken_s = time.monotonic() - began
        peak = peak_memory(server) - base
    if ended(server):
        return f"{fate(server)}, its last words “{server.complete_log().strip().splitlines()[-1][-100:]}”; {pulse[0]}"
    multiple = f"memory +{megabytes(peak)} ({peak / whole:.1f} x the message)"
    came = "**never arrived whole**" if arrived is None else f"arrived after {taken_s:.0f} s"
    return f"{came}, {multiple}; {fate(server)}, {pulse[0]}"
