"""What the corpus cannot say of the framer: when messages come, limits, handles, memory, faults' sentences."""

from __future__ import annotations

import tracemalloc

import pytest

from indigevent.errors import RemoteProtocolError
from indigevent.protocol.framing import FaultKind, Framer, Limits
from indigevent.protocol.message import BlobMessage
from tests.wire.corpus import Case, Outcome, at_random, bytewise, cases, run, seen

GOOD = b'<message device="Good" message="arrives"/>'
GOOD_TOO = b'<setTextVector device="Good" name="two"><oneText name="t">x</oneText></setTextVector>'
ATTACHED = b'<setBLOBVector device="A" name="%s"><oneBLOB size="3" format=".a" attached="true"/></setBLOBVector>'
INLINE = b'<setBLOBVector device="A" name="B"><oneBLOB size="3" format=".a">QUJD</oneBLOB></setBLOBVector>'
LIMITS = Limits(max_element_bytes=200, max_depth=4, max_attributes=3, max_name_bytes=16)


def data_of(outcome: Outcome) -> list[bytes]:
    return [message["data"] for message in outcome.messages]


def in_every_chunking(data: bytes, limits: Limits) -> Outcome:
    """The outcome of `data`, the same one however it is cut."""
    whole = run([data], limits=limits)
    assert run(bytewise(data), limits=limits) == whole
    for seed in range(5):
        assert run(at_random(data, seed), limits=limits) == whole
    return whole


# When a message comes


@pytest.mark.parametrize("message", [GOOD, GOOD_TOO, INLINE, b"<unknown device='A'><x/></unknown>"])
def test_a_message_comes_with_its_last_byte(message: bytes) -> None:
    framer = Framer()
    for chunk in bytewise(message)[:-1]:
        assert framer.feed(chunk) == []
    assert [got.data for got in framer.feed(message[-1:])] == [message]


def test_messages_come_while_the_next_one_is_unfinished() -> None:
    framer = Framer()
    assert [got.data for got in framer.feed(GOOD + b"\n" + GOOD_TOO + GOOD[:9])] == [GOOD, GOOD_TOO]
    assert [got.data for got in framer.feed(GOOD[9:])] == [GOOD]


def test_offsets_count_from_the_start_of_the_stream() -> None:
    framer = Framer()
    for _ in range(3):
        framer.feed(GOOD * 2)
    framer.feed(b"\n<message device=A/>" + GOOD)
    assert [fault.offset for fault in framer.take_faults()] == [len(GOOD) * 6 + 1]


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_the_short_way_and_the_patient_way_agree(case: Case) -> None:
    """Whole messages may be taken in one step, a byte at a time they cannot."""
    whole, slow = Framer(), Framer()
    expected = [seen(message) for message in whole.feed(case.data, case.fds)]
    messages = slow.feed(case.data[:1], case.fds)
    for chunk in bytewise(case.data[1:]):
        messages += slow.feed(chunk)
    assert [seen(message) for message in messages] == expected


# Limits


def of_length(length: int) -> bytes:
    """A message of so many bytes."""
    return b'<message device="A" message="%s"/>' % (b"x" * (length - 32))


def test_an_element_may_be_as_long_as_the_limit() -> None:
    outcome = in_every_chunking(of_length(200) + GOOD, LIMITS)
    assert data_of(outcome) == [of_length(200), GOOD]
    assert outcome.faults == []


ENDLESS = {
    "value": b'<message device="' + b"A" * 1000,
    "value of a child": b'<setTextVector><oneText name="' + b"A" * 1000,
    "text": b"<setTextVector><oneText>" + b"A" * 1000,
    "white space": b"<setTextVector>" + b" " * 1000,
    "white space in a tag": b"<setTextVector" + b" " * 1000,
    "white space before =": b"<setTextVector device" + b" " * 1000,
    "white space in an end tag": b"<setTextVector></setTextVector" + b" " * 1000,
    "white space before a name": b"<" + b" " * 1000,
    "comment": b"<setTextVector><!--" + b"-" * 1000,
    "comments": b"<setTextVector>" + b"<!-- -->" * 200,
    "instruction": b"<setTextVector><?x" + b"?" * 1000,
    "cdata": b"<setTextVector><![CDATA[" + b"]" * 1000,
    "children": b"<setTextVector>" + b"<oneText/>" * 100,
    "control bytes": b"<setTextVector>" + b"\0" * 1000,
    "ampersands": b"<setTextVector>" + b"&" * 1000,
    "unknown element": b'<unknown device="A">' + b"<x/>" * 300,
    "around a BLOB": b"<setBLOBVector>" + b"<oneBLOB>QUJD</oneBLOB>" * 100,
}


@pytest.mark.parametrize("start", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_element_without_end_is_dropped_at_the_limit(start: bytes) -> None:
    outcome = in_every_chunking(start + GOOD + GOOD_TOO, LIMITS)
    assert outcome.faults[0] == (FaultKind.LIMIT.value, 0)
    assert data_of(outcome)[-1] == GOOD_TOO


@pytest.mark.parametrize("shift", range(60))
def test_an_element_that_begins_around_the_limit_of_a_dropped_one_arrives(shift: int) -> None:
    start = b"<setTextVector><!--"
    outcome = in_every_chunking(
        start + b"-" * (LIMITS.max_element_bytes - len(start) - shift) + GOOD + GOOD_TOO, LIMITS
    )
    assert data_of(outcome)[-1] == GOOD_TOO
    assert outcome.faults[0][1] == 0


def test_a_payload_has_no_limit_but_the_rest_of_its_vector_has() -> None:
    vector = INLINE.replace(b"QUJD", b"QUJD" * 1000)
    assert data_of(in_every_chunking(vector, LIMITS)) == [vector]
    two = INLINE.replace(b"</setBLOBVector>", b"x" * 200 + b"</setBLOBVector>").replace(b"QUJD", b"QUJD" * 1000)
    assert in_every_chunking(two, LIMITS).faults == [(FaultKind.LIMIT.value, 0)]


@pytest.mark.parametrize(
    ("limits", "fits", "is_too_much"),
    [
        ({"max_depth": 3}, b"<a><b><c/></b></a>", b"<a><b><c><d/></c></b></a>"),
        ({"max_depth": 1}, b"<a/>", b"<a><b/></a>"),
        ({"max_depth": 1}, b"<setTextVector/>", b'<setTextVector><oneText name="t">x</oneText></setTextVector>'),
        ({"max_attributes": 2}, b'<a b="1" c="2"/>', b'<a b="1" c="2" d="3"/>'),
        ({"max_attributes": 1}, b'<message device="a"/>', b'<message device="a" name="b"/>'),
        ({"max_name_bytes": 3}, b'<abc def="1"/>', b"<abcd/>"),
        ({"max_name_bytes": 3}, b"<abc></abc>", b'<abc defg="1"/>'),
        ({"max_name_bytes": 7}, b'<message device="a"/>', b'<message timestamp="a"/>'),
    ],
)
def test_depth_attributes_and_names(limits: dict[str, int], fits: bytes, is_too_much: bytes) -> None:
    tight = Limits(**limits)
    fitting, too_much = in_every_chunking(fits, tight), in_every_chunking(is_too_much, tight)
    assert (data_of(fitting), fitting.faults) == ([fits], [])
    assert (data_of(too_much), too_much.faults) == ([], [(FaultKind.LIMIT.value, 0)])


@pytest.mark.parametrize(
    "endless",
    [b'<message device="', b"<setTextVector>", b"<", b"<!--", b"<!DOCTYPE [", b"junk", b"<message device=A "],
    ids=["value", "text", "blank", "comment", "doctype", "junk", "dropped"],
)
def test_memory_is_bounded_whatever_never_ends(endless: bytes) -> None:
    framer = Framer(Limits(max_element_bytes=1 << 16))
    framer.feed(endless)
    chunk = b" " * 4096
    tracemalloc.start()
    for _ in range(500):
        assert framer.feed(chunk) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * (1 << 16)


# Time: a quadratic step would not finish these within the test's time limit


def test_a_long_definition_byte_by_byte() -> None:
    child = b'<defText name="t" label="L">x</defText>\n'
    data = b'<defTextVector device="A" name="B">' + child * 5000 + b"</defTextVector>"
    framer = Framer()
    messages = [message for chunk in bytewise(data) for message in framer.feed(chunk)]
    assert [message.data for message in messages] == [data]


HOSTILE = [
    *(
        b"<",
        b"< ",
        b"</",
        b"<a ",
        b"<a>",
        b"<a/>",
        b"<!",
        b"<!--",
        b"<?",
        b"<![CDATA[",
        b"]]>",
        b"&",
        b"&#",
        b"'",
        b'"',
    ),
    *(
        b"<message",
        b"<message ",
        b"<message>",
        b'<message a="',
        b"</message>",
        b"<setTextVector device='A'><oneText>",
    ),
    *(
        b" ",
        b"\0",
        b"a",
        b"a=",
        b'<message device="A"',
        b"<setBLOBVector><oneBLOB>",
        b"<!DOCTYPE [",
        b"=<",
        b"<message></",
    ),
]


@pytest.mark.timeout(40)
@pytest.mark.parametrize("prefix", [b"", b"<setTextVector>", b'<setTextVector a="'])
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_finishes(prefix: bytes, unit: bytes) -> None:
    data = prefix + unit * (60_000 // len(unit))
    framer = Framer()
    framer.feed(data)
    messages = framer.feed(GOOD) + framer.feed(GOOD_TOO)
    assert messages[-1].data == GOOD_TOO


@pytest.mark.timeout(60)
def test_tags_that_end_far_away_take_no_long_time() -> None:
    framer = Framer()
    framer.feed(b"<5" * 250_000 + b">")
    assert framer.feed(GOOD)[-1].data == GOOD


# BLOBs and handles


def test_a_payload_is_the_chunks_that_came() -> None:
    """No byte of a payload is copied: a chunk that is all payload is itself a part of the message."""
    start, end = INLINE.split(b"QUJD")
    chunks = [bytes([65 + index]) * 50_000 for index in range(4)]
    framer = Framer()
    assert framer.feed(start) == []
    for chunk in chunks:
        assert framer.feed(chunk) == []
    (message,) = framer.feed(end)
    assert message.data == start + b"".join(chunks) + end
    assert all(any(part is chunk for part in message.parts) for chunk in chunks)
    assert all(any(piece is chunk for piece in message.elements[0].payload) for chunk in chunks)


def test_handles_are_taken_in_order_and_kept_for_later_messages() -> None:
    framer = Framer()
    first, second = ATTACHED % b"one", ATTACHED % b"two"
    messages = framer.feed(first[:20], ["a"]) + framer.feed(first[20:] + second, ["b"])
    assert [message.elements[0].attached for message in messages] == ["a", "b"]


@pytest.mark.parametrize(
    "vector",
    [
        b'<setBLOBVector device="A" name="B" state="Ok"/>',
        b'<setBLOBVector device="A" name="B"></setBLOBVector>',
        b'<newBLOBVector device="A" name="B"/>',
        b'<setBLOBVector device="A" name="B"><oneBLOB name="C" size="1" format=".x">YQ==</oneBLOB></setBLOBVector>',
        b'<setBLOBVector device="A" name="B"><oneBLOB name="C" size="1" format=".x" attached="true"/></setBLOBVector>',
    ],
)
@pytest.mark.parametrize("is_bytewise", [False, True])
def test_blob_vectors_are_blob_messages_however_they_come(vector: bytes, is_bytewise: bool) -> None:
    framer = Framer()
    chunks = [vector[n : n + 1] for n in range(len(vector))] if is_bytewise else [vector]
    for _ in range(2):  # the second one's start tag is known
        came = [message for n, chunk in enumerate(chunks) for message in framer.feed(chunk, [] if n else ["handle"])]
        assert [type(message) for message in came] == [BlobMessage]
        assert came[0].data == vector


@pytest.mark.parametrize(
    "wrong",
    [
        b'<setBLOBVector device="A" name="B"/><oneBLOB name="C" size="1" format=".x" attached="true"/></setBLOBVector>',
        b'<setBLOBVector device="A" name="B"><oneBLOB name="C" size="1" format=".x" attached="true"/></newBLOBVector>',
        b'<setBLOBVector device="A" name="B"><oneBLOB name="C" name="D" size="1" attached="true"/></setBLOBVector>',
        b'<setBLOBVector device="A" name="B"><oneBLOB name="C" size="x" format="" attached="true"/></setBLOBVector>',
    ],
)
def test_the_short_way_of_attached_blobs_takes_nothing_that_is_wrong(wrong: bytes) -> None:
    def outcome(chunks: list[bytes]) -> tuple[list[bytes], list[str]]:
        framer = Framer()
        came = [
            message.data for n, chunk in enumerate(chunks) for message in framer.feed(chunk, [] if n else ["handle"])
        ]
        return came, [fault.kind for fault in framer.take_faults()]

    good = b'<setBLOBVector device="A" name="B"></setBLOBVector>'
    whole = outcome([good + wrong + good])
    assert whole == outcome([(good + wrong + good)[n : n + 1] for n in range(len(good + wrong + good))])


def test_a_handle_may_come_with_the_last_byte() -> None:
    framer = Framer()
    attached = ATTACHED % b"one"
    assert framer.feed(attached[:-1]) == []
    (message,) = framer.feed(attached[-1:], ["a"])
    assert message.elements[0].attached == "a"
    assert b"".join(message.elements[0].payload) == b""


def test_an_inline_blob_takes_no_handle() -> None:
    framer = Framer()
    inline, attached = framer.feed(INLINE + ATTACHED % b"one", ["a"])
    assert inline.elements[0].attached is None
    assert attached.elements[0].attached == "a"


@pytest.mark.parametrize(
    "dropped",
    [ATTACHED.replace(b'"3"', b'"abc"') % b"one", b"<setBLOBVector><oneBLOB size='3' attached='true'>" + GOOD],
    ids=["hostile", "cut"],
)
def test_the_handle_of_a_dropped_blob_goes_to_no_other(dropped: bytes) -> None:
    framer = Framer()
    framer.feed(dropped, ["lost"])
    (message,) = framer.feed(ATTACHED % b"two", ["own"])
    assert message.elements[0].attached == "own"


def test_handles_that_belong_to_nothing_are_not_collected() -> None:
    framer = Framer()
    for _ in range(100):
        assert len(framer.feed(GOOD, ["stray"])) == 1
    assert {fault.kind for fault in framer.take_faults()} == {FaultKind.BLOB.value}


# Faults


FAULTS = {
    FaultKind.CUT: b"<setTextVector device='A'>" + GOOD,
    FaultKind.ATTRIBUTE: b"<message device=A/>",
    FaultKind.END_TAG: b"<message></setTextVector>",
    FaultKind.MARKUP: b"<message>1 <2</message>",
    FaultKind.LIMIT: b"<message " + b"x" * 300 + b"='1'/>",
    FaultKind.BLOB: INLINE.replace(b'"3"', b'"abc"'),
    FaultKind.END_OF_INPUT: b"<message",
}


@pytest.mark.parametrize(("kind", "data"), FAULTS.items(), ids=lambda value: getattr(value, "value", None))
def test_a_fault_is_a_sentence_with_offset_and_excerpt(kind: FaultKind, data: bytes) -> None:
    framer = Framer()
    framer.feed(b"\xef\xbb\xbf\n" + data)
    framer.close()
    (fault,) = framer.take_faults()
    assert isinstance(fault, RemoteProtocolError)
    assert (fault.kind, fault.offset) == (kind.value, 4)
    assert fault.excerpt[:8] == data[:8]
    assert str(fault).isprintable()
    assert "byte 4" in str(fault)
    assert fault.excerpt[:8].decode() in str(fault)


def test_an_excerpt_is_short_and_printable_whatever_was_sent() -> None:
    framer = Framer()
    framer.feed(b"<message a='\0\x1b[31m\xff\n" + b"x" * 5000 + b"' a='2'/>")
    (fault,) = framer.take_faults()
    assert len(fault.excerpt) <= 200
    assert len(str(fault)) < 1000
    assert str(fault).isprintable()


def test_faults_are_taken_once() -> None:
    framer = Framer()
    framer.feed(b"<message a/><message b/>" + GOOD)
    assert [fault.offset for fault in framer.take_faults()] == [0, 12]
    assert framer.take_faults() == []


def test_closing_between_elements_is_no_fault() -> None:
    for data in (b"", GOOD, GOOD + b"\n", b"junk", b"</message>", b"<!-- x -->"):
        assert run([data]).faults == []


def test_repaired_messages_are_counted() -> None:
    framer = Framer()
    framer.feed(GOOD + b"<message device='&'/>" + GOOD + b"<message a/>" + b"<enableBLOB>\0</enableBLOB>")
    assert framer.repaired == 2
