"""The wire corpus through the framer, in every chunking: what comes out is what its expectation says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.corpus import CORPUS, Case, cases, chunkings, flat, parse, run

VALID = cases("valid")
INVALID = cases("invalid")
EVERY_CASE = pytest.mark.parametrize("case", VALID + INVALID, ids=lambda case: case.name)
GOOD = b'<message device="Good" message="a"/>', b"<setSwitchVector device='Good' name='x'></setSwitchVector>"


def joined(value: str | list[str]) -> str:
    """An expectation may give a long text line by line."""
    return value if isinstance(value, str) else "".join(value)


def expected_messages(case: Case) -> list[dict[str, Any]]:
    messages = []
    for message in case.expected["messages"]:
        wanted = {**message, "data": joined(message["data"]).encode()}
        if "elements" in message:
            wanted["elements"] = [expected_blob(case, blob) for blob in message["elements"]]
        messages.append(wanted)
    return messages


def expected_blob(case: Case, blob: dict[str, Any]) -> dict[str, Any]:
    attached = case.fds[blob["attached"]] if "attached" in blob else None
    return {
        "attributes": blob["attributes"],
        "payload": joined(blob["payload"]).encode(),
        "attached": attached,
    }


def test_the_corpus_is_complete() -> None:
    files = [path for folder in ("valid", "invalid") for path in (CORPUS / folder).iterdir()]
    inputs = {path.with_suffix("") for path in files if path.suffix == ".xml"}
    expectations = {path.with_suffix("") for path in files if path.suffix == ".expect"}
    assert inputs == expectations
    assert len(inputs) >= 80


@EVERY_CASE
def test_whole(case: Case) -> None:
    outcome = run([case.data], case.fds)
    wanted = expected_messages(case)
    got = [{key: message[key] for key in want} for want, message in zip(wanted, outcome.messages, strict=False)]
    assert got == wanted
    assert len(outcome.messages) == len(wanted)
    assert outcome.faults == [(fault["kind"], fault["offset"]) for fault in case.expected.get("faults", [])]
    assert outcome.repaired == case.expected.get("repaired", 0)


@EVERY_CASE
def test_chunks_change_nothing(case: Case) -> None:
    whole = run([case.data], case.fds)
    for chunks in chunkings(case.data):
        assert run(chunks, case.fds) == whole


@EVERY_CASE
def test_everything_emitted_is_well_formed_and_says_what_the_envelope_says(case: Case) -> None:
    for message in run([case.data], case.fds).messages:
        document = parse(message["data"])
        assert document.tag == message["tag"]
        assert {key: flat(value) for key, value in document.attributes.items()} == {
            key: flat(value) for key, value in message["attributes"].items()
        }
        assert message["device"] == message["attributes"].get("device", "")
        assert message["name"] == message["attributes"].get("name", "")
        assert message["size"] == len(message["data"])
        if not document.has_children:
            assert flat(document.text).strip() == flat(message["text"]).strip()


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_a_clean_message_is_its_own_bytes(case: Case) -> None:
    position = 0
    for message in expected_messages(case):
        position = case.data.index(message["data"], position) + len(message["data"])
    assert not case.expected.get("faults")
    assert not case.expected.get("repaired")


@pytest.mark.parametrize("case", VALID + INVALID, ids=lambda case: case.name)
def test_the_second_good_message_after_it_arrives(case: Case) -> None:
    outcome = run([case.data, *GOOD], case.fds)
    assert outcome.messages[-1]["data"] == GOOD[1]


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_what_follows_makes_no_difference(case: Case) -> None:
    outcome = run([case.data + b"".join(GOOD)], case.fds)
    assert [message["data"] for message in outcome.messages] == [
        *(message["data"] for message in expected_messages(case)),
        *GOOD,
    ]
    assert outcome.faults == []
