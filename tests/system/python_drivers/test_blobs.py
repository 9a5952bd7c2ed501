"""BLOBs in both directions: inline, attached, compressed."""

from __future__ import annotations

import base64
import hashlib
import zlib
from pathlib import Path

import pytest

from tests.drivers.bench import PICTURE
from tests.lab.device_client import DeviceClient
from tests.lab.messages import Message
from tests.lab.vocabulary import enable_blob


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "night.fits"
    path.write_bytes(PICTURE)
    return path


def shot(bench: DeviceClient, how: str, path: Path | None = None) -> Message:
    """Have BLOBs sent to a client that wants them too."""
    if path is not None:
        bench.text("FILE", PATH=str(path))
        bench.told("FILE")
    bench.client.send(enable_blob("Also", "Bench"))
    bench.switch("SHOOT", **{how: True})
    return bench.set_vector("IMAGE")


@pytest.mark.parametrize(
    ("how", "suffix", "state"), [("BYTES", ".bin", "Ok"), ("PATH", ".fits", "Ok"), ("FILE", ".fits", "Busy")]
)
def test_sends_blobs_inline(bench: DeviceClient, picture: Path, how: str, suffix: str, state: str) -> None:
    image = shot(bench, how, picture)
    (blob,) = image.children
    assert blob.payload() == PICTURE
    assert blob.attached is None
    assert (blob.attributes["format"], blob.attributes["size"]) == (suffix, str(len(PICTURE)))
    assert image.attributes["state"] == state
    assert image.attributes.get("message", "") == ("Here it is." if how == "BYTES" else "")
    assert bench.told("SHOOT", state="Ok")["BYTES"] == "Off"


def test_sends_blobs_attached_over_the_local_socket(local_bench: DeviceClient) -> None:
    (blob,) = shot(local_bench, "BYTES").children
    assert blob.attached == PICTURE


def test_sends_compressed_blobs(bench: DeviceClient) -> None:
    (blob,) = shot(bench, "COMPRESSED").children
    assert zlib.decompress(blob.payload()) == PICTURE
    assert (blob.attributes["format"], blob.attributes["size"]) == (".bin.z", str(len(PICTURE)))


def test_sends_several_blobs_together(bench: DeviceClient, local_bench: DeviceClient) -> None:
    for each in (bench, local_bench):
        first, second = shot(each, "TWO").children
        assert (first.payload(), second.payload()) == (PICTURE, b"small")
        each.told("SHOOT", state="Ok")


def test_a_file_that_is_not_there_is_told(bench: DeviceClient, picture: Path) -> None:
    bench.text("FILE", PATH=str(picture))
    bench.told("FILE")
    bench.switch("SHOOT", MISSING=True)
    assert str(picture / "nothing") in bench.refusal("SHOOT")


def test_many_blobs_in_a_row_arrive(bench: DeviceClient) -> None:
    """Each waits for the one before to have been taken, by a ping."""
    bench.client.send(enable_blob("Also", "Bench"))
    for _ in range(20):
        bench.switch("SHOOT", BYTES=True)
    for _ in range(20):
        assert bench.set_vector("IMAGE").children[0].payload() == PICTURE


def upload(size: int, content: str, form: str = ".txt", more: str = "") -> str:
    one = f"<oneBLOB name='DATA' size='{size}' format='{form}'{more}>{content}</oneBLOB>"
    return f"<newBLOBVector device='Bench' name='UPLOAD'>{one}</newBLOBVector>"


def inline(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@pytest.mark.parametrize("is_compressed", [False, True])
def test_takes_blobs_inline(bench: DeviceClient, is_compressed: bool) -> None:
    data, form = (zlib.compress(PICTURE), ".txt.z") if is_compressed else (PICTURE, ".txt")
    bench.client.send(enable_blob("Also", "Bench"), upload(len(PICTURE), inline(data), form))
    told = bench.told("UPLOADED")
    assert told == {"FORMAT": ".txt", "SHA1": hashlib.sha1(PICTURE).hexdigest(), "BYTES": str(len(PICTURE))}
    bench.set_vector("UPLOAD", state="Ok")


def test_takes_blobs_attached(local_bench: DeviceClient) -> None:
    local_bench.client.send_attached(upload(len(PICTURE), "", more=" attached='true'"), PICTURE)
    assert local_bench.told("UPLOADED")["SHA1"] == hashlib.sha1(PICTURE).hexdigest()


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (upload(5, inline(zlib.compress(PICTURE)), ".z"), "does not have the 5 bytes"),
        (upload(5, inline(b"no zlib"), ".z"), "BLOB DATA cannot be read"),
        (upload(5, inline(b"12345")).replace("'DATA'", "'OTHER'"), "UPLOAD has no element OTHER, only DATA"),
    ],
    ids=["too long", "not compressed", "unknown element"],
)
def test_blobs_that_cannot_be_taken(bench: DeviceClient, message: str, why: str) -> None:
    bench.client.send(enable_blob("Also", "Bench"), message)
    assert why in bench.refusal("UPLOAD")
