"""Typed INDI elements from XML and to XML."""

from __future__ import annotations

import dataclasses
import math
import typing
from enum import Enum
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.errors import LocalProtocolError, RemoteProtocolError
from indigevent.protocol import constants, vectors
from indigevent.protocol.codec import parse, to_bytes
from indigevent.protocol.constants import (
    BlobMode,
    Permission,
    PropertyState,
    SwitchRule,
    SwitchState,
    VectorKind,
)
from indigevent.protocol.framing import Framer
from indigevent.protocol.vectors import (
    Content,
    DefNumber,
    DefNumberVector,
    DefSwitch,
    DefSwitchVector,
    DelProperty,
    EnableBLOB,
    GetProperties,
    NewNumberVector,
    NewSwitchVector,
    NewTextVector,
    OneBLOB,
    OneNumber,
    OneSwitch,
    OneText,
    PingReply,
    PingRequest,
    SetBLOBVector,
    SetLightVector,
    SetNumberVector,
    SetTextVector,
    UserMessage,
)

bounded = settings(derandomize=True, max_examples=200, deadline=None)
CLASSES = [each for each in vars(vectors).values() if isinstance(each, type) and hasattr(each, "tag")]
TOP_LEVEL = [each for each in CLASSES if not each.tag.startswith(("one", "def")) or each.tag.endswith("Vector")]

# As libindi's drivers write it: declaration, single quotes, values on lines of their own.
LIBINDI_DEFINITION = b"""<defNumberVector
  device='Focuser Simulator'
  name='ABS_FOCUS_POSITION'
  label='Absolute Position'
  group='Main Control'
  state='Ok'
  perm='rw'
  timeout='60'
  timestamp='2026-11-21T05:48:59'
>
  <defNumber
    name='FOCUS_ABSOLUTE_POSITION'
    label='Steps'
    format='%.f'
    min='0'
    max='100000'
    step='1000'>
      50000
  </defNumber>
</defNumberVector>"""


def test_there_is_a_class_for_every_top_level_tag() -> None:
    assert {each.tag for each in TOP_LEVEL} == constants.TOP_LEVEL_TAGS


def test_reads_what_a_libindi_driver_writes() -> None:
    assert parse(LIBINDI_DEFINITION) == DefNumberVector(
        device="Focuser Simulator",
        name="ABS_FOCUS_POSITION",
        label="Absolute Position",
        group="Main Control",
        state=PropertyState.OK,
        perm=Permission.READ_WRITE,
        timeout=60.0,
        timestamp="2026-11-21T05:48:59",
        elements=(DefNumber("FOCUS_ABSOLUTE_POSITION", 50000.0, "%.f", 0.0, 100000.0, 1000.0, "Steps"),),
    )


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (GetProperties(), b'<getProperties version="1.7"/>'),
        (GetProperties("F", "X"), b'<getProperties device="F" name="X" version="1.7"/>'),
        (DelProperty("F"), b'<delProperty device="F"/>'),
        (EnableBLOB(BlobMode.ALSO, "F"), b'<enableBLOB device="F">Also</enableBLOB>'),
        (UserMessage("a < b", "F"), b'<message message="a &lt; b" device="F"/>'),
        (UserMessage("]]>&\"'"), b'<message message="]]&gt;&amp;&quot;\'"/>'),
        (PingRequest("SetBLOB/1"), b'<pingRequest uid="SetBLOB/1"/>'),
        (PingReply("SetBLOB/1"), b'<pingReply uid="SetBLOB/1"/>'),
        (
            NewNumberVector(device="F", name="X", elements=(OneNumber("A", 5.0), OneNumber("B", -0.5))),
            b'<newNumberVector device="F" name="X"><oneNumber name="A">5</oneNumber>'
            b'<oneNumber name="B">-0.5</oneNumber></newNumberVector>',
        ),
        (
            SetNumberVector(device="F", name="X", timeout=0.0, state=PropertyState.BUSY),
            b'<setNumberVector device="F" name="X" state="Busy" timeout="0"/>',
        ),
        (
            NewTextVector(device="F", name="X", elements=(OneText("A", ""),)),
            b'<newTextVector device="F" name="X"><oneText name="A"/></newTextVector>',
        ),
        (
            DefSwitchVector(
                device="F",
                name="X",
                state=PropertyState.IDLE,
                perm=Permission.READ_WRITE,
                rule=SwitchRule.ONE_OF_MANY,
                elements=(DefSwitch("ON", SwitchState.ON),),
            ),
            b'<defSwitchVector device="F" name="X" state="Idle" perm="rw" rule="OneOfMany" timeout="0">'
            b'<defSwitch name="ON">On</defSwitch></defSwitchVector>',
        ),
        (
            SetBLOBVector(device="C", name="B", elements=(OneBLOB("I", 5, ".fits", b"SIMPL"),)),
            b'<setBLOBVector device="C" name="B"><oneBLOB name="I" size="5" format=".fits">U0lNUEw='
            b"</oneBLOB></setBLOBVector>",
        ),
        (
            SetBLOBVector(device="C", name="B", elements=(OneBLOB("I", 5, ".fits", attached=True),)),
            b'<setBLOBVector device="C" name="B"><oneBLOB name="I" size="5" format=".fits" attached="true"/>'
            b"</setBLOBVector>",
        ),
    ],
)
def test_writes_and_reads(content: Content, data: bytes) -> None:
    assert to_bytes(content).replace(b"></oneText>", b"/>") == data
    assert parse(data) == content


def test_getproperties_without_version_is_understood() -> None:
    assert parse(b"<getProperties/>") == GetProperties()


def test_unknown_attributes_and_text_between_elements_are_passed_over() -> None:
    data = (
        b'<newSwitchVector device="F" name="X" colour="red">\n junk '
        b'<oneSwitch name="A" x="1"> On </oneSwitch></newSwitchVector>'
    )
    assert parse(data) == NewSwitchVector(device="F", name="X", elements=(OneSwitch("A", SwitchState.ON),))


def test_base64_may_be_in_lines() -> None:
    data = (
        b'<setBLOBVector device="C" name="B"><oneBLOB name="I" size="5" format="">\nU0lN\n\tUEw=\r\n'
        b"</oneBLOB></setBLOBVector>"
    )
    assert parse(data).elements[0].data == b"SIMPL"


def test_a_compressed_blobs_size_is_its_own() -> None:
    blob = OneBLOB("I", 1000, ".fits.z", b"shorter")
    assert parse(to_bytes(SetBLOBVector(device="C", name="B", elements=(blob,)))).elements == (blob,)


def test_lights_and_numbers_in_sexagesimal_are_typed() -> None:
    lights = parse(b'<setLightVector device="F" name="X"><oneLight name="A">Alert</oneLight></setLightVector>')
    assert isinstance(lights, SetLightVector)
    assert lights.kind is VectorKind.LIGHT
    assert lights.elements[0].value is PropertyState.ALERT
    number = parse(b'<setNumberVector device="F" name="X"><oneNumber name="A">-0:30:00</oneNumber></setNumberVector>')
    assert number.elements[0].value == -0.5


def test_only_xmls_own_space_around_text_is_layout() -> None:
    no_break_space = SetTextVector(device="F", name="X", elements=(OneText("A", "\u00a0b\u00a0"),))
    assert parse(to_bytes(no_break_space)) == no_break_space


def test_line_ends_stay_as_libindi_reads_them() -> None:
    """Not as `&#10;`, which libindi's parser does not decode."""
    assert b"a\nb\tc" in to_bytes(SetTextVector(device="F", name="X", elements=(OneText("A", "a\nb\tc"),)))
    assert b"a\nb" in to_bytes(UserMessage("a\nb"))


@pytest.mark.parametrize(
    ("data", "kind", "sentence"),
    [
        (b"", "markup", "not well-formed XML"),
        (b"<a", "markup", "not well-formed XML"),
        (b"<getProperties/><getProperties/>", "markup", "junk after document element"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><message message="&x;"/>', "markup", "declares XML entities"),
        (b"<setThing/>", "tag", "<setThing> is not an INDI message"),
        (b'<oneText name="A">x</oneText>', "tag", "<oneText> is not an INDI message"),
        (
            b'<newTextVector device="F" name="X"><oneNumber name="A">1</oneNumber></newTextVector>',
            "tag",
            "<oneNumber> does not belong into <newTextVector> F.X",
        ),
        (
            b'<newTextVector device="F" name="X"><oneText name="A"><b/></oneText></newTextVector>',
            "tag",
            "<b> does not belong into <oneText> A in <newTextVector> F.X",
        ),
        (b'<delProperty name="X"/>', "attribute", "<delProperty> X has no attribute device"),
        (
            b'<newTextVector device="" name="X"/>',
            "attribute",
            "<newTextVector> X has an empty attribute device",
        ),
        (
            b'<newTextVector device="F" name="X"><oneText>1</oneText></newTextVector>',
            "attribute",
            "<oneText> in <newTextVector> F.X has no attribute name",
        ),
        (
            b'<setTextVector device="F" name="X" state="ok"/>',
            "value",
            "<setTextVector> F.X cannot be read: state: 'ok' is none of Idle, Ok, Busy, Alert",
        ),
        (
            b'<newNumberVector device="F" name="X"><oneNumber name="A">abc</oneNumber></newNumberVector>',
            "value",
            "<oneNumber> A in <newNumberVector> F.X cannot be read: value: 'abc' is not an INDI number",
        ),
        (
            b'<newSwitchVector device="F" name="X"><oneSwitch name="A"/></newSwitchVector>',
            "value",
            "'' is none of Off, On",
        ),
        (
            b'<newBLOBVector device="F" name="X"><oneBLOB name="A" size="-1" format=""/></newBLOBVector>',
            "value",
            "size: '-1' is not a length in bytes",
        ),
        (
            b'<newBLOBVector device="F" name="X"><oneBLOB name="A" size="99999999999999999999" format=""/>'
            b"</newBLOBVector>",
            "value",
            "is not a length in bytes",
        ),
        (
            b'<newBLOBVector device="F" name="X"><oneBLOB name="A" size="3" format="">U0!</oneBLOB></newBLOBVector>',
            "value",
            "is not base64",
        ),
        (
            b'<newBLOBVector device="F" name="X"><oneBLOB name="A" size="3" format="">U0l\xc3\xa4'
            b"</oneBLOB></newBLOBVector>",
            "value",
            "is not base64",
        ),
        (b"<enableBLOB>also</enableBLOB>", "value", "'also' is none of Never, Also, Only"),
    ],
)
def test_says_what_is_wrong_in_which_element(data: bytes, kind: str, sentence: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(data)
    assert caught.value.kind == kind
    assert sentence in caught.value.detail


def test_markup_errors_have_their_offset() -> None:
    data = b'<newTextVector device="F"\n name="X">\n<oneText & </newTextVector>'
    with pytest.raises(RemoteProtocolError) as caught:
        parse(data)
    assert caught.value.offset == data.index(b"&")
    assert b"<oneText &" in caught.value.excerpt


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (UserMessage("a\0b"), "XML cannot carry the character '\\x00'"),
        (UserMessage("a\ud800b"), "XML cannot carry the character"),
        (UserMessage("a\uffffb"), "XML cannot carry the character"),
        (UserMessage(5), "message must be of type str, not 5"),  # type: ignore[arg-type]
        (DelProperty(""), "its device is empty"),
        (OneBLOB("A", -1, ".fits"), "<oneBLOB> A cannot be sent: size: -1 is not a length in bytes"),
        (
            SetNumberVector(device="F", name="X", elements=(OneNumber("A", math.nan),)),
            "<oneNumber> A in <setNumberVector> F.X cannot be sent: value: nan",
        ),
        (
            SetNumberVector(device="F", name="X", state="Ok"),  # type: ignore[arg-type]
            "state must be of type PropertyState, not 'Ok'",
        ),
        (
            SetNumberVector(device="F", name="X", elements=(OneText("A", "1"),)),  # type: ignore[arg-type]
            "does not belong into <setNumberVector> F.X",
        ),
    ],
)
def test_refuses_to_write_what_nobody_could_read(content: Content, sentence: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        to_bytes(content)
    assert sentence in str(caught.value)


# Whatever a dataclass can hold goes out and comes back. No line ends: XML changes some, see above.

characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
texts = st.text(characters, max_size=12).map(lambda text: text.strip(" "))
names = st.text(characters, min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
BY_TYPE: dict[type, st.SearchStrategy[Any]] = {
    str: texts,
    float: numbers,
    int: st.integers(0, 2**40),
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
}


def contents(content_class: type[Content]) -> st.SearchStrategy[Content]:
    hints = typing.get_type_hints(content_class)
    fields = {each.name: _values(each.name, hints[each.name]) for each in dataclasses.fields(content_class)}
    return st.builds(content_class, **fields)


def _values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if typing.get_origin(hint) is tuple:
        return st.lists(contents(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if typing.get_args(hint):
        return st.none() | _values(name, typing.get_args(hint)[0])
    if name in ("device", "name", "version"):
        return names
    return st.sampled_from(hint) if issubclass(hint, Enum) else BY_TYPE[hint]


@pytest.mark.parametrize("content_class", TOP_LEVEL, ids=lambda each: each.tag)
def test_everything_written_is_read_back_the_same(content_class: type[Content]) -> None:
    @settings(bounded, max_examples=25)
    @given(contents(content_class))
    def holds(content: Content) -> None:
        data = to_bytes(content)
        assert ElementTree.fromstring(data).tag == content_class.tag
        assert parse(data) == content
        framer = Framer()
        assert [message.data for message in framer.feed(data, fds=(object(),) * 3)] == [data]
        assert (framer.repaired, framer.take_faults()) == (0, [])

    holds()


@bounded
@given(st.data())
def test_damaged_messages_raise_the_remote_error_or_nothing(data: st.DataObject) -> None:
    message = bytearray(to_bytes(data.draw(contents(data.draw(st.sampled_from(TOP_LEVEL))))))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(message)))
        message[position : position + data.draw(st.integers(0, 6))] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"<", b">", b'"', b"&", b"<!--", b"<?xml encoding='x'?>", b"/>"])
        )
    try:
        parse(bytes(message))
    except RemoteProtocolError as error:
        assert str(error).isprintable()


def test_an_errors_text_is_one_printable_line_whatever_the_peer_sent() -> None:
    error = RemoteProtocolError("tag", 0, b"\xa0", "<x> does not belong into <defTextVector> \xa0.\n")
    assert str(error).isprintable()
