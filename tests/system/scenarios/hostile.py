"""BLOBs whose attributes lie, and readers that do not read: nobody but the culprit may notice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.party import Party
from tests.lab.pump import LabTimeout
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, attached, blob_vector, define, enable_blob, note, update
from tests.system.registry import scenario

ENDED = {"notes": ["the server ended"]}
SERVED = {"notes": ["others are served"]}


def crowd(lab: Lab) -> tuple[Server, ScriptedDriver]:
    """Start two drivers, and clients that want every BLOB over TCP and over the local socket."""
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server(alpha, beta)
    alpha.send(define("A"))
    beta.send(define("B"))
    lab.settle()
    lab.client(server, "tcp", EVERYTHING, enable_blob("Also"))
    lab.local_client(server, "local", EVERYTHING, enable_blob("Also"))
    lab.settle()
    return server, beta


def others_are_served(lab: Lab, beta: ScriptedDriver) -> Transcript:
    """Tell that the other driver's messages still reach both clients."""
    beta.send(note("B", "still here"))
    for client in lab.clients[:2]:
        client.expect("message", message="still here")
    return SERVED


def lying_blob(tag: str, size: str) -> str:
    """Return an inline BLOB with this size."""
    return blob_vector(tag, "A", "B", f"<oneBLOB name='b' size='{size}' format='.x'>aGVsbG8=</oneBLOB>")


def lying_attached(tag: str, size: str) -> str:
    """Return an attached BLOB with this size."""
    return blob_vector(tag, "A", "B", f"<oneBLOB name='b' size='{size}' format='.x' attached='true'/>")


ENDED = {"notes": ["the server ended"]}
SERVED = {"notes": ["others are served"]}


def from_driver(lab: Lab, message: str, *payloads: bytes) -> Transcript:
    """Let driver alpha send this; tell whether the server and the others survive it."""
    server, beta = crowd(lab)
    alpha = lab.drivers["alpha"].latest
    alpha.send_attached(message, *payloads)
    meet_its_fate(alpha)
    return outcome(lab, server, beta)


def meet_its_fate(culprit: Party) -> None:
    """Return when the server has handled what the culprit sent: it answers a ping or has closed the connection."""
    with contextlib.suppress(OSError):
        culprit.ping()


def from_client(lab: Lab, local: bool, message: str, *payloads: bytes) -> Transcript:
    """Let a client send this; tell whether the server and the others survive it."""
    server, beta = crowd(lab)
    culprit = server.local_client("culprit") if local else server.client("culprit")
    lab.clients.append(culprit)
    culprit.send_attached(message, *payloads)
    meet_its_fate(culprit)
    return outcome(lab, server, beta)


def outcome(lab: Lab, server: Server, beta: ScriptedDriver) -> Transcript:
    """Tell what is served now; where the reference ends, that it does."""
    try:
        return others_are_served(lab, beta)
    except (LabTimeout, OSError):
        if not lab.is_reference:
            raise
    server.wait_for_exit()
    return ENDED


def add_bad_sizes() -> None:
    """Register a scenario for each size that ends the reference, and each kind of sender."""
    for size in ("abc", "99999999999999999999", "-1"):
        for tag, form in (("set", lying_blob), ("set", lying_attached), ("new", lying_blob), ("new", lying_attached)):
            _add_bad_size(tag, size, form)


def _add_bad_size(tag: str, size: str, form: Callable[[str, str], str]) -> None:
    payloads = (b"hello",) if form is lying_attached else ()

    def play(lab: Lab) -> Transcript:
        if tag == "set":
            return from_driver(lab, form(tag, size), *payloads)
        return from_client(lab, form is lying_attached, form(tag, size), *payloads)

    play.__name__ = f"size_{size}_{form.__name__}_from_a_{'driver' if tag == 'set' else 'client'}"
    if (size, form) == ("-1", lying_attached):
        # The reference mostly survives this one, by chance.
        scenario(differs="hostile-blobs", unpredictable=("notes",), ours=SERVED)(play)
    else:
        scenario(differs="hostile-blobs", reference=ENDED, ours=SERVED)(play)


add_bad_sizes()


@scenario()
def attached_blob_without_descriptor_from_a_driver(lab: Lab) -> Transcript:
    result = from_driver(lab, blob_vector("set", "A", "B", attached(5)))
    return result | {"driver": environment_after_restart(lab)}


def environment_after_restart(lab: Lab) -> list[str]:
    """Wait until driver alpha was restarted; return what its new process received."""
    again = lab.drivers["alpha"].incarnation(2)
    again.expect("getProperties")
    return again.lines()


@scenario()
def attached_blob_without_size_from_a_driver(lab: Lab) -> Transcript:
    message = blob_vector("set", "A", "B", "<oneBLOB name='b' format='.x' attached='true'/>")
    result = from_driver(lab, message, b"hello")
    return result | {"driver": environment_after_restart(lab)}


@scenario()
def attached_blob_without_descriptor_from_a_local_client(lab: Lab) -> Transcript:
    return from_client(lab, True, blob_vector("new", "A", "B", attached(5)))


@scenario()
def attached_blob_from_a_tcp_client(lab: Lab) -> Transcript:
    return from_client(lab, False, blob_vector("new", "A", "B", attached(5)))


@scenario()
def blob_without_size_from_a_client(lab: Lab) -> Transcript:
    return from_client(lab, False, blob_vector("new", "A", "B", "<oneBLOB name='b' format='.x'>aGVsbG8=</oneBLOB>"))


MEGABYTE = bytes(1 << 20)


@scenario()
def reader_far_behind_is_closed(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    server = lab.server("-m", 1, alpha)
    slow = lab.client(server, "slow", EVERYTHING, enable_blob("Also"))
    quick = lab.client(server, "quick", EVERYTHING)
    slow.stop_reading()
    for number in range(24):
        alpha.send_attached(blob_vector("set", "A", "B", attached(len(MEGABYTE))), MEGABYTE)
        alpha.send(update("A", "P", number))
        alpha.ping()
    quick.expect_count(24, "setNumberVector")
    slow.read_again()
    slow.expect_closed()
    got = sum("setBLOB" in line for line in slow.lines())
    return {"quick": quick.lines(), "slow": ["closed", "before the end" if got < 24 else "not before the end"]}


def streamed(lab: Lab, form: str, limit: int) -> Transcript:
    """Let a reader pause while many BLOBs of a format come; tell whether it missed some."""
    alpha = lab.driver("alpha")
    server = lab.server("-d", limit, alpha)
    slow = lab.client(server, "slow", EVERYTHING, enable_blob("Also"))
    slow.stop_reading()
    for number in range(24):
        alpha.send_attached(blob_vector("set", "A", "B", attached(len(MEGABYTE), form=form)), MEGABYTE)
        alpha.send(update("A", "P", number))
        alpha.ping()
    slow.read_again()
    lab.settle()
    lines = slow.lines()
    blobs, updates = (sum(tag in line for line in lines) for tag in ("setBLOB", "setNumber"))
    return {"slow": [f"{updates} updates", "all BLOBs" if blobs == 24 else "not all BLOBs"]}


@scenario()
def stream_for_a_reader_behind_is_thinned(lab: Lab) -> Transcript:
    return streamed(lab, ".stream_jpg", 1)


@scenario()
def stream_is_not_thinned_with_limit_0(lab: Lab) -> Transcript:
    return streamed(lab, ".stream_jpg", 0)


@scenario()
def other_blobs_are_never_thinned(lab: Lab) -> Transcript:
    return streamed(lab, ".fits", 1)
