"""A remote server is asked for exactly the BLOBs that somebody here wants."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.protocol.constants import BlobMode
from indigevent.routing.chaining import BlobDemand, BlobRequest
from indigevent.routing.interest import EVERYTHING, Scope
from indigevent.routing.peers import Driver

from .house import Outlet

NEVER, ALSO = BlobMode.NEVER, BlobMode.ALSO
EXAMPLES = settings(max_examples=400, derandomize=True, deadline=None, database=None)
SCOPES: list[Scope] = [EVERYTHING, *((device, name) for device in "ABC" for name in ("", "P", "Q"))]
PROPERTIES = [(device, name) for device in "ABC" for name in "PQR"]

wishes = st.lists(st.lists(st.sampled_from(SCOPES), max_size=6), min_size=1, max_size=8)


class Receiver:
    """A remote server's BLOB policy for us, as the protocol has it: the most specific mode, wider clears narrower."""

    def __init__(self) -> None:
        self.modes: dict[Scope, BlobMode] = {}

    def take(self, requests: Iterable[BlobRequest]) -> None:
        """Obey `enableBLOB`s."""
        for device, name, mode in requests:
            narrower = [scope for scope in self.modes if self.is_within(scope, (device, name))]
            for scope in narrower:
                del self.modes[scope]
            self.modes[device, name] = mode

    def sends(self, device: str, name: str) -> bool:
        """Whether BLOBs of a property come."""
        ruling = [scope for scope in ((device, name), (device, ""), EVERYTHING) if scope in self.modes]
        return bool(ruling) and self.modes[ruling[0]] is ALSO

    def is_within(self, scope: Scope, wider: Scope) -> bool:
        """Whether a wider scope covers a narrower one."""
        return wider == EVERYTHING or (wider[0] == scope[0] and wider[1] in ("", scope[1]))


class ReferenceReceiver(Receiver):
    """The reference ignores the device where there is no name."""

    def take(self, requests: Iterable[BlobRequest]) -> None:
        super().take(BlobRequest(device if name else "", name, mode) for device, name, mode in requests)


def remote(*devices: str, wants_blobs: bool = True) -> Driver:
    driver = Driver("far", 1, Outlet(), "far:7624", wants_blobs=wants_blobs)
    driver.devices.update(dict.fromkeys(devices))
    return driver


def covered(place: Scope, scopes: Iterable[Scope]) -> bool:
    return any(scope in (EVERYTHING, (place[0], ""), place) for scope in scopes)


def of_the_remote(driver: Driver, scopes: Iterable[Scope]) -> list[Scope]:
    return [scope for scope in scopes if not scope[0] or scope[0] in driver.devices]


@EXAMPLES
@given(wishes)
def test_the_remote_sends_exactly_what_is_wanted(sequence: list[list[Scope]]) -> None:
    driver = remote("A", "B")
    demand, receiver = BlobDemand(driver), Receiver()
    for wanted in sequence:
        receiver.take(demand.changes(wanted))
        mine = of_the_remote(driver, wanted)
        sent = [place for place in PROPERTIES if receiver.sends(*place)]
        assert sent == [place for place in PROPERTIES if covered(place, mine)]


@EXAMPLES
@given(wishes)
def test_the_reference_as_remote_sends_all_that_is_wanted(sequence: list[list[Scope]]) -> None:
    driver = remote("A", "B")
    demand, receiver = BlobDemand(driver), ReferenceReceiver()
    for wanted in sequence:
        receiver.take(demand.changes(wanted))
        missing = [place for place in PROPERTIES if covered(place, of_the_remote(driver, wanted))]
        assert [place for place in missing if not receiver.sends(*place)] == []


@EXAMPLES
@given(wishes, st.lists(st.sampled_from("ABC"), max_size=8))
def test_devices_that_appear_later_are_asked_for(sequence: list[list[Scope]], gained: list[str]) -> None:
    driver = remote()
    demand, receiver = BlobDemand(driver), Receiver()
    for wanted in sequence:
        if gained:
            driver.devices[gained.pop()] = None
        receiver.take(demand.changes(wanted))
        mine = of_the_remote(driver, wanted)
        assert [receiver.sends(*place) for place in PROPERTIES] == [covered(place, mine) for place in PROPERTIES]


@EXAMPLES
@given(wishes)
def test_nothing_else_is_ever_asked(sequence: list[list[Scope]]) -> None:
    demand = BlobDemand(remote("A", "B"))
    for wanted in sequence:
        requests = demand.changes(wanted)
        assert {request.mode for request in requests} <= {NEVER, ALSO}
        assert {request.device for request in requests} <= {"", "A", "B"}
        assert demand.changes(wanted) == []


@pytest.mark.parametrize(
    ("before", "wanted", "asked"),
    [
        ([], [], []),
        ([], [EVERYTHING], [("", "", ALSO)]),
        ([], [("A", "P"), ("A", "")], [("A", "", ALSO), ("A", "P", ALSO)]),
        ([("A", "P")], [("A", "P"), ("A", "Q")], [("A", "Q", ALSO)]),
        ([("A", "")], [("A", ""), ("B", "")], [("B", "", ALSO)]),
        ([EVERYTHING], [EVERYTHING, ("A", "P")], [("A", "P", ALSO)]),
        ([], [("A", "P"), ("B", ""), ("A", "")], [("B", "", ALSO), ("A", "", ALSO), ("A", "P", ALSO)]),
        ([("A", "P")], [("A", ""), ("A", "P")], [("A", "", ALSO), ("A", "P", ALSO)]),
        ([("A", "P")], [], [("A", "P", NEVER)]),
        ([("A", "P"), ("B", "P")], [("B", "P")], [("A", "P", NEVER), ("B", "P", ALSO)]),
        ([EVERYTHING], [("A", "P")], [("", "", NEVER), ("A", "P", ALSO)]),
        ([], [("C", "P")], []),
    ],
    ids=str,
)
def test_requests(before: list[Scope], wanted: list[Scope], asked: list[tuple[str, str, BlobMode]]) -> None:
    demand = BlobDemand(remote("A", "B"))
    demand.changes(before)
    assert demand.changes(wanted) == [BlobRequest(*request) for request in asked]


def test_a_remote_without_blobs_is_asked_for_none() -> None:
    demand = BlobDemand(remote("A", wants_blobs=False))
    assert demand.changes([EVERYTHING, ("A", ""), ("A", "P")]) == []
