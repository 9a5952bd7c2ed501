"""Input that is not clean XML: what is accepted, what is repaired, what is dropped, and that nothing is lost after it.

Each case is sent by a peer of its own, followed by two good messages; the lines are what the other side received.
"""

from __future__ import annotations

from itertools import takewhile
from typing import NamedTuple

from tests.lab.lab import Lab, Transcript
from tests.lab.messages import Message
from tests.lab.vocabulary import EVERYTHING, define
from tests.system.registry import scenario

NEXT, AFTER = "<message device='A' message='next'/>", "<message device='A' message='after'/>"
TEXT = "<setTextVector device='A' name='T'><oneText name='t'>{}</oneText></setTextVector>"


def text(content: str) -> str:
    """Return the line of a text vector with this text."""
    one = Message("oneText", {"name": "t"}, text=content)
    return Message("setTextVector", {"device": "A", "name": "T"}, [one]).line()


def said(content: str) -> str:
    """Return the line of a message with this text."""
    return Message("message", {"device": "A", "message": content}).line()


ACCEPTED: dict[str, str | bytes] = {
    "prolog, doctype, comment, processing instruction": (
        "<?xml version='1.0' encoding='UTF-8'?>\n<!DOCTYPE indi [<!ELEMENT a ANY>]>\n<!-- c > d --><?pi x?>"
    ),
    "byte order mark": "\ufeff",
    "text and stray end tags": "junk </stray> more junk </message> ",
    "message in a comment": "<!-- <message device='A' message='inside'/> -->",
    "raw < in a value": "<message device='A' message='a<b'/>",
    "raw > in a value": "<message device='A' message='a>b'/>",
    "raw <> in a value": "<message device='A' message='<tag> and </tag>'/>",
    "blanks around =": "<message  device = \"A\"\n message= 'x'  />",
    "no blank between attributes": "<message device='A'message='x'/>",
    "blank before the tag": "< message device='A' message='x'/>",
    "double quotes with single ones inside": '<message device="A" message="it\'s"/>',
    "single quotes with double ones inside": "<message device='A' message='a \"b\"'/>",
    "five entities": "<message device='A' message='&lt;&gt;&amp;&apos;&quot;'/>",
    "unknown entity in a value": "<message device='A' message='&unknown; x'/>",
    "bare and unknown entities in a text": TEXT.format("z & w &unknown; &amp; end"),
    "UTF-8": "<message device='A' message='\u00b0\u2603\U0001f52d'/>",
    "line breaks in a text": TEXT.format("one\n\ttwo\nthree"),
    "blanks around a text": TEXT.format("\n      spaced  out\n    "),
    "raw > in a text": TEXT.format("a > b"),
    "instruction inside": "<setTextVector device='A' name='T'><?pi?><oneText name='t'>x</oneText></setTextVector>",
    "comment inside": "<setTextVector device='A' name='T'><!-- c --><oneText name='t'>x</oneText></setTextVector>",
    "blank in an end tag": "<setTextVector device='A' name='T'><oneText name='t'>x</oneText  ></setTextVector\n>",
    "text between elements": "<setTextVector device='A' name='T'>loose <oneText name='t'>x</oneText></setTextVector>",
    "empty values": "<message device='A' message='' name=''/>",
    "empty element with an end tag": "<message device='A' message='x'></message>",
    "INDI names in an unknown element": "<mine device='A'><message device='A' message='x'/><getProperties/></mine>",
    "deep nesting": "<mine device='A'>" + "<a>" * 20 + "x" + "</a>" * 20 + "</mine>",
    "many attributes": "<message device='A' " + " ".join(f"a{number}='{number}'" for number in range(30)) + "/>",
}

DROPPED: dict[str, str | bytes] = {
    "unquoted value": "<message device='A' message=unquoted/>",
    "attribute without value": "<message device='A' lonely message='x'/>",
    "mismatched end tag inside": "<setTextVector device='A' name='T'><oneText name='t'>x</oneTxt></setTextVector>",
    "mismatched end tag outside": "<message device='A' message='x'></massage>",
}


class Repair(NamedTuple):
    """What is sent, and what the reference and ours make of it and of the two messages after it."""

    sent: str | bytes
    reference: list[str]
    ours: list[str]


REPAIRED: dict[str, Repair] = {
    "bare & in a value": Repair("<message device='A' message='a & b'/>", [], [said("a & b"), NEXT, AFTER]),
    "cut off by the next": Repair(TEXT.split("{}", maxsplit=1)[0] + "x", [], [NEXT, AFTER]),
    "cut off in a start tag": Repair("<setTextVector device='A' ", [AFTER], [NEXT, AFTER]),
    "duplicate attribute": Repair("<message device='A' device='B' message='x'/>", ["#malformed"], [NEXT, AFTER]),
    "CDATA": Repair(TEXT.format("<![CDATA[a<b>&c]]>"), ["#malformed"], [text("a<b>&c"), NEXT, AFTER]),
    "control bytes in a value": Repair(
        "<message device='A' message='a\x00\x01\x1fb'/>",
        [NEXT, AFTER],
        [said("ab"), NEXT, AFTER],
    ),
    "control bytes in a text": Repair(TEXT.format("a\x00\x01\x08b"), [NEXT, AFTER], [text("ab"), NEXT, AFTER]),
    "Latin-1 in a value": Repair(
        b"<message device='A' message='10\xb0'/>",
        [said("10\ue1b0"), NEXT, AFTER],
        [said("10\u00b0"), NEXT, AFTER],
    ),
    "Latin-1 in a text": Repair(
        TEXT.format("10#").encode().replace(b"#", b"\xb0"),
        [text("10\ue1b0"), NEXT, AFTER],
        [text("10\u00b0"), NEXT, AFTER],
    ),
    "line break in a value": Repair(
        "<message device='A' message='one\ntwo\tthree'/>",
        [said("onetwothree"), NEXT, AFTER],
        [said("one two three"), NEXT, AFTER],
    ),
    "comment with > in a text": Repair(
        TEXT.format("x<!-- a > b -->y"),
        [text("x b -->y"), NEXT, AFTER],
        [text("xy"), NEXT, AFTER],
    ),
    "numeric references": Repair(
        "<message device='A' message='&#65;&#x42;'/>",
        [said("&#65;&#x42;"), NEXT, AFTER],
        [said("AB"), NEXT, AFTER],
    ),
}
CUT_IN_A_VALUE = "<message device='A' message='cut off"


def as_bytes(case: str | bytes) -> bytes:
    """Return a case as it is sent, followed by two good messages."""
    return (case.encode() if isinstance(case, str) else case) + f"{NEXT}\n{AFTER}\n".encode()


def from_clients(lab: Lab, cases: dict[str, str | bytes]) -> Transcript:
    """Send each case from a client of its own; return what the driver received of it."""
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.send(define("A"))
    alpha.ping()
    received: Transcript = {}
    for name, case in cases.items():
        before = len(alpha.latest.lines())
        client = server.client(name)
        lab.clients.append(client)
        client.send(as_bytes(case))
        # The reference's parser may be stuck for good; it still notices the end of the stream.
        client.half_close() if lab.is_reference else client.ping()
        if lab.is_reference:
            client.expect_closed()
        alpha.ping()
        received[name] = alpha.latest.lines()[before:]
    return received


def from_drivers(lab: Lab, cases: dict[str, str | bytes]) -> Transcript:
    """Send each case from a driver of its own, which then ends; return what a client received of it."""
    keeper = lab.driver("keeper")
    drivers = [lab.driver(f"driver{number}") for number in range(len(cases))]
    server = lab.server("-r", 0, keeper, *drivers)
    received: Transcript = {}
    for (name, case), driver in zip(cases.items(), drivers, strict=True):
        driver.send(define("A"))
        driver.ping()
        client = lab.client(server, name, EVERYTHING)
        driver.send(as_bytes(case))
        driver.latest.exit(0)
        client.expect_deletion("A")
        # What our server says of the driver's end comes after the deletion, if it has come yet.
        before_deletion = takewhile(lambda line: not line.startswith("<delProperty"), client.lines())
        received[name] = list(before_deletion)
        client.close()
    return received


def shortened(received: Transcript) -> Transcript:
    """Reduce what cannot be parsed to the fact that it cannot."""
    unparsable = ["#malformed"]
    return {name: unparsable if "<#malformed" in "".join(lines) else lines for name, lines in received.items()}


def inputs() -> dict[str, str | bytes]:
    """Return what is sent in the cases that differ."""
    return {name: case.sent for name, case in REPAIRED.items()}


OF_REFERENCE = {name: case.reference for name, case in REPAIRED.items()}
OF_OURS = {name: case.ours for name, case in REPAIRED.items()}


@scenario()
def accepted_from_clients(lab: Lab) -> Transcript:
    return from_clients(lab, ACCEPTED)


@scenario()
def accepted_from_drivers(lab: Lab) -> Transcript:
    return from_drivers(lab, ACCEPTED)


@scenario()
def dropped_from_clients(lab: Lab) -> Transcript:
    return from_clients(lab, DROPPED)


@scenario()
def dropped_from_drivers(lab: Lab) -> Transcript:
    return from_drivers(lab, DROPPED)


@scenario(differs="well-formed", reference=OF_REFERENCE, ours=OF_OURS)
def repaired_from_clients(lab: Lab) -> Transcript:
    return shortened(one_driver_for_each(lab))


def one_driver_for_each(lab: Lab) -> Transcript:
    """Play the cases that differ, each on a server of its own, so that unparsable output spoils one case only."""
    received: Transcript = {}
    for number, (name, case) in enumerate(inputs().items()):
        folder = lab.folder / str(number)
        folder.mkdir()
        own = Lab(lab.kind, folder)
        try:
            received |= from_clients(own, {name: case})
        finally:
            own.close()
    return received


@scenario(differs="well-formed", reference=OF_REFERENCE, ours=OF_OURS)
def repaired_from_drivers(lab: Lab) -> Transcript:
    return shortened(from_drivers(lab, inputs()))


def last_only(received: Transcript) -> Transcript:
    """Keep the last line of each case."""
    return {name: lines[-1:] for name, lines in received.items()}


@scenario()
def cut_in_a_value_from_clients(lab: Lab) -> Transcript:
    return last_only(from_clients(lab, {"cut": CUT_IN_A_VALUE}))


@scenario()
def cut_in_a_value_from_drivers(lab: Lab) -> Transcript:
    return last_only(from_drivers(lab, {"cut": CUT_IN_A_VALUE}))
