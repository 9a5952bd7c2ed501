"""BLOBs to send and received: sources, formats, compression, attachments."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path

import pytest

from indigevent import fdpass
from indigevent.driver.blobs import Blob, attach, received
from indigevent.errors import Refused
from indigevent.protocol.framing import Framer
from indigevent.protocol.message import BlobMessage
from indigevent.protocol.vectors import OneBLOB, SetBLOBVector

DATA = b"0123456789" * 50


@pytest.mark.parametrize(
    "source", [DATA, bytearray(DATA), memoryview(DATA), io.BytesIO(DATA)], ids=lambda s: type(s).__name__
)
def test_sources_without_a_name(source: object) -> None:
    assert Blob(source, ".x").as_element("B") == OneBLOB("B", len(DATA), ".x", DATA)  # type: ignore[arg-type]
    assert Blob(b"").as_element("B") == OneBLOB("B", 0, "", b"")


def test_sources_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "night.2026.fits"
    path.write_bytes(DATA)
    expected = OneBLOB("B", len(DATA), ".fits", DATA)
    assert Blob(path).as_element("B") == expected
    assert Blob(str(path)).as_element("B") == expected
    with path.open("rb") as opened:
        opened.read(10)
        assert Blob(opened).as_element("B") == OneBLOB("B", len(DATA) - 10, ".fits", DATA[10:])
    assert Blob(path, ".raw").as_element("B").format == ".raw"


def test_compresses_what_gets_shorter_by_it() -> None:
    short = Blob(DATA, ".x", compress=True).as_element("B")
    assert (short.size, short.format, zlib.decompress(short.data)) == (len(DATA), ".x.z", DATA)
    assert Blob(b"abc", ".x", compress=True).as_element("B") == OneBLOB("B", 3, ".x", b"abc")


@pytest.mark.skipif(not fdpass.SUPPORTED, reason="only on Linux: memfd")
def test_attaches_what_is_neither_empty_nor_compressed() -> None:
    compressed = Blob(DATA, ".x", compress=True).as_element("Z")
    elements = (OneBLOB("A", len(DATA), ".x", DATA), OneBLOB("E", 0, ".x", b""), compressed)
    message, handles = attach(SetBLOBVector(device="D", name="P", elements=elements))
    assert [element.attached for element in message.elements] == [True, False, False]
    assert [fdpass.read_at(handle, 0, 1000) for handle in handles] == [DATA]
    assert message.elements[2] == compressed


@pytest.mark.skipif(not fdpass.SUPPORTED, reason="only on Linux: memfd")
def test_attaches_no_more_than_a_message_can_carry() -> None:
    elements = tuple(OneBLOB(f"B{number}", 1, ".x", b"x") for number in range(20))
    message, handles = attach(SetBLOBVector(device="D", name="P", elements=elements))
    assert len(handles) == fdpass.MAX_FDS_PER_MESSAGE
    assert [element.data for element in message.elements[16:]] == [b"x"] * 4


def blob_message(content: str, handles: list[fdpass.BlobHandle] | None = None) -> BlobMessage:
    framer = Framer()
    (message,) = framer.feed(f"<newBLOBVector device='D' name='P'>{content}</newBLOBVector>".encode(), handles or [])
    assert isinstance(message, BlobMessage)
    return message


def one(size: int, data: bytes, form: str = ".x") -> str:
    return f"<oneBLOB name='B' size='{size}' format='{form}'>{base64.encodebytes(data).decode()}</oneBLOB>"


@pytest.mark.parametrize(("data", "form"), [(DATA, ".x"), (zlib.compress(DATA), ".x.z")])
def test_receives_inline(data: bytes, form: str) -> None:
    blob = received(blob_message(one(len(DATA), data, form)))["B"]
    assert (blob.data, blob.format) == (DATA, ".x")


@pytest.mark.skipif(not fdpass.SUPPORTED, reason="only on Linux: memfd")
def test_receives_attached() -> None:
    handle = fdpass.new_memory()
    fdpass.write_all(handle, DATA)
    element = f"<oneBLOB name='B' size='{len(DATA)}' format='.x' attached='true'/>"
    assert received(blob_message(element, [handle]))["B"].data == DATA


@pytest.mark.skipif(not fdpass.SUPPORTED, reason="only on Linux: memfd")
def test_refuses_what_is_attached_but_too_short() -> None:
    element = "<oneBLOB name='B' size='9' format='.x' attached='true'/>"
    with pytest.raises(Refused, match="not as shared memory of 9 bytes"):
        received(blob_message(element, [fdpass.new_memory()]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (one(5, zlib.compress(DATA), ".z"), "does not have the 5 bytes"),
        (one(5000, zlib.compress(DATA), ".z"), "does not have the 5000 bytes"),
        (one(5, b"12345", ".z"), "BLOB B cannot be read"),
        ("<oneBLOB name='B' size='5' format='.x'>no base64!</oneBLOB>", "BLOB B cannot be read"),
    ],
)
def test_refuses_what_cannot_be_read(content: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        received(blob_message(content))
