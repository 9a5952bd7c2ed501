"""The envelope of a message: attributes, text, parts and BLOBs."""

from __future__ import annotations

import pytest

from indigevent.protocol.framing import Framer
from indigevent.protocol.message import BlobElement, BlobMessage, Message, start_tag_attributes


def framed(data: bytes) -> Message:
    """The one message that the framer makes of these bytes."""
    [message] = Framer().feed(data)
    return message


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"<message/>", {}),
        (b"<message />", {}),
        (b"<message></message>", {}),
        (b"<message a='1'/>", {"a": "1"}),
        (b'<message a="1" b="2">', {"a": "1", "b": "2"}),
        (b"<message\n\ta = '1'\r\n b= \"2\" />", {"a": "1", "b": "2"}),
        (b"<message a=''/>", {"a": ""}),
        (b"""<message a='say "hi"' b="it's"/>""", {"a": 'say "hi"', "b": "it's"}),
        (b"<message a='x > y' b='/>'/>", {"a": "x > y", "b": "/>"}),
        (b"<message a='b=&quot;c&quot;'/>", {"a": 'b="c"'}),
        (b"<message a='&lt;&gt;&amp;&apos;&quot;'/>", {"a": "<>&'\""}),
        (b"<message a='&amp;lt;'/>", {"a": "&lt;"}),
        (b"<message a='&#65;&#x42;&#x0043;'/>", {"a": "ABC"}),
        ("<message a='20 °C'/>".encode(), {"a": "20 °C"}),
        (b"<message a-b='1' c:d='2' _e='3'/>", {"a-b": "1", "c:d": "2", "_e": "3"}),
        (b"<message a='1'>b='2'</message>", {"a": "1"}),
        (b"<outer a='1'><inner b='2'/></outer>", {"a": "1"}),
    ],
)
def test_attributes(data: bytes, attributes: dict[str, str]) -> None:
    assert start_tag_attributes(data) == attributes
    assert Message("message", "", "", data).attributes == attributes


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<enableBLOB>Also</enableBLOB>", "Also"),
        (b"<enableBLOB device='A'>\n  Only\t\n</enableBLOB>", "Only"),
        (b"<enableBLOB device='A>B'>Never</enableBLOB>", "Never"),
        (b"<enableBLOB></enableBLOB>", ""),
        (b"<enableBLOB/>", ""),
        (b"<enableBLOB device='A' />", ""),
        (b"<enableBLOB>a &lt; b &amp; c</enableBLOB>", "a < b & c"),
        (b"<enableBLOB>a > b</enableBLOB >", "a > b"),
        ("<enableBLOB>20 °C</enableBLOB>".encode(), "20 °C"),
    ],
)
def test_text(data: bytes, text: str) -> None:
    assert Message("enableBLOB", "", "", data).text == text


@pytest.mark.parametrize(
    "data",
    [
        b"<?xml version='1.0'?><enableBLOB device='A'>Also</enableBLOB>",
        b"<enableBLOB device='A'><!-- <b> -->Also</enableBLOB>",
        b"<enableBLOB device='A'> Also<!-- no --> </enableBLOB>",
        b"<enableBLOB device='A'><![CDATA[Also]]></enableBLOB>",
        b"< enableBLOB device = 'A'>Also</enableBLOB>",
    ],
)
def test_text_and_attributes_of_what_was_framed(data: bytes) -> None:
    message = framed(data)
    assert (message.tag, message.device, message.name) == ("enableBLOB", "A", "")
    assert (message.text, message.attributes) == ("Also", {"device": "A"})


def test_a_clean_message_is_its_own_bytes() -> None:
    data = b"<setTextVector device='A' name='P'><oneText name='x'>1</oneText></setTextVector>"
    message = framed(data)
    assert (message.data, message.parts, message.size) == (data, (data,), len(data))
    assert repr(message) == "<Message setTextVector device='A' name='P' 80 bytes>"
    assert message.elements == ()


def test_a_message_in_parts() -> None:
    parts = (b"<setBLOBVector device='A' name='P'><oneBLOB size='3'>", b"YW", b"Jj", b"</oneBLOB></setBLOBVector>")
    elements = (BlobElement({"size": "3"}, (b"YW", b"Jj")),)
    start = b"<setBLOBVector device='A' name='P'>"
    message = BlobMessage("setBLOBVector", "A", "P", parts, start, elements)
    assert (message.data, message.size) == (b"".join(parts), sum(map(len, parts)))
    assert message.attributes == {"device": "A", "name": "P"}
    assert (message.elements, message.start) == (elements, start)


@pytest.mark.parametrize(
    ("formats", "is_stream"),
    [
        ([], False),
        ([None], False),
        ([".fits"], False),
        ([".stream"], True),
        ([".stream_jpg"], True),
        ([".fits", ".stream"], True),
    ],
)
def test_a_frame_of_a_stream_says_so_in_its_format(formats: list[str | None], is_stream: bool) -> None:
    elements = tuple(BlobElement({} if one is None else {"format": one}) for one in formats)
    message = BlobMessage("setBLOBVector", "A", "P", (b"<x/>",), b"<x>", elements)
    assert message.is_stream is is_stream


@pytest.mark.parametrize(
    ("handles", "is_attached"), [([], False), ([None], False), ([object()], True), ([None, object()], True)]
)
def test_a_message_with_an_attached_blob_is_attached(handles: list[object | None], is_attached: bool) -> None:
    elements = tuple(BlobElement({"size": "1"}, (), handle) for handle in handles)
    message = BlobMessage("setBLOBVector", "A", "P", (b"<x/>",), b"<x>", elements)
    assert message.is_attached is is_attached


@pytest.mark.parametrize(("attributes", "size"), [({}, 0), ({"size": ""}, 0), ({"size": "0"}, 0), ({"size": "12"}, 12)])
def test_size_of_a_blob(attributes: dict[str, str], size: int) -> None:
    assert BlobElement(attributes).size == size


def test_a_blob_has_its_own_attributes() -> None:
    attributes = {"size": "1"}
    element = BlobElement(attributes)
    attributes["size"] = "2"
    assert (element.size, element.payload, element.attached) == (1, (), None)
