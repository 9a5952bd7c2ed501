"""BLOBs by indigevent-getprop: into files, from whatever server, whatever goes wrong."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import resource
import subprocess
import zlib
from collections.abc import Callable

import pytest

from tests.lab.client import ScriptedClient
from tests.system.client.servers import ToldServer

from .notebook import PIXELS
from .observatory import Done, Observatory, at, collect, have_reference, interrupt
from .terminal import PLAIN, Terminal

SHOOT = "<newSwitchVector device='Camera' name='SHOOT'><oneSwitch name='NOW'>On</oneSwitch></newSwitchVector>"
BLOB_DEFINITION = b"<defBLOBVector device='C' name='P' state='Ok' perm='ro'><defBLOB name='b'/></defBLOBVector>"


def shoot_until(client: ScriptedClient, done: Callable[[], bool]) -> None:
    """Take pictures until somebody has what he waits for: when he has begun to listen cannot be seen from outside."""

    def again() -> bool:
        client.send(SHOOT)
        client.ping()
        return done()

    client.pump.poll(again, "a picture arrives")


@pytest.mark.skipif(not have_reference(), reason="indi-bin is not installed")
def test_blobs_are_saved_like_the_reference_does(observatory: Observatory, client: ScriptedClient) -> None:
    words = ("-t", "20", "Camera.PICTURE.RAW", "Camera.PICTURE.PACKED")
    folder = observatory.folder()
    theirs = subprocess.Popen(["indi_getprop", *observatory.where(), *words], cwd=folder)
    ours_folder = observatory.folder()
    ours = observatory.start("getprop", *words, cwd=ours_folder)
    shoot_until(client, lambda: theirs.poll() is not None and ours.poll() is not None)
    assert (theirs.returncode, *collect(ours)) == (0, 0, b"", "")
    saved = Done(0, b"", "", ours_folder).files
    assert saved == {"Camera.PICTURE.RAW.raw": PIXELS, "Camera.PICTURE.PACKED.bin": PIXELS}
    assert saved == Done(0, b"", "", folder).files


def test_a_folder_keeps_every_blob_and_its_path_is_printed(observatory: Observatory, client: ScriptedClient) -> None:
    folder = observatory.folder()
    tool = observatory.start("getprop", "-m", "-t", "0", "--blob", str(folder / "new"), "Camera.PICTURE.RAW")
    shoot_until(client, (folder / "new" / "Camera.PICTURE.RAW-2.raw").exists)
    assert tool.stdout is not None
    for number in ("", "-2"):
        printed = f"Camera.PICTURE.RAW={folder}/new/Camera.PICTURE.RAW{number}.raw\n"
        assert tool.stdout.readline() == printed.encode()
    interrupt(tool)
    status, _, errors = collect(tool)
    assert (status, errors) == (130, "")
    assert (folder / "new" / "Camera.PICTURE.RAW.raw").read_bytes() == PIXELS
    # The message has another BLOB, for which nobody asked.
    assert not (folder / "new" / "Camera.PICTURE.PACKED.bin").exists()


def test_blobs_come_over_the_local_socket_too(observatory: Observatory, client: ScriptedClient) -> None:
    folder = observatory.folder()
    tool = observatory.start(
        "getprop", "-t", "20", "Camera.PICTURE.RAW", where=["--local", observatory.server.local], cwd=folder
    )
    shoot_until(client, lambda: tool.poll() is not None)
    assert collect(tool) == (0, b"", "")
    assert (folder / "Camera.PICTURE.RAW.raw").read_bytes() == PIXELS


def test_a_progress_bar_while_a_blob_comes(observatory: Observatory) -> None:
    text = base64.b64encode(bytes(9_000_000))
    begin = b"<setBLOBVector device='C' name='P' state='Ok'><oneBLOB name='b' size='9000000' format='.x'>"
    with ToldServer() as told:
        where = at(told.port)
        folder = observatory.folder()
        with (
            Terminal(
                lambda slave: observatory.start(
                    "getprop",
                    "-t",
                    "20",
                    "--blob",
                    ".",
                    "C.P.b",
                    where=where,
                    cwd=folder,
                    stderr=slave,
                    environment=PLAIN,
                )
            ) as terminal,
            told.take() as server,
        ):
            server.sendall(BLOB_DEFINITION + begin + text[: len(text) // 2])
            terminal.wait_for(r"C\.P\.b \[#+ +\] +[1-5]\d?% of 12\.0 MB, .* MB/s")
            server.sendall(text[len(text) // 2 :] + b"</oneBLOB></setBLOBVector>")
            assert terminal.wait_for_exit() == 0
        assert terminal.shown.endswith("\r\x1b[K")
        assert (folder / "C.P.b.x").stat().st_size == 9_000_000


def test_a_blob_too_large_for_memory_is_in_a_file_while_it_comes(observatory: Observatory) -> None:
    # What counts is the size that is announced.
    begin = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='50000000' format='.bin.z'>"
    text = base64.b64encode(zlib.compress(PIXELS))
    with ToldServer() as told:
        where = at(told.port)
        folder = observatory.folder()
        tool = observatory.start("getprop", "-t", "20", "C.P.b", where=where, cwd=folder)
        with told.take() as server:
            server.sendall(BLOB_DEFINITION + begin + text[:100])
            observatory.lab.pump.poll(lambda: any(folder.glob("indi-blob-*")), "the BLOB's file appears")
            server.sendall(text[100:] + b"</oneBLOB></setBLOBVector>")
            assert collect(tool) == (0, b"", "")
    assert Done(0, b"", "", folder).files == {"C.P.b.bin": PIXELS}


def test_a_disk_that_is_full_is_a_sentence(observatory: Observatory) -> None:
    begin = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='9000' format='.x'>"
    with ToldServer() as told:
        where = at(told.port)
        folder = observatory.folder()
        tool = observatory.start("getprop", "C.P.b", where=where, cwd=folder)
        server = told.take()
        resource.prlimit(tool.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        with server:
            server.sendall(BLOB_DEFINITION + begin + base64.b64encode(bytes(9000)) + b"</oneBLOB></setBLOBVector>")
            assert collect(tool) == (2, b"", "indigevent-getprop: C.P.b.x cannot be written: File too large\n")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"garbage", "Error -3 while decompressing"), (zlib.compress(PIXELS)[:-6], "it is cut off")],
    ids=["garbage", "cut off"],
)
def test_a_broken_blob_is_a_sentence(observatory: Observatory, data: bytes, complaint: str) -> None:
    begin = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='4' format='.z'>"
    with ToldServer() as told:
        folder = observatory.folder()
        tool = observatory.start("getprop", "C.P.b", where=at(told.port), cwd=folder)
        with told.take() as server:
            server.sendall(begin + base64.b64encode(data) + b"</oneBLOB></setBLOBVector>")
            status, _, errors = collect(tool)
    assert status == 2
    assert errors.startswith(f"C.P.b cannot be decompressed although its format is .z: {complaint}")
    assert not list(folder.iterdir())


def test_who_goes_on_watching_gets_the_blobs_after_a_broken_one(observatory: Observatory) -> None:
    blob = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='3' format='.x'>%s</oneBLOB></setBLOBVector>"
    with ToldServer() as told:
        folder = observatory.folder()
        tool = observatory.start("getprop", "-m", "-t", "0", "C.P.b", where=at(told.port), cwd=folder)
        with told.take() as server:
            server.sendall(blob % b"Q=Q=" + blob % b"QUJD")
            observatory.lab.pump.poll((folder / "C.P.b.x").exists, "the second one is saved")
            interrupt(tool)
            status, _, errors = collect(tool)
    assert (status, errors.count("A BLOB of C.P cannot be read: ")) == (130, 1)


def test_a_blob_stays_in_its_folder_whatever_its_device_calls_itself(observatory: Observatory) -> None:
    one = b"<oneBLOB name='b' size='3' format='/../x'>QUJD</oneBLOB>"
    with ToldServer() as told:
        folder = observatory.folder()
        tool = observatory.start("getprop", "-t", "1", "*.P.b", where=at(told.port), cwd=folder)
        with told.take() as server:
            server.sendall(b"<setBLOBVector device='../C' name='P'>" + one + b"</setBLOBVector>")
            assert collect(tool) == (0, b"", "")
    assert Done(0, b"", "", folder).files == {".._C.P.b_.._x": b"ABC"}


def test_blobs_do_not_pile_up_when_the_disk_is_slow(observatory: Observatory) -> None:
    begin = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='3145728' format='.x'>"
    blob = begin + b"A" * (4 << 20) + b"</oneBLOB></setBLOBVector>"
    folder = observatory.folder()
    os.mkfifo(folder / "C.P.b.x")  # whoever opens it waits for a reader
    with ToldServer() as told:
        where = at(told.port)
        tool = observatory.start("getprop", "-m", "-t", "0", "C.P.b", where=where, cwd=folder)
        with told.take() as server, contextlib.suppress(TimeoutError):
            server.sendall(BLOB_DEFINITION)
            server.settimeout(1.0)
            sent = 0
            while sent < 150 << 20:
                sent += server.send(blob[sent % len(blob) :])
        interrupt(tool)
        assert collect(tool)[0] == 130
    assert sent < 100 << 20


def test_a_server_that_goes_away_in_the_middle_of_a_blob(observatory: Observatory) -> None:
    begin = b"<setBLOBVector device='C' name='P'><oneBLOB name='b' size='9' format='.x'>AAAA"
    with ToldServer() as told:
        where = at(told.port)
        with Terminal(
            lambda slave: observatory.start(
                "getprop", "-t", "0", "--blob", ".", "C.P.b", where=where, stderr=slave, environment=PLAIN
            )
        ) as terminal:
            with told.take() as server:
                server.sendall(begin)
                terminal.wait_for(r"C\.P\.b \[")
            assert terminal.wait_for_exit() == 2
        # The bar makes room for the sentence.
        assert re.search(r"\r\x1b\[KINDI server 127\.0\.0\.1/\d+ disconnected\r\n$", terminal.shown)
