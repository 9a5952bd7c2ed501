"""Readers that are behind: frames are dropped, pings held back, clients closed; the others notice nothing."""

from __future__ import annotations

from tests.lab.client import ScriptedClient
from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, define, enable_blob, note, set_blob

# More than the kernel takes for a reader that has stopped, and then some MB.
LARGE = bytes(16 << 20)
BLOB_PING = "<pingRequest uid='SetBLOB/1'/>"
OTHER_PING = "<pingRequest uid='later'/>"


def observatory(lab: Lab, *arguments: object) -> tuple[Server, ScriptedDriver, ScriptedClient]:
    """Start a camera, and a client that wants its BLOBs but does not read."""
    camera = lab.driver("camera")
    server = lab.server(*arguments, camera)
    camera.send(define("A"))
    camera.ping()
    stopped = lab.client(server, "stopped", EVERYTHING, enable_blob("Also"))
    stopped.ping()
    stopped.stop_reading()
    return server, camera, stopped


def replies(driver: ScriptedDriver) -> list[str]:
    """Return the uids of the two ping replies, in the order in which they came."""
    driver.latest.expect_count(2, "pingReply")
    uids = [message.attributes["uid"] for message in driver.latest.inbox if message.tag == "pingReply"]
    return [uid for uid in uids if uid in ("SetBLOB/1", "later")]


def test_a_blobs_ping_waits_while_every_reader_is_behind(lab: Lab) -> None:
    _, camera, _ = observatory(lab, "-d", 1)
    camera.latest.inbox.clear()
    camera.send(set_blob("A", "BLOB", LARGE), BLOB_PING, OTHER_PING)
    assert replies(camera) == ["later", "SetBLOB/1"]


def test_a_blobs_ping_is_answered_at_once_when_one_reader_keeps_up(lab: Lab) -> None:
    server, camera, _ = observatory(lab, "-d", 1)
    awake = lab.client(server, "awake", EVERYTHING, enable_blob("Also"))
    awake.ping()
    camera.send(set_blob("A", "BLOB", LARGE))
    awake.expect("setBLOBVector")
    camera.latest.inbox.clear()
    camera.send(set_blob("A", "BLOB", b"small"), BLOB_PING, OTHER_PING)
    assert replies(camera) == ["SetBLOB/1", "later"]


def test_frames_of_a_stream_are_dropped_for_who_is_behind(lab: Lab) -> None:
    server, camera, stopped = observatory(lab, "-d", 1)
    awake = lab.client(server, "awake", EVERYTHING, enable_blob("Also"))
    awake.ping()
    camera.send(set_blob("A", "first", LARGE))
    awake.expect("setBLOBVector", name="first")
    camera.send(set_blob("A", "frame", b"1", form=".stream"), set_blob("A", "still", b"2"), note("A", "end"))
    awake.expect("message", message="end")
    stopped.read_again()
    stopped.expect("message", message="end")
    assert [m.attributes["name"] for m in awake.inbox if m.tag == "setBLOBVector"] == ["first", "frame", "still"]
    assert [m.attributes["name"] for m in stopped.inbox if m.tag == "setBLOBVector"] == ["first", "still"]


def test_without_a_limit_no_frame_is_dropped(lab: Lab) -> None:
    _, camera, stopped = observatory(lab, "-d", 0)
    camera.send(set_blob("A", "first", LARGE), set_blob("A", "frame", b"1", form=".stream"), note("A", "end"))
    camera.ping()
    stopped.read_again()
    stopped.expect("message", message="end")
    assert [m.attributes["name"] for m in stopped.inbox if m.tag == "setBLOBVector"] == ["first", "frame"]


def test_a_client_too_far_behind_is_closed_with_the_reason_and_nobody_else(lab: Lab) -> None:
    server, camera, stopped = observatory(lab, "-m", 4)
    awake = lab.client(server, "awake", EVERYTHING, enable_blob("Also"))
    awake.ping()
    for number in range(4):
        camera.send(set_blob("A", f"picture{number}", LARGE))
        awake.expect("setBLOBVector", name=f"picture{number}")
    server.wait_for_log(r"closed: \d+ bytes behind, which is more than -m 4 MB allows a client")
    stopped.read_again()
    stopped.expect_closed()
