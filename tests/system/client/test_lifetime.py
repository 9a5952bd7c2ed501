"""From connect to close: reconnection with all that was asked for, Ctrl-C, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from indigevent.client import BlobMode, Client, ClientError, Event, EventKind, LiveDevice
from tests.lab.lab import Lab
from tests.lab.server import Server, clean_environment, free_port
from tests.lab.ways import ROOT, program
from tests.system.client.conftest import QUARTET
from tests.system.client.servers import DEADLINE_S, Relay, ToldServer, until

PROMPT_S = 5.0
LIFE = (EventKind.CONNECTED, EventKind.DISCONNECTED, EventKind.DEFINED, EventKind.DELETED)


def serve_at(lab: Lab, port: int) -> Server:
    home = {"HOME": str(lab.folder), "PYTHONPATH": str(ROOT), "INDICONFIG": str(lab.folder / "config.xml")}
    return lab.server("-v", "-r", "0", str(program(lab.folder, QUARTET)), port=port, **home)


def take_image(camera: LiveDevice) -> bytes:
    camera.connect(DEADLINE_S)
    camera["EXPOSURE"].set(0.01, wait=True, timeout=DEADLINE_S)
    return bytes(camera["PICTURE"].next_blob(DEADLINE_S).data)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_after_a_restart_of_the_server_all_is_as_before(either_lab: Lab) -> None:
    port = free_port()
    first = serve_at(either_lab, port)
    threads = threading.active_count()
    with Client("127.0.0.1", port, timeout=DEADLINE_S) as indi:
        camera, other = indi["Camera 3"], indi["Camera 4"]
        indi.set_blob_mode(BlobMode.NEVER, "Camera 4")
        exposure = camera["CONNECTION"] and take_image(camera) and camera["EXPOSURE"]
        with indi.events(*LIFE) as events:
            first.close()
            assert events.get(DEADLINE_S).kind is EventKind.DISCONNECTED
            with pytest.raises(ClientError, match="is not connected"):
                exposure.set(1)
            serve_at(either_lab, port)
            kinds = [events.get(DEADLINE_S).kind]
            while kinds[-1] is not EventKind.DEFINED:
                kinds.append(events.get(DEADLINE_S).kind)
        assert list(dict.fromkeys(kinds)) == [EventKind.CONNECTED, EventKind.DELETED, EventKind.DEFINED]
        until(lambda: "CONNECTION" in camera and "CONNECTION" in other)
        assert take_image(camera) == b"3" * 4096
        assert exposure.set(0.01, wait=True) is exposure
        other.connect(DEADLINE_S)
        other["EXPOSURE"].set(0.01, wait=True)
        with pytest.raises(ClientError, match="to send a BLOB"):
            other["PICTURE"].next_blob(timeout=0.2)
    assert threading.active_count() == threads


def test_blobs_come_again_when_their_connection_alone_was_lost(
    cameras: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with Relay(cameras.port) as relay, Client("127.0.0.1", relay.port, timeout=DEADLINE_S) as indi:
        assert take_image(indi["Camera 2"]) == b"2" * 4096
        with indi.events(EventKind.DISCONNECTED) as losses:
            relay.late.add(2)
            relay.cut(1)
            until(lambda: "the connection for BLOBs is lost, the server closed the connection" in caplog.text)
            assert take_image(indi["Camera 2"]) == b"2" * 4096
        assert not list(losses)
        assert len(relay.connections) == 3


def test_a_client_connects_again_after_close_and_leaves_nothing(cameras: Server) -> None:
    calls: list[Event] = []
    before = descriptors(), threading.active_count()
    indi = Client("127.0.0.1", cameras.port)
    indi.on(EventKind.CONNECTED)(calls.append)
    for _ in range(3):
        with indi:
            indi.connect()
            assert take_image(indi["Camera 1"]) == b"1" * 4096
            with indi.events() as events:
                indi.close()
            assert list(events)[-1].kind is EventKind.DISCONNECTED
            with pytest.raises(ClientError, match="is not connected: closed by us; call connect"):
                indi["Camera 1"]["TITLE"].set("late")
    assert (descriptors(), threading.active_count()) == before
    assert len(calls) == 3


@pytest.mark.parametrize("is_there", [True, False])
def test_close_ends_what_waits_in_other_threads(is_there: bool) -> None:
    failures: list[str] = []
    with ToldServer() as server:
        indi = Client("127.0.0.1", server.port, timeout=2 * DEADLINE_S, blobs=BlobMode.NEVER)
        indi.connect()

        def wait() -> None:
            try:
                indi["Nobody"]
            except ClientError as error:
                failures.append(str(error))

        if not is_there:
            server.accept().close()
            until(lambda: not indi.is_connected)
        waiting = threading.Thread(target=wait)
        waiting.start()
        began_s = time.monotonic()
        indi.close()
        waiting.join(DEADLINE_S)
        assert time.monotonic() - began_s < PROMPT_S
    assert ("closed by us" if is_there else "the server closed the connection") in failures[0]


def test_close_during_a_reconnection_and_from_a_callback() -> None:
    threads = threading.active_count()
    ended = threading.Event()
    with ToldServer() as server:
        indi = Client("127.0.0.1", server.port, blobs=BlobMode.NEVER)

        @indi.on(EventKind.DISCONNECTED)
        def give_up(event: Event) -> None:
            indi.close()
            ended.set()

        indi.connect()
        server.accept().close()
        assert ended.wait(DEADLINE_S)
        indi.close()
    until(lambda: threading.active_count() == threads)


def test_a_callback_that_does_not_return_holds_up_close_for_the_timeout_only(cameras: Server) -> None:
    called, leave = threading.Event(), threading.Event()
    indi = Client("127.0.0.1", cameras.port, timeout=0.3)

    @indi.on(EventKind.CONNECTED)
    def stay(event: Event) -> None:
        called.set()
        leave.wait(DEADLINE_S)

    with indi:
        assert called.wait(DEADLINE_S)
    assert not indi.is_connected
    leave.set()


@pytest.mark.parametrize("mode", ["threads", "patched"])
def test_ctrl_c_ends_every_wait_and_the_program(lab: Lab, mode: str) -> None:
    port = free_port()
    serve_at(lab, port)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.system.client.interrupted_program", str(port), mode],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if lines[-1] not in ("interrupted", "['MainThread']"):
                process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    names = [line for line in lines if line != "interrupted"]
    assert lines.count("interrupted") == 8 and names[-2:] == ["['MainThread']", "last"], (lines, said)
    assert said.rstrip().endswith("KeyboardInterrupt"), said
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("mode", ["threads", "patched"])
def test_ctrl_c_that_meets_a_callback_ends_the_program(cameras: Server, mode: str) -> None:
    words = [sys.executable, "-m", "tests.system.client.interrupted_program", str(cameras.port), mode, "callback"]
    done = subprocess.run(
        words, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGINT, done.stdout + done.stderr
