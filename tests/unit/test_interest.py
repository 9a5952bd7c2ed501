"""What a client is subscribed to and which BLOBs it gets, after every sequence of messages that matters."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from indigevent.protocol.constants import TOP_LEVEL_TAGS, BlobMode
from indigevent.routing.interest import BlobPolicy, Interest

NEVER, ALSO, ONLY = BlobMode.NEVER, BlobMode.ALSO, BlobMode.ONLY
PLACES = [("", ""), ("A", ""), ("A", "P"), ("A", "Q"), ("B", ""), ("B", "P")]

Said = tuple[str, str, str]
Setting = tuple[str, str, BlobMode]


def interest(*said: Said) -> Interest:
    result = Interest()
    for tag, device, name in said:
        result.learn(tag, device, name)
    return result


def get(device: str = "", name: str = "") -> Said:
    return ("getProperties", device, name)


def places_of(subject: Interest) -> list[str]:
    """Where a client hears messages from, as "device.name"."""
    return [f"{device}.{name}" for device, name in PLACES if subject.subscribes(device, name)]


def policy(*settings: Setting) -> BlobPolicy:
    result = BlobPolicy()
    for device, name, mode in settings:
        result.set(device, name, mode)
    return result


EVERYWHERE = [".", "A.", "A.P", "A.Q", "B.", "B.P"]


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ([], ["."]),
        ([get()], EVERYWHERE),
        ([get("*")], EVERYWHERE),
        ([get("A")], [".", "A.", "A.P", "A.Q"]),
        ([get("A", "P")], [".", "A.P"]),
        ([get("A", "P"), get("A", "Q")], [".", "A.P", "A.Q"]),
        ([get("A", "P"), get("A")], [".", "A.", "A.P", "A.Q"]),
        ([get("A"), get("A", "P")], [".", "A.", "A.P", "A.Q"]),
        ([get("A", "P"), get("B", "P")], [".", "A.P", "B.P"]),
        ([get(), get("A", "P")], EVERYWHERE),
        ([get("*"), get("A", "P")], EVERYWHERE),
        ([get(), get("*")], EVERYWHERE),
        ([get("*"), get()], EVERYWHERE),
        ([get("A", "P"), get()], [".", "A.P"]),
        ([get("A", "P"), get("*")], [".", "A.P"]),
        ([get("A"), get(), get("*")], [".", "A.", "A.P", "A.Q"]),
        ([get("", "P")], EVERYWHERE),
        ([("enableBLOB", "", "")], ["."]),
        ([("enableBLOB", "", ""), get()], EVERYWHERE),
        ([("enableBLOB", "A", ""), get()], [".", "A.", "A.P", "A.Q"]),
        ([("enableBLOB", "A", "P")], [".", "A.P"]),
        ([get("A", "P"), ("enableBLOB", "A", "")], [".", "A.", "A.P", "A.Q"]),
        ([("newNumberVector", "A", "P")], [".", "A.P"]),
        ([("newNumberVector", "", "P"), get()], EVERYWHERE),
        ([("pingRequest", "A", "")], [".", "A.", "A.P", "A.Q"]),
        ([("unknown", "A", "P")], [".", "A.P"]),
    ],
    ids=str,
)
def test_subscriptions(said: Sequence[Said], places: Sequence[str]) -> None:
    assert places_of(interest(*said)) == places


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS | {"unknown"}))
def test_every_message_with_a_device_subscribes_to_it(tag: str) -> None:
    assert places_of(interest((tag, "A", "P"))) == [".", "A.P"]


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS - {"getProperties"} | {"unknown"}))
def test_only_get_properties_without_device_subscribes_to_everything(tag: str) -> None:
    assert places_of(interest((tag, "", ""))) == ["."]


@pytest.mark.parametrize(
    ("said", "upstream"),
    [
        ([get("*")], True),
        ([get(), get("*")], True),
        ([get("*"), get("A")], True),
        ([get()], False),
        ([get("A")], False),
        ([get("A"), get("*")], False),
    ],
    ids=str,
)
def test_a_first_star_is_a_chained_server(said: Sequence[Said], upstream: bool) -> None:
    assert interest(*said).is_upstream is upstream


@pytest.mark.parametrize(
    ("said", "then", "changed"),
    [
        ([], get(), True),
        ([get()], get(), False),
        ([], get("*"), True),
        ([get()], get("*"), True),
        ([], get("A"), True),
        ([get("A")], get("A"), False),
        ([get("A")], get("A", "P"), True),
        ([get("A", "P")], get("A", "P"), False),
        ([get("A")], get(), False),
        ([get("*")], get(), False),
        ([], ("message", "", ""), False),
        ([get()], get("A"), True),
    ],
    ids=str,
)
def test_learning_says_whether_something_changed(said: Sequence[Said], then: Said, changed: bool) -> None:
    assert interest(*said).learn(*then) is changed


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        ([], NEVER),
        ([("", "", ALSO)], ALSO),
        ([("A", "", ALSO)], ALSO),
        ([("A", "P", ALSO)], ALSO),
        ([("B", "", ALSO)], NEVER),
        ([("A", "Q", ALSO)], NEVER),
        ([("B", "P", ALSO)], NEVER),
        ([("", "", ALSO), ("A", "", NEVER)], NEVER),
        ([("", "", NEVER), ("A", "", ALSO)], ALSO),
        ([("", "", ALSO), ("A", "", ONLY)], ONLY),
        ([("A", "", ALSO), ("A", "P", NEVER)], NEVER),
        ([("", "", NEVER), ("A", "", NEVER), ("A", "P", ONLY)], ONLY),
        ([("", "", ALSO), ("A", "P", NEVER)], NEVER),
        ([("A", "P", ALSO), ("A", "P", NEVER)], NEVER),
        ([("A", "P", ALSO), ("A", "Q", NEVER)], ALSO),
    ],
    ids=str,
)
def test_the_most_specific_mode_rules(settings: Sequence[Setting], mode: BlobMode) -> None:
    assert policy(*settings).mode("A", "P") is mode


@pytest.mark.parametrize(
    ("settings", "modes"),
    [
        ([("A", "P", NEVER), ("A", "", ALSO)], [NEVER, ALSO, ALSO, ALSO, NEVER, NEVER]),
        ([("A", "P", ALSO), ("A", "", NEVER)], [NEVER, NEVER, NEVER, NEVER, NEVER, NEVER]),
        ([("A", "P", NEVER), ("", "", ALSO)], [ALSO, ALSO, ALSO, ALSO, ALSO, ALSO]),
        ([("A", "", NEVER), ("", "", ALSO)], [ALSO, ALSO, ALSO, ALSO, ALSO, ALSO]),
        ([("A", "P", ALSO), ("B", "", NEVER)], [NEVER, NEVER, ALSO, NEVER, NEVER, NEVER]),
        ([("B", "P", ONLY), ("A", "", ALSO)], [NEVER, ALSO, ALSO, ALSO, NEVER, ONLY]),
        ([("", "", ALSO), ("A", "P", NEVER), ("A", "", ONLY)], [ALSO, ONLY, ONLY, ONLY, ALSO, ALSO]),
        ([("A", "", ALSO), ("A", "P", NEVER)], [NEVER, ALSO, NEVER, ALSO, NEVER, NEVER]),
    ],
    ids=str,
)
def test_a_wider_mode_clears_the_narrower_ones_before_it(
    settings: Sequence[Setting], modes: Sequence[BlobMode]
) -> None:
    subject = policy(*settings)
    assert [subject.mode(*place) for place in PLACES] == modes


def test_name_without_device_changes_nothing() -> None:
    subject = policy(("", "", ALSO), ("A", "P", ONLY), ("", "P", NEVER))
    assert [subject.mode(*place) for place in PLACES] == [ALSO, ALSO, ONLY, ALSO, ALSO, ALSO]
    assert subject.wanted_scopes() == [("", ""), ("A", "P")]


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS | {"unknown"}))
def test_never_holds_back_set_blob_vectors_alone(tag: str) -> None:
    assert policy().allows(tag, "A", "P") is (tag != "setBLOBVector")
    assert policy(("A", "", NEVER)).allows(tag, "A", "P") is (tag != "setBLOBVector")


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS | {"unknown"}))
def test_also_holds_back_nothing(tag: str) -> None:
    assert policy(("", "", ALSO)).allows(tag, "A", "P")


@pytest.mark.parametrize("tag", sorted(TOP_LEVEL_TAGS | {"unknown"}))
def test_only_leaves_blobs_and_what_belongs_to_them(tag: str) -> None:
    left = tag in ("setBLOBVector", "defBLOBVector", "delProperty")
    assert policy(("A", "", ONLY)).allows(tag, "A", "P") is left
    assert policy(("A", "P", ONLY)).allows(tag, "A", "P") is left


@pytest.mark.parametrize(
    ("settings", "place", "allowed"),
    [
        ([("A", "P", ONLY)], ("A", "Q"), True),
        ([("A", "P", ONLY)], ("A", ""), True),
        ([("A", "P", ONLY)], ("", ""), True),
        ([("A", "", ONLY)], ("A", ""), False),
        ([("A", "", ONLY)], ("B", "P"), True),
        ([("A", "", ONLY)], ("", ""), True),
        ([("", "", ONLY)], ("", ""), False),
        ([("", "", ONLY)], ("A", "P"), False),
        ([("", "", ONLY), ("A", "", ALSO)], ("A", "P"), True),
        ([("", "", ONLY), ("A", "", NEVER)], ("A", "P"), True),
        ([("", "", ONLY), ("A", "P", NEVER)], ("A", "Q"), False),
        ([("A", "P", ONLY), ("A", "", ALSO)], ("A", "P"), True),
    ],
    ids=str,
)
def test_only_concerns_its_own_scope(settings: Sequence[Setting], place: tuple[str, str], allowed: bool) -> None:
    assert policy(*settings).allows("setNumberVector", *place) is allowed


@pytest.mark.timeout(60)
def test_modes_for_ever_more_devices_do_not_cost_more_and_more() -> None:
    """A client can set very many in a moment, and everybody else would wait: with the square of them, for minutes."""
    subject = policy(*((str(number), "", ALSO) for number in range(200_000)))
    assert subject.mode("199999", "") is ALSO


def test_wanted_scopes_are_those_with_blobs() -> None:
    assert policy().wanted_scopes() == []
    subject = policy(("", "", NEVER), ("A", "", ALSO), ("A", "P", NEVER), ("B", "P", ONLY))
    assert subject.wanted_scopes() == [("A", ""), ("B", "P")]
    subject.set("", "", ALSO)
    assert subject.wanted_scopes() == [("", "")]


@pytest.mark.parametrize(
    ("tag", "device", "name", "wanted"),
    [
        ("setNumberVector", "A", "P", True),
        ("setNumberVector", "B", "P", False),
        ("setBLOBVector", "A", "P", True),
        ("setBLOBVector", "A", "Q", False),
        ("setBLOBVector", "B", "P", False),
        ("message", "", "", True),
    ],
)
def test_a_message_needs_a_subscription_and_its_policy(tag: str, device: str, name: str, wanted: bool) -> None:
    subject = interest(get("A"))
    subject.blobs.set("A", "P", ALSO)
    subject.blobs.set("B", "", ALSO)
    assert subject.wants(tag, device, name) is wanted
