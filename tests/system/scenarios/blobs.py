"""BLOBs inline and attached, from drivers and from clients, over TCP and over the local socket."""

from __future__ import annotations

import hashlib

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.server import Server
from tests.lab.vocabulary import (
    EVERYTHING,
    attached,
    blob_vector,
    command,
    define,
    enable_blob,
    get,
    inline,
    set_blob,
    update,
)
from tests.system.registry import scenario

EMPTY = "<oneBLOB name='b' size='0' format='.x'></oneBLOB>"
BIG = bytes(range(256)) * 12_000


def observatory(lab: Lab) -> tuple[Server, ScriptedDriver]:
    """Start a driver that owns A and connect a TCP and a local client that want its BLOBs."""
    driver = lab.driver("alpha")
    server = lab.server(driver)
    driver.send(define("A"))
    driver.ping()
    lab.client(server, "tcp", EVERYTHING, enable_blob("Also"))
    lab.local_client(server, "local", EVERYTHING, enable_blob("Also"))
    lab.client(server, "tcp never", EVERYTHING)
    lab.local_client(server, "local never", EVERYTHING)
    lab.settle()
    return server, driver


@scenario()
def inline_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(set_blob("A", "B", b"hello"), update("A"))
    return lab.transcript()


@scenario()
def inline_in_lines_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(blob_vector("set", "A", "B", inline(b"hello world " * 20, width=72)), update("A"))
    return lab.transcript()


@scenario()
def attached_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send_attached(blob_vector("set", "A", "B", attached(5)), b"hello")
    driver.send(update("A"))
    return lab.transcript()


@scenario()
def attached_descriptor_larger_than_size(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send_attached(blob_vector("set", "A", "B", attached(5)), b"hello, and more that is not meant")
    return lab.transcript()


@scenario()
def several_attached_in_one_message(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    content = attached(3, "one") + attached(4, "two", ".y") + attached(5, "three")
    driver.send_attached(blob_vector("set", "A", "B", content), b"111", b"2222", b"33333")
    return lab.transcript()


@scenario()
def sixteen_attached_in_one_message(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    payloads = [f"number {number}".encode() for number in range(16)]
    content = "".join(attached(len(payload), f"b{number}") for number, payload in enumerate(payloads))
    driver.send_attached(blob_vector("set", "A", "B", content), *payloads)
    return lab.transcript()


@scenario(
    differs="mixed-blobs",
    unpredictable=("tcp", "local"),
    ours={
        "tcp": [
            "<setBLOBVector device='A' name='B'><oneBLOB enclen='8' format='.x' name='one' size='6'>inline b'inside'</>"
            "<oneBLOB format='.x' name='two' size='7'>inline b'outside'</>"
            "<oneBLOB enclen='8' format='.x' name='three' size='5'>inline b'again'</>"
            "<oneBLOB format='.x' name='four' size='5'>inline b'there'</></>"
        ],
        "local": [
            "<setBLOBVector device='A' name='B'>"
            "<oneBLOB attached='true' format='.x' name='one' size='6'>attached b'inside'</>"
            "<oneBLOB attached='true' format='.x' name='two' size='7'>attached b'outside'</>"
            "<oneBLOB attached='true' format='.x' name='three' size='5'>attached b'again'</>"
            "<oneBLOB attached='true' format='.x' name='four' size='5'>attached b'there'</></>"
        ],
    },
)
def attached_and_inline_in_one_message(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    content = inline(b"inside", "one") + attached(7, "two") + inline(b"again", "three") + attached(5, "four")
    driver.send_attached(blob_vector("set", "A", "B", content), b"outside", b"there")
    return lab.transcript()


@scenario()
def attached_in_quick_succession(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    for number in range(20):
        payload = f"picture {number}".encode()
        driver.send_attached(blob_vector("set", "A", "B", attached(len(payload))), payload)
        driver.send(update("A", "P", number))
    return lab.transcript()


@scenario()
def big_inline_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(blob_vector("set", "A", "B", inline(BIG, enclen=False)), update("A"))
    return lab.transcript()


@scenario()
def big_inline_in_lines_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(blob_vector("set", "A", "B", inline(BIG, width=72)), update("A"))
    return lab.transcript()


BIG_SHOWN = f"{len(BIG)} bytes {hashlib.sha1(BIG).hexdigest()}"
BIG_ENCLEN = (len(BIG) + 2) // 3 * 4
UPDATE = "<setNumberVector device='A' name='P' state='Ok'><oneNumber name='x'>1</></>"
GONE = "<delProperty device='A'/>"


@scenario(
    differs="enclen",
    reference={"tcp": [GONE], "local": [GONE], "tcp never": [GONE], "local never": [GONE]},
    ours={
        "tcp": [
            "<setBLOBVector device='A' name='B'>"
            f"<oneBLOB enclen='{BIG_ENCLEN}' format='.x' name='b' size='{len(BIG)}'>inline {BIG_SHOWN}</></>",
            UPDATE,
            GONE,
        ],
        "local": [
            "<setBLOBVector device='A' name='B'>"
            f"<oneBLOB attached='true' format='.x' name='b' size='{len(BIG)}'>attached {BIG_SHOWN}</></>",
            UPDATE,
            GONE,
        ],
        "tcp never": [UPDATE, GONE],
        "local never": [UPDATE, GONE],
    },
)
def big_inline_with_enclen_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(set_blob("A", "B", BIG), update("A"))
    driver.latest.exit(0)
    driver.incarnation(2).expect("getProperties")
    return lab.transcript()


@scenario()
def big_attached_from_a_driver(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send_attached(blob_vector("set", "A", "B", attached(len(BIG))), BIG)
    driver.send(update("A"))
    return lab.transcript()


@scenario()
def empty_blob(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(blob_vector("set", "A", "B", EMPTY), blob_vector("set", "A", "B", EMPTY + inline(b"more", "c")))
    return lab.transcript()


@scenario()
def vector_without_blobs(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(blob_vector("set", "A", "B", ""), "<setBLOBVector device='A' name='B' state='Busy'/>")
    return lab.transcript()


@scenario()
def unknown_attributes_of_a_blob_pass(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    blob = "<oneBLOB name='b' size='5' len='5' format='.fits' extra='kept &amp; well'>aGVsbG8=</oneBLOB>"
    driver.send(blob_vector("set", "A", "B", blob))
    return lab.transcript()


@scenario()
def pings_around_blobs(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send(set_blob("A", "B", b"first"), "<pingRequest uid='SetBLOB/1'/>")
    driver.expect("pingReply", uid="SetBLOB/1")
    driver.send_attached(blob_vector("set", "A", "B", attached(6)), b"second")
    driver.send("<pingRequest uid='SetBLOB/2'/>")
    driver.expect("pingReply", uid="SetBLOB/2")
    return lab.transcript()


DRIVER_STARTS = ["<getProperties version='1.7'/>"] * 5
NEW = "<newBLOBVector device='A' name='B'><oneBLOB {}</></>"
ATTACHED_HELLO = NEW.format("attached='true' format='.x' name='b' size='5'>attached b'hello'")
INLINE_HELLO = NEW.format("format='.x' name='b' size='5'>inline b'hello'")
INLINE_HELLO_ENCLEN = NEW.format("enclen='8' format='.x' name='b' size='5'>inline b'hello'")
TWO = "<newBLOBVector device='A' name='B'>{}</>"
TWO_ATTACHED = TWO.format(
    "<oneBLOB attached='true' format='.x' name='b' size='5'>attached b'hello'</>"
    "<oneBLOB attached='true' format='.x' name='c' size='5'>attached b'world'</>"
)
TWO_INLINE = TWO.format(
    "<oneBLOB format='.x' name='b' size='5'>inline b'hello'</><oneBLOB format='.x' name='c' size='5'>inline b'world'</>"
)


def to_the_driver(*lines: str) -> Transcript:
    """Return the expectation for the driver that got these BLOBs."""
    return {"alpha#1": [*DRIVER_STARTS, *lines]}


@scenario(
    differs="blobs-to-drivers-inline",
    reference=to_the_driver(ATTACHED_HELLO),
    ours=to_the_driver(INLINE_HELLO_ENCLEN),
)
def inline_from_a_tcp_client(lab: Lab) -> Transcript:
    server, _ = observatory(lab)
    sender = lab.client(server, "sender")
    sender.send(blob_vector("new", "A", "B", inline(b"hello")))
    return lab.transcript()


@scenario(
    differs="blobs-to-drivers-inline",
    reference=to_the_driver(ATTACHED_HELLO),
    ours=to_the_driver(INLINE_HELLO_ENCLEN),
)
def inline_from_a_local_client(lab: Lab) -> Transcript:
    server, _ = observatory(lab)
    sender = lab.local_client(server, "sender")
    sender.send(blob_vector("new", "A", "B", inline(b"hello")))
    return lab.transcript()


@scenario(differs="blobs-to-drivers-inline", reference=to_the_driver(ATTACHED_HELLO), ours=to_the_driver(INLINE_HELLO))
def attached_from_a_local_client(lab: Lab) -> Transcript:
    server, _ = observatory(lab)
    sender = lab.local_client(server, "sender")
    sender.send_attached(blob_vector("new", "A", "B", attached(5)), b"hello, cut here")
    return lab.transcript()


@scenario(differs="blobs-to-drivers-inline", reference=to_the_driver(TWO_ATTACHED), ours=to_the_driver(TWO_INLINE))
def two_attached_from_a_local_client(lab: Lab) -> Transcript:
    server, _ = observatory(lab)
    sender = lab.local_client(server, "sender")
    sender.send_attached(blob_vector("new", "A", "B", attached(5) + attached(5, "c")), b"hello", b"world")
    return lab.transcript()


@scenario()
def blob_commands_are_echoed_whatever_the_policy(lab: Lab) -> Transcript:
    driver = lab.driver("alpha")
    server = lab.server(driver)
    lab.client(server, "never", get("A"))
    lab.client(server, "also", get("A"), enable_blob("Also", "A"))
    lab.local_client(server, "local never", get("A"))
    sender = lab.client(server, "sender")
    sender.send(blob_vector("new", "A", "B", inline(b"hello")), command("A"))
    return lab.transcript()


@scenario()
def blob_larger_or_smaller_than_size(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    small = "<oneBLOB name='b' size='3' format='.x'>aGVsbG8=</oneBLOB>"
    large = "<oneBLOB name='b' size='9' format='.x'>aGVsbG8=</oneBLOB>"
    driver.send(blob_vector("set", "A", "B", small), blob_vector("set", "A", "B", large), update("A"))
    return lab.transcript()


@scenario()
def nonsense_in_enclen_and_len(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    for nonsense in ("enclen='-4'", "enclen='99999999999999999999'", "len='abc'", "enclen='abc' len='-1'"):
        blob = f"<oneBLOB name='b' size='5' {nonsense} format='.x'>aGVsbG8=</oneBLOB>"
        driver.send(blob_vector("set", "A", "B", blob))
    return lab.transcript()


@scenario()
def last_message_of_a_dying_driver_arrives(lab: Lab) -> Transcript:
    _, driver = observatory(lab)
    driver.send_attached(blob_vector("set", "A", "B", attached(5)), b"hello")
    driver.latest.exit(0)
    driver.incarnation(2).expect("getProperties")
    return lab.transcript()
