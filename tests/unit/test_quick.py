"""The short way of reading gives what `codec.parse` gives, for every input, or leaves it to that."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.errors import RemoteProtocolError
from indigevent.protocol import codec, quick
from indigevent.protocol.framing import Framer
from indigevent.protocol.vectors import SetNumberVector
from tests.unit.test_framing_properties import MARKUP
from tests.unit.test_vectors import TOP_LEVEL, contents
from tests.wire.corpus import CORPUS

EXAMPLES = settings(max_examples=300, derandomize=True, deadline=None, database=None)
# As libindi's drivers write, and in one line as the driver framework here does.
USUAL = [
    b"<setNumberVector device='Scope' name='EOD' state='Busy' timeout='60' timestamp='2026-11-21T05:31:42'>\n"
    b"    <oneNumber name='RA'>\n      1.5\n    </oneNumber>\n    <oneNumber name='DEC'>\n-1e-05\n</oneNumber>\n"
    b"</setNumberVector>",
    b'<setNumberVector device="Scope" name="EOD"><oneNumber name="RA">.5</oneNumber></setNumberVector>',
    b'<setSwitchVector device="A" name="S" state="Ok" message="it\'s on"><oneSwitch name="ON">On</oneSwitch>'
    b'<oneSwitch name="OFF">\nOff\n</oneSwitch></setSwitchVector>',
    b"<setTextVector device='A' name='T'>\n  <oneText name='X y'>\n a \"b\"\n c\t\n</oneText>\n"
    b"<oneText name='E'></oneText>\n</setTextVector>",
    b"<setLightVector device='A' name='L' state='Idle'><oneLight name='X'>Alert</oneLight></setLightVector>",
    b"<defNumberVector device='A' name='N' label='' group='Main' state='Idle' perm='rw' timeout='60' timestamp=''>\n"
    b"  <defNumber name='X' label='The X' format='%010.6m' min='-90' max='90:30' step='0'>\n-0:30\n  </defNumber>\n"
    b"</defNumberVector>",
    b'<defSwitchVector device="A" name="S" state="Ok" perm="rw" rule="AtMostOne" other="x">'
    b'<defSwitch name="X" label="no">Off</defSwitch></defSwitchVector>',
    b"<defTextVector device='A' name='T' state='Ok' perm='ro'><defText name='X'>\n</defText></defTextVector>",
    b"<defLightVector device='A' name='L' state='Ok'><defLight name='X'>Ok</defLight></defLightVector>",
]
SAMPLES = [*USUAL, *(path.read_bytes() for path in sorted(CORPUS.glob("*/*.xml")) if path.stat().st_size < 1500)]


def is_read_quickly(data: bytes) -> bool:
    """Whether the short way takes a message; if so, it must be what the other way reads."""
    content = quick.read(data)
    if content is None:
        return False
    known = codec.parse(data)
    assert type(content) is type(known)
    assert repr(content) == repr(known)
    assert list(vars(content)) == list(vars(known))
    return True


@pytest.mark.parametrize("data", USUAL, ids=lambda data: data[1:16].decode())
def test_what_libraries_usually_write_is_read_quickly(data: bytes) -> None:
    assert is_read_quickly(data)


@pytest.mark.parametrize(
    "bad", [b"&amp;", b"\xc3\xa9", b"\r", b"\x01", b"<!-- -->", b"<x/>", b"]]>", b"&", b" name='X'", b" state='Ok'"]
)
def test_anything_unusual_is_left_to_the_codec(bad: bytes) -> None:
    for data in USUAL:
        for position in range(len(data)):
            is_read_quickly(data[:position] + bad + data[position:])


def test_all_of_the_corpus_is_read_alike() -> None:
    messages = [message.data for sample in SAMPLES for message in Framer().feed(sample)]
    assert sum(map(is_read_quickly, messages)) > len(USUAL)


@EXAMPLES
@given(st.sampled_from(TOP_LEVEL).flatmap(contents))
def test_whatever_can_be_written_is_read_alike(content: object) -> None:
    is_read_quickly(codec.to_bytes(content))  # type: ignore[arg-type]


@EXAMPLES
@given(
    st.sampled_from(USUAL),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 12),
            st.sampled_from([one for one in MARKUP if isinstance(one, bytes)]) | st.binary(max_size=3),
        )
    ),
)
def test_an_injured_message_is_read_alike(data: bytes, injuries: list[tuple[int, int, bytes]]) -> None:
    for start, length, inserted in injuries:
        data = data[:start] + inserted + data[start + length :]
    if (content := quick.read(data)) is not None:
        try:
            known = codec.parse(data)
        except RemoteProtocolError as error:
            pytest.fail(f"{data!r} was read as {content}, but {error}")
        assert repr(content) == repr(known)


@pytest.mark.parametrize("text", ["nan", "-inf", "1e999", "12:30", "1.5.5", "1_0", "+-1"])
def test_numbers_are_read_alike(text: str) -> None:
    data = USUAL[1].replace(b".5", text.encode())
    assert is_read_quickly(data) == (text == "1e999")


def test_a_number_that_a_driver_does_not_know_costs_no_vector() -> None:
    content = codec.parse(USUAL[0].replace(b"1.5", b"nan").replace(b"-1e-05", b"-inf"))
    assert isinstance(content, SetNumberVector)
    first, second = (element.value for element in content.elements)
    assert math.isnan(first)
    assert second == -math.inf


def test_a_long_gap_takes_no_long_time() -> None:
    text = b" " * 20_000
    for inside in (text + b"<x/>", b"a" + text + b"<x/>", text):
        message = USUAL[3].replace(b"</oneText>", inside + b"</oneText>")
        began_s = time.process_time()
        is_read_quickly(message)
        assert time.process_time() - began_s < 2
