"""The messages that a server writes itself, and the mark against circles."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.protocol import requests
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message

EXAMPLES = settings(max_examples=200, derandomize=True, deadline=None, database=None)
HARD = """<>&"' ]]> &amp; &#65; /> = °C 'via="x"' \\1 \\g<0>"""
values = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")) | st.just(HARD)


def framed(data: bytes) -> Message:
    """The one message in these bytes, which must need no repair."""
    framer = Framer()
    [message] = framer.feed(data)
    assert (framer.repaired, framer.take_faults()) == (0, [])
    return message


def seen(data: bytes) -> tuple[str, dict[str, str], str]:
    """Tag, attributes and text, as any XML parser has them."""
    root = ElementTree.fromstring(data)
    assert not list(root)
    return root.tag, dict(root.attrib), root.text or ""


def test_greeting_of_a_local_driver() -> None:
    assert requests.driver_greeting() == b'<getProperties version="1.7"/>\n'


@pytest.mark.parametrize(("device", "asked"), [("", "*"), ("A", "A"), ("A & B", "A &amp; B")])
def test_greeting_of_a_remote(device: str, asked: str) -> None:
    data = requests.get_properties(device, "me")
    assert data == f'<getProperties device="{asked}" version="1.7" via="me"/>\n'.encode()
    assert requests.passed_servers(framed(data)) == ["me"]


@EXAMPLES
@given(values)
def test_a_gone_device_under_any_name(device: str) -> None:
    data = requests.delete_device(device)
    assert seen(data) == ("delProperty", {"device": device}, "")
    assert (framed(data).tag, framed(data).device, framed(data).name) == ("delProperty", device, "")


@pytest.mark.parametrize(
    ("device", "name", "attributes"),
    [
        ("", "", {}),
        ("A", "", {"device": "A"}),
        ("A", "P", {"device": "A", "name": "P"}),
        (HARD, HARD, {"device": HARD, "name": HARD}),
    ],
)
@pytest.mark.parametrize("mode", ["Never", "Also", "Only"])
def test_enable_blob(device: str, name: str, attributes: dict[str, str], mode: str) -> None:
    data = requests.enable_blob(device, name, mode)
    assert seen(data) == ("enableBLOB", attributes, mode)
    assert framed(data).text == mode


@pytest.mark.parametrize(
    "request_",
    [
        b"<pingRequest uid='1'/>",
        b'<pingRequest uid="SetBLOB/12" device=\'A\' extra="x"/>',
        b"<pingRequest/>",
        b"<pingRequest uid='1'></pingRequest>",
        b"<pingRequest uid='1'></pingRequest >",
        b"<pingRequest uid='&lt;pingRequest&amp;&quot;&gt;'/>",
        b"<pingRequest uid='a > pingRequest' pingRequest='x'/>",
        b"<pingRequest uid='a&#10;b&#9;c'/>",
    ],
)
def test_a_ping_is_answered_with_its_own_attributes(request_: bytes) -> None:
    _, attributes, text = seen(request_)
    reply = requests.ping_reply(framed(request_))
    assert seen(reply) == ("pingReply", attributes, text)
    assert reply.endswith(b"\n")


@EXAMPLES
@given(values)
def test_every_value_survives_in_a_ping_reply(uid: str) -> None:
    request = framed(requests.empty_element("pingRequest", {"uid": uid, "device": "A"}))
    reply = framed(requests.ping_reply(request))
    assert (reply.tag, reply.attributes) == ("pingReply", {"uid": uid, "device": "A"})


MARKABLE = [
    b"<getProperties version='1.7'/>",
    b'<getProperties device="A" name=\'P\' version="1.7"/>',
    b"<getProperties/>",
    b"<getProperties version='1.7'></getProperties>",
    b"<getProperties  \n device = '*' \t version='1.7' />",
    b"<getProperties device='via=&quot;me&quot;' name=\"via='me'\" version='1.7'/>",
    b"<getProperties via-host='x' xvia='y' version='1.7'/>",
    b"<message message='from &quot;nobody&quot; via=&apos;me&apos;'/>",
    b"<setTextVector name='P'><oneText via='x' name='a'>text via='y'</oneText></setTextVector>",
]


@pytest.mark.parametrize("data", MARKABLE)
def test_an_unmarked_message_is_its_own_bytes(data: bytes) -> None:
    message = framed(data)
    assert requests.passed_servers(message) == []
    assert requests.without_servers(message) == data + b"\n"


@pytest.mark.parametrize("data", MARKABLE)
def test_a_mark_comes_off_again(data: bytes) -> None:
    marked = framed(requests.with_server(framed(data), "one"))
    assert requests.passed_servers(marked) == ["one"]
    twice = framed(requests.with_server(marked, "two"))
    assert requests.passed_servers(twice) == ["one", "two"]
    assert twice.attributes == {**framed(data).attributes, "via": "one two"}
    assert requests.without_servers(twice) == data + b"\n"


@pytest.mark.parametrize(
    ("data", "passed"),
    [
        (b"<getProperties via='a'/>", ["a"]),
        (b"<getProperties via=' a  b '/>", ["a", "b"]),
        (b"<getProperties via=''/>", []),
        (b"<getProperties version='1.7' via = \"a\" device='A'/>", ["a"]),
        (b"<message message='x' via='a'>\n</message>", ["a"]),
    ],
)
def test_a_mark_may_stand_anywhere(data: bytes, passed: list[str]) -> None:
    message = framed(data)
    assert requests.passed_servers(message) == passed
    attributes = {key: value for key, value in message.attributes.items() if key != "via"}
    assert framed(requests.without_servers(message)).attributes == attributes
    marked = framed(requests.with_server(message, "me"))
    assert requests.passed_servers(marked) == [*passed, "me"]
    assert marked.attributes == {**attributes, "via": " ".join([*passed, "me"])}


@EXAMPLES
@given(values, values)
def test_marks_and_values_do_not_touch_each_other(device: str, name: str) -> None:
    data = requests.empty_element("getProperties", {"device": device, "name": name})
    marked = framed(requests.with_server(framed(data), "me"))
    assert marked.attributes == {"device": device, "name": name, "via": "me"}
    assert requests.without_servers(marked) == data


@EXAMPLES
@given(values)
def test_a_foreign_mark_stays_well_formed(via: str) -> None:
    """What a peer wrote into `via` is passed on escaped."""
    message = framed(requests.empty_element("getProperties", {"device": "A", "via": via}))
    marked = requests.with_server(message, "me")
    assert seen(marked) == ("getProperties", {"device": "A", "via": " ".join([*via.split(), "me"])}, "")


KEY = "0123456789abcdef" * 2


def test_a_request_may_ask_for_compression_which_only_its_connection_hears_of() -> None:
    request = framed(requests.get_properties("A", "me", KEY))
    assert requests.compression_key(request) == KEY
    assert requests.passed_servers(request) == ["me"]
    assert requests.without_servers(request) == b'<getProperties device="A" version="1.7"/>\n'
    further = framed(requests.with_server(request, "two"))
    assert further.attributes == {"device": "A", "version": "1.7", "via": "me two"}


@pytest.mark.parametrize(
    "asked",
    [
        "<getProperties/>",
        f"<getProperties compression='lzma {KEY}'/>",
        "<getProperties compression='zlib short'/>",
        f"<getProperties compression='zlib {KEY} more'/>",
        f"<message compression='zlib {KEY}'/>",
    ],
)
def test_what_does_not_ask_for_it_rightly_does_not_get_it(asked: str) -> None:
    assert requests.compression_key(framed(asked.encode())) == ""


def test_the_marker_of_a_compressed_stream_is_an_element() -> None:
    assert seen(requests.compression_marker(KEY)) == ("compressedStream", {"method": "zlib", "key": KEY}, "")
