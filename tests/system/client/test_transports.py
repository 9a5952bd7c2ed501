"""TLS and the local socket: the same client, only elsewhere."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import ssl
import threading
from pathlib import Path

import pytest

from indigevent.client import Client, ClientError, EventKind
from tests.lab.lab import Lab
from tests.lab.server import Server, free_port
from tests.lab.tls import Authority
from tests.lab.vocabulary import attached, blob_vector, define, define_blob, set_blob
from tests.system.client import everyday
from tests.system.client.servers import DEADLINE_S, ToldServer, until

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the server's certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


def serve_tls(lab: Lab, authority: Authority, *arguments: object) -> int:
    """Start a server with TLS; its TLS port."""
    port, certificate = free_port(), authority.issue("observatory")
    lab.server("--tls-port", port, "--tls-certificate", certificate.path, "--tls-key", certificate.key, *arguments)
    return port


def test_images_one_way_while_commands_go_the_other(lab: Lab, authority: Authority) -> None:
    """Two connections read at once while four threads write: every byte is right, and every command is there."""
    camera = lab.driver("camera")
    port = serve_tls(lab, authority, camera)
    source = random.Random(1)
    pictures = [source.randbytes(2 * MEGABYTE) for _ in range(10)]
    trust = ssl.create_default_context(cafile=str(authority.path))
    with Client("localhost", port, tls=trust, timeout=DEADLINE_S) as indi:
        indi.ping()  # the server knows by now who is to hear of it
        camera.send(define("Camera"), define_blob("Camera", "Picture"))
        level = indi["Camera"]["P"]
        with indi.events(EventKind.BLOB) as blobs:
            threads = [threading.Thread(target=lambda: [level.set(5) for _ in range(200)]) for _ in range(4)]
            for thread in threads:
                thread.start()
            for picture in pictures:
                camera.send(set_blob("Camera", "Picture", picture))
            for picture in pictures:
                blob = blobs.get(DEADLINE_S).blob
                assert blob is not None
                assert hashlib.sha1(blob.data).digest() == hashlib.sha1(picture).digest()
            for thread in threads:
                thread.join()
        camera.latest.expect_count(800, "newNumberVector")


def test_a_server_that_cannot_be_trusted_is_not_talked_to(lab: Lab, authority: Authority, tmp_path: Path) -> None:
    port = serve_tls(lab, authority, lab.driver("unused"))
    stranger = ssl.create_default_context(cafile=str(Authority(tmp_path / "other").path))
    with pytest.raises(ClientError, match=r"no TLS with localhost:.*: its certificate is not accepted, .*issuer"):
        Client("localhost", port, tls=stranger).connect()
    trust = ssl.create_default_context(cafile=str(authority.path))
    with pytest.raises(ClientError, match=r"not valid for '127\.1'; say the host as its certificate does$"):
        Client("127.1", port, tls=trust).connect()


def test_a_server_that_does_not_speak_tls_is_told_so(authority: Authority) -> None:
    trust = ssl.create_default_context(cafile=str(authority.path))
    with ToldServer() as server:
        indi = Client("127.0.0.1", server.port, tls=trust, timeout=DEADLINE_S)
        answering = threading.Thread(target=lambda: server.take().sendall(b"<getProperties version='1.7'/>"))
        answering.start()
        with pytest.raises(ClientError, match="it does not speak TLS on this port"):
            indi.connect()
        answering.join()


def test_everything_works_by_the_local_socket(cameras: Server) -> None:
    with Client(local=cameras.local) as indi:
        for scenario in everyday.SCENARIOS.values():
            scenario(indi, "Camera 4")


def test_an_attached_blob_is_shared_memory(either_lab: Lab) -> None:
    """No copy: the bytes are a map of what the driver wrote, which goes with the last view of it."""
    camera = either_lab.driver("camera")
    server = either_lab.server(camera)
    picture = os.urandom(3 * MEGABYTE)
    with Client(local=server.local, timeout=DEADLINE_S) as indi:
        indi.ping()  # the server knows by now who is to hear of it
        camera.send(define_blob("Camera", "Picture"))
        prop = indi["Camera"]["Picture"]
        indi.ping()
        maps = mapped()
        camera.send_attached(blob_vector("set", "Camera", "Picture", attached(len(picture))), picture)
        blob = prop.next_blob(DEADLINE_S)
        assert isinstance(blob.data, memoryview) and blob.data.readonly
        assert blob.data == picture
        assert mapped() == maps + 1
        del blob
        prop.known.elements["b"].value = None
        until(lambda: mapped() == maps)


def test_a_large_blob_goes_into_a_file_which_goes_with_the_last_view(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    with pytest.raises(ClientError, match=f"BLOBs cannot go to {folder}: that is no directory"):
        Client(blob_dir=folder)
    folder.mkdir()
    camera = lab.driver("camera")
    server = lab.server(camera)
    large, small = os.urandom(3 * MEGABYTE), os.urandom(1000)
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S, max_blob_bytes=MEGABYTE, blob_dir=folder) as indi:
        indi.ping()  # the server knows by now who is to hear of it
        camera.send(define_blob("Camera", "Picture"))
        prop = indi["Camera"]["Picture"]
        camera.send(set_blob("Camera", "Picture", large))
        blob = prop.next_blob()
        assert isinstance(blob.data, memoryview) and blob.data == large
        assert [path.read_bytes() for path in folder.iterdir()] == [large]
        camera.send(set_blob("Camera", "Picture", small))
        assert prop.next_blob().data == small
        del blob
        until(lambda: gc.collect() is not None and not list(folder.iterdir()))


def test_a_blob_that_has_no_place_is_told_in_the_log(
    lab: Lab, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    camera = lab.driver("camera")
    server = lab.server(camera)
    with Client("127.0.0.1", server.port, timeout=DEADLINE_S, max_blob_bytes=1000, blob_dir=folder) as indi:
        indi.ping()  # the server knows by now who is to hear of it
        camera.send(define_blob("Camera", "Picture"))
        prop = indi["Camera"]["Picture"]
        folder.rmdir()
        camera.send(set_blob("Camera", "Picture", bytes(2000)), set_blob("Camera", "Picture", b"small"))
        assert prop.next_blob().data == b"small"
    assert f"no file can be made in {folder}: No such file or directory" in caplog.text


def mapped() -> int:
    """How many BLOBs are mapped into this process; those of clients that are gone do not count."""
    gc.collect()
    return Path("/proc/self/maps").read_text().count("/memfd:")
