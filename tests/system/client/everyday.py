"""What a program does with the client every day, told for one camera of `tests.drivers.quartet`.

The same functions run in this process, in a process that was patched by gevent, and for four cameras at once.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from indigevent.client import Client, ClientError, Event, EventKind, LiveDevice, PropertyState, SwitchState

DEADLINE_S = 20.0
DEVICES = tuple(f"Camera {number}" for number in range(1, 5))
Scenario = Callable[[Client, str], None]


def an_image_is_taken(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    camera["PIXELS"].set(WIDTH=300, HEIGHT=200, wait=True)
    for _ in range(3):
        camera["EXPOSURE"].set(0.05, wait=True)
        image = camera["PICTURE"].next_blob(timeout=DEADLINE_S)
        assert (image.device, image.property, image.name, image.format) == (device, "PICTURE", "PIXELS", ".raw")
        assert bytes(image.data) == device[-1].encode() * 60_000
        assert image.size == 60_000
    refuses(lambda: camera["PICTURE"].next_blob(timeout=0.1), "waited 0.1 s in vain for", "to send a BLOB")


def values_are_read_and_set(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    assert camera["SERIAL"].value == camera["SERIAL"]["NUMBER"] == "0815"
    assert camera["LAMP"].value is PropertyState.OK
    camera["FILTER"].set("GREEN", wait=True)
    assert camera["FILTER"].value == "GREEN"
    camera["FILTER"].set(BLUE=True, wait=True)
    assert {name: camera["FILTER"][name] for name in camera["FILTER"]} == {
        "RED": SwitchState.OFF,
        "GREEN": SwitchState.OFF,
        "BLUE": SwitchState.ON,
    }
    camera["PIXELS"].set({"WIDTH": "1:30"}, wait=True)
    assert (camera["PIXELS"]["WIDTH"], camera["PIXELS"].elements["WIDTH"].max) == (1.5, 20_000)
    camera["TITLE"].set("M 31 & <more>", wait=True)
    assert camera["TITLE"].value == "M 31 & <more>"
    assert camera.messages[-1].endswith("It is called M 31 & <more>.")
    assert {"PIXELS", "PICTURE"} < {prop.name for prop in camera} and "NOTHING" not in camera


def what_a_property_does_not_allow_is_not_sent(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    refuses(lambda: camera["SERIAL"].set("4711"), f"{device}.SERIAL cannot be set: it is read-only")
    refuses(lambda: camera["EXPOSURE"].set(61), "SECONDS cannot be set to 61: it must be from 0 to 60")
    refuses(lambda: camera["FILTER"].set("UV"), f"{device}.FILTER has several elements (RED, GREEN, BLUE)")
    refuses(lambda: camera["TITLE"].set("bell \a"), "XML cannot carry the character")
    assert camera["TITLE"].state is not PropertyState.BUSY
    refuses(lambda: camera.property("NOTHING", timeout=0.1), f"waited 0.1 s in vain for {device} to define NOTHING")
    refuses(lambda: indi.device("Nobody", timeout=0.1), "for a device Nobody; the server has", device)


def waits_end_by_state_by_condition_and_by_refusal(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    exposure = camera["EXPOSURE"].set(0.05)
    exposure.wait(lambda each: each.state is PropertyState.OK and each["SECONDS"] == 0, timeout=DEADLINE_S)
    exposure.set(0.05).wait(timeout=DEADLINE_S)
    assert exposure.state is PropertyState.OK
    refuses(lambda: exposure.set(13, wait=True), "EXPOSURE became Alert: The shutter is superstitious.")
    refuses(lambda: exposure.wait(timeout=0.1), "EXPOSURE to be Ok; it is Alert, and its driver said last: The shutter")
    exposure.set(0.05).wait(timeout=DEADLINE_S)


def a_property_disappears_during_a_wait(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    camera["EXTRA"].set("DEFINE")
    bonus = camera["BONUS"]
    camera["EXTRA"].set("DELETE")
    refuses(
        lambda: bonus.wait(PropertyState.ALERT, timeout=DEADLINE_S), "BONUS was deleted while waiting", "no property"
    )
    refuses(lambda: bonus.value, f"{device} has no property BONUS (any more)")


def events_come_by_queue_by_iteration_and_by_callback(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    seen: list[Event] = []
    callback = indi.on(EventKind.UPDATED, device=device, name="FILTER")(seen.append)
    with camera["FILTER"].events(EventKind.UPDATED) as queue:
        camera["FILTER"].set("RED", wait=True)
        camera["FILTER"].set("GREEN", wait=True)
        assert [queue.get(DEADLINE_S).name for _ in range(2)] == ["FILTER", "FILTER"]
        refuses(lambda: queue.get(0.05), "no event came within 0.05 s")
        camera["FILTER"].set("RED", wait=True)
    assert [(event.kind, event.device) for event in queue] == [(EventKind.UPDATED, device)]
    indi.wait_until(lambda: len(seen) >= 3, DEADLINE_S, "three calls", again_s=0.02)
    assert seen[0].property is camera["FILTER"].known
    indi.off(callback)
    camera["FILTER"].set("GREEN", wait=True)
    indi.ping()
    assert len(seen) == 3


def a_callback_may_fail_wait_and_send(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    titles: list[str] = []

    @indi.on(EventKind.UPDATED, device=device, name="FILTER")
    def fail(event: Event) -> None:
        raise RuntimeError("of the author's")

    @indi.on(EventKind.UPDATED, device=device, name="FILTER")
    def answer(event: Event) -> None:
        indi[device]["TITLE"].set(f"after {camera['FILTER'].value}", wait=True)
        titles.append(camera["TITLE"].value)

    camera["FILTER"].set("BLUE", wait=True)
    camera["FILTER"].set("RED", wait=True)
    indi.wait_until(lambda: len(titles) >= 2, DEADLINE_S, "two answers", again_s=0.02)
    assert titles[-1] == "after RED"
    indi.off(fail)
    indi.off(answer)


def a_snapshot_is_plain_data(indi: Client, device: str) -> None:
    camera = connected(indi, device)
    camera["PIXELS"].set(WIDTH=10, HEIGHT=10, wait=True)
    camera["EXPOSURE"].set(0.01, wait=True)
    camera["PICTURE"].next_blob(DEADLINE_S)
    plain: Any = json.loads(json.dumps(indi.snapshot(), allow_nan=False))
    properties = plain[device]["properties"]
    assert properties["PIXELS"]["elements"]["WIDTH"]["value"] == 10.0
    assert properties["FILTER"]["rule"] == "OneOfMany"
    assert properties["PICTURE"]["elements"]["PIXELS"]["value"]["bytes"] == 100


def connected(indi: Client, device: str) -> LiveDevice:
    camera = indi[device]
    camera.connect(DEADLINE_S)
    assert camera.is_connected
    return camera


def refuses(call: Callable[[], object], *parts: str) -> None:
    """It raises a ClientError whose text has one of the parts or, when the first begins it, all."""
    try:
        call()
    except ClientError as error:
        assert any(part in str(error) for part in parts), str(error)
    else:
        raise AssertionError(f"no error about {parts[0]}")


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        an_image_is_taken,
        values_are_read_and_set,
        what_a_property_does_not_allow_is_not_sent,
        waits_end_by_state_by_condition_and_by_refusal,
        a_property_disappears_during_a_wait,
        events_come_by_queue_by_iteration_and_by_callback,
        a_callback_may_fail_wait_and_send,
        a_snapshot_is_plain_data,
    )
}


def at_once(indi: Client, scenario: Scenario, devices: Iterable[str] = DEVICES) -> None:
    """Run a scenario for several cameras in as many threads that share a client; raises the first failure."""
    failures: list[BaseException] = []

    def attempt(device: str) -> None:
        try:
            scenario(indi, device)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=attempt, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def main(port: int, devices: Iterable[str]) -> None:
    """All scenarios, each for these devices at once."""
    with Client("127.0.0.1", port) as indi:
        for name, scenario in SCENARIOS.items():
            at_once(indi, scenario, devices)
            print(name, "passed", flush=True)
    print([thread.name for thread in threading.enumerate()], flush=True)


if __name__ == "__main__":
    if sys.argv[2] == "patched":
        from gevent import monkey

        monkey.patch_all()
    main(int(sys.argv[1]), sys.argv[3:])
