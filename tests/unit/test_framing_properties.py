"""What holds for every input, with inputs that hypothesis makes; the same ones in each run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.protocol.framing import Framer, Limits
from tests.wire.corpus import CORPUS, at_random, bytewise, flat, parse, run

EXAMPLES = settings(max_examples=200, derandomize=True, deadline=None, database=None)
FIRST = b'<message device="Good" message="first"/>'
SECOND = b"<setTextVector device='Good' name='second'><oneText name='t'>x</oneText></setTextVector>"
VECTORS = [
    "setTextVector",
    "defNumberVector",
    "newSwitchVector",
    "message",
    "enableBLOB",
    "unknown",
    "setBLOBVector",
]
CHILDREN = ["oneText", "defNumber", "oneBLOB", "a:b", "x"]
NAMES = ["device", "name", "label", "state", "format", "min", "message", "x-y"]
MARKUP = [
    *b"< > /> </ <!-- --> <![CDATA[ ]]> <? ?> <! <![CDATA = ' \" & &amp; &#0; ] x a='b' <status> ".split(),
    *b"</status> <message <message/> <oneText> </oneText> </setTextVector> <oneBLOB> </oneBLOB>".split(),
    *(b" ", b"\n", b"\0", b"\x0b", b"\xb0", b"\xc3\xa9", b"\xc3", b"\xef\xbf\xbe", b"<message "),
    *(
        b"</setBLOBVector>",
        b"<setTextVector device='A' name='B'>",
        b"<setBLOBVector device='A'>",
        b"<oneBLOB size='3'>",
    ),
]
SAMPLES = [path.read_bytes() for path in sorted(CORPUS.glob("*/*.xml")) if path.stat().st_size < 1500]

characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
plain_text = st.text(characters | st.sampled_from("\t\n\r"), max_size=12) | st.sampled_from(
    ["", "1.5", "\n  On\n", "a > b", "<message/>", "&", "\"'"]
)
junk = st.lists(st.sampled_from(MARKUP) | st.binary(max_size=6), max_size=20).map(b"".join)


@dataclass
class Node:
    """An element to write down, and how."""

    tag: str
    attributes: dict[str, str]
    quote: str
    space: str
    content: list[Node | str] = field(default_factory=list)

    def written(self) -> str:
        """The element as XML."""
        pairs = (
            f"{self.space}{name}{self.gap}={self.gap}{self.quoted(value)}" for name, value in self.attributes.items()
        )
        start = f"<{self.tag}{''.join(pairs)}{self.gap}"
        if not self.content:
            return start + "/>"
        inside = (part.written() if isinstance(part, Node) else escape(part) for part in self.content)
        return f"{start}>{''.join(inside)}</{self.tag}{self.gap}>"

    @property
    def gap(self) -> str:
        return self.space[1:]

    def quoted(self, value: str) -> str:
        return self.quote + escape(value, {self.quote: "&quot;" if self.quote == '"' else "&apos;"}) + self.quote


def nodes(tags: list[str], inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    attributes = st.dictionaries(st.sampled_from(NAMES), plain_text, max_size=4)
    space = st.sampled_from([" ", "\n", "  ", "\n\t"])
    return st.builds(Node, st.sampled_from(tags), attributes, st.sampled_from("\"'"), space, inside)


children = st.recursive(
    st.lists(plain_text, max_size=1),
    lambda inside: st.lists(nodes(CHILDREN, inside) | plain_text, max_size=3),
    max_leaves=6,
)
elements = nodes(VECTORS, children)


@EXAMPLES
@given(
    st.lists(elements, min_size=1, max_size=4),
    st.sampled_from(["", "\n", "<?xml version='1.0'?>\n", "<!-- x -->", "junk"]),
)
def test_well_formed_elements_pass_as_their_own_bytes(written: list[Node], between: str) -> None:
    documents = [element.written().encode() for element in written]
    outcome = run([between.encode().join(documents)])
    assert [message["data"] for message in outcome.messages] == documents
    assert (outcome.faults, outcome.repaired) == ([], 0)
    for element, message in zip(written, outcome.messages, strict=True):
        assert message["tag"] == element.tag
        assert message["attributes"] == element.attributes
        assert message["device"] == element.attributes.get("device", "")
        assert message["name"] == element.attributes.get("name", "")


@EXAMPLES
@given(elements, st.integers(0, 1 << 20))
def test_whole_and_in_pieces_a_message_is_the_same(written: Node, seed: int) -> None:
    document = written.written().encode()
    whole = run([document])
    assert run(bytewise(document)) == whole
    assert run(at_random(document, seed)) == whole


@EXAMPLES
@given(junk, st.integers(0, 1 << 20), st.sampled_from([Limits(), Limits(100, 3, 2, 16)]))
def test_chunking_changes_nothing(data: bytes, seed: int, limits: Limits) -> None:
    whole = run([data], limits=limits)
    assert run(bytewise(data), limits=limits) == whole
    assert run(at_random(data, seed), limits=limits) == whole


@EXAMPLES
@given(junk)
def test_what_goes_out_is_well_formed(data: bytes) -> None:
    for message in run([data]).messages:
        document = parse(message["data"])
        assert document.tag == message["tag"]
        assert {name: flat(value) for name, value in document.attributes.items()} == {
            name: flat(value) for name, value in message["attributes"].items()
        }


@EXAMPLES
@given(junk.filter(lambda data: b"device" not in data.replace(b"Vector device", b"")))
def test_after_any_junk_the_second_good_message_arrives(data: bytes) -> None:
    assert run([data + FIRST + SECOND]).messages[-1]["data"] == SECOND


@EXAMPLES
@given(st.sampled_from(SAMPLES), st.integers(0, 1500), st.integers(0, 40), junk)
def test_an_injured_message_hurts_nobody_else(sample: bytes, start: int, length: int, inserted: bytes) -> None:
    data = sample[:start] + inserted + sample[start + length :]
    framer = Framer()
    before = framer.feed(FIRST)
    framer.feed(data)
    assert [message.data for message in before] == [FIRST]
    assert all(0 <= fault.offset < len(FIRST + data) for fault in framer.take_faults())
    for message in run([data]).messages:
        parse(message["data"])
