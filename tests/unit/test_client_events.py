"""Subscriptions: order, filters, the end, and what happens when nobody takes what comes."""

from __future__ import annotations

import logging
import threading

import pytest

from indigevent.client.events import Callbacks, Filter, Subscription
from indigevent.client.model import Blob, Event, EventKind
from indigevent.errors import ClientError

DEADLINE_S = 20.0
EVERYTHING = Filter(frozenset())


def subscription(wanted: Filter = EVERYTHING) -> Subscription:
    return Subscription(wanted, lambda closed: None)


def updated(device: str = "D", name: str = "P") -> Event:
    return Event(EventKind.UPDATED, device, name)


@pytest.mark.parametrize(
    ("wanted", "passing"),
    [
        (EVERYTHING, [True, True, True]),
        (Filter(frozenset({EventKind.UPDATED})), [True, True, False]),
        (Filter(frozenset(), "D"), [True, False, True]),
        (Filter(frozenset({EventKind.UPDATED, EventKind.MESSAGE}), "D", "P"), [True, False, False]),
    ],
)
def test_filters(wanted: Filter, passing: list[bool]) -> None:
    events = [updated(), updated("E"), Event(EventKind.MESSAGE, "D")]
    assert [wanted.passes(event) for event in events] == passing


def test_the_oldest_of_too_many_are_dropped_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    events = subscription()
    for number in range(10_003):
        events.offer(updated(name=str(number)))
    assert events.dropped == 3
    assert events.get().name == "3"
    assert len(caplog.records) == 1
    events.close()
    assert len(list(events)) == 9_999


def test_blobs_that_nobody_takes_do_not_fill_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    events = subscription()
    data = memoryview(bytes(200 << 20))
    for number in range(4):
        events.offer(Event(EventKind.BLOB, "D", "P", blob=Blob("D", "P", str(number), ".x", len(data), data)))
    events.close()
    assert [event.blob.name for event in events if event.blob] == ["2", "3"]
    assert events.dropped == 2


def test_after_close_what_waits_is_taken_and_then_it_is_over() -> None:
    closed: list[Subscription] = []
    with Subscription(EVERYTHING, closed.append) as events:
        events.offer(updated())
        with pytest.raises(ClientError, match=r"no event came within 0 s"):
            events.get(0) and events.get(0)
        events.offer(updated(name="Q"))
    events.offer(updated(name="late"))
    events.close()
    assert [event.name for event in events] == ["Q"]
    with pytest.raises(ClientError, match="this was closed"):
        events.get()
    assert closed == [events]


def test_close_ends_an_iteration_in_another_thread() -> None:
    events, taken = subscription(), []
    iterating = threading.Thread(target=lambda: taken.extend(events))
    iterating.start()
    events.offer(updated())
    events.close()
    iterating.join(DEADLINE_S)
    assert taken == [updated()]


def test_a_callback_that_fails_is_logged_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    made: list[Subscription] = []
    called: list[str] = []

    def fail(event: Event) -> None:
        raise RuntimeError("of the author's")

    callbacks = Callbacks(lambda wanted: made.append(Subscription(wanted, lambda _: None)) or made[-1])
    callbacks.add(EVERYTHING, fail)
    callbacks.add(Filter(frozenset(), "D"), lambda event: called.append(event.name))
    callbacks.open()
    with caplog.at_level(logging.ERROR, "indigevent"):
        for device in ("D", "E", "D"):
            made[0].offer(updated(device))
        callbacks.close(DEADLINE_S)
    assert called == ["P", "P"]
    assert [record.getMessage() for record in caplog.records] == [
        f"a callback for updated {device}.P failed" for device in ("D", "E", "D")
    ]
