"""BLOBs above a size go into files while they come, whatever pieces they come in, and the files go with them."""

from __future__ import annotations

import base64
import gc
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from indigevent import fdpass
from indigevent.client.blob_files import BlobFile, BlobFiles
from indigevent.client.reading import read
from indigevent.errors import RemoteProtocolError
from indigevent.protocol.framing import Framer
from indigevent.protocol.vectors import OneBLOB, SetBLOBVector
from tests.wire.corpus import at_random, bytewise

DATA = random.Random(1).randbytes(1000)
TEXT = base64.encodebytes(DATA)


def vector(text: bytes, size: int = len(DATA)) -> bytes:
    one = b'<oneBLOB name="CCD1" size="%d" format=".fits">\n%s\n</oneBLOB>' % (size, text)
    return b'<setBLOBVector device="CCD" name="CCD1" state="Ok">' + one + b"</setBLOBVector>"


def received(folder: Path, chunks: list[bytes], max_bytes: int = 500) -> OneBLOB:
    framer = Framer(sink=BlobFiles(str(folder), max_bytes))
    (message,) = [message for chunk in chunks for message in framer.feed(chunk)]
    content = read(message)
    assert isinstance(content, SetBLOBVector)
    (blob,) = content.elements
    return blob


@pytest.mark.parametrize("text", [TEXT, base64.b64encode(DATA), TEXT.replace(b"\n", b"\r\n \t")])
def test_a_large_blob_is_in_a_file_until_nobody_has_it(tmp_path: Path, text: bytes) -> None:
    document = vector(text)
    for chunks in ([document], bytewise(document), list(at_random(document, 1, 100))):
        blob = received(tmp_path, chunks)
        (path,) = tmp_path.iterdir()
        assert path.read_bytes() == bytes(blob.data) == DATA
        assert (blob.size, blob.format) == (1000, ".fits")
        part = blob.data[10:20]
        del blob
        assert path.exists()
        del part
        assert not path.exists()


def test_a_kept_file_stays(tmp_path: Path) -> None:
    blob = received(tmp_path, [vector(TEXT)])
    assert isinstance(blob.data, memoryview)
    assert isinstance(blob.data.obj, BlobFile)
    kept = blob.data.obj.keep(tmp_path / "image.fits")
    del blob
    assert [str(path) for path in tmp_path.iterdir()] == [kept]
    assert Path(kept).read_bytes() == DATA


def test_a_small_blob_stays_in_memory(tmp_path: Path) -> None:
    for chunks in ([vector(TEXT)], bytewise(vector(TEXT))):
        blob = received(tmp_path, chunks, max_bytes=1000)
        assert blob.data == DATA
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TEXT[:-3], "cut off"),
        (TEXT + b"QUJD", "base64 cannot be read"),
        (b"&lt;" + TEXT, "base64 cannot be read"),
    ],
)
def test_what_is_no_base64_is_said_and_leaves_no_file(tmp_path: Path, text: bytes, why: str) -> None:
    for chunks in ([vector(text)], bytewise(vector(text))):
        for max_bytes in (500, 1000):
            with pytest.raises(RemoteProtocolError, match=why):
                received(tmp_path, chunks, max_bytes)
        gc.collect()
        assert list(tmp_path.iterdir()) == []


def test_a_blob_that_breaks_off_leaves_no_file_and_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    framer = Framer(sink=BlobFiles(str(tmp_path), 500))
    framer.feed(vector(TEXT)[:700])
    assert len(list(tmp_path.iterdir())) == 1
    framer.close()
    framer.take_faults()
    del framer
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RemoteProtocolError, match=r"no file can be made in .*/missing: No such file"):
        received(tmp_path / "missing", [vector(TEXT)])


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    framer = Framer(sink=BlobFiles(str(tmp_path), 500))
    framer.feed(vector(TEXT)[:120])
    (path,) = tmp_path.iterdir()
    for link in Path("/proc/self/fd").iterdir():
        if link.exists() and link.resolve() == path:
            fd = os.open("/dev/full", os.O_WRONLY)
            os.dup2(fd, int(link.name))
            os.close(fd)
    (message,) = framer.feed(vector(TEXT)[120:])
    with pytest.raises(RemoteProtocolError, match=r"cannot be written to .*indi-blob-.*: No space left on device"):
        read(message)


def test_a_blob_in_shared_memory_needs_no_file(tmp_path: Path) -> None:
    memory = fdpass.new_memory()
    fdpass.write_all(memory, DATA)
    one = b'<oneBLOB name="CCD1" size="1000" format=".fits" attached="true" enclen="0">\n</oneBLOB>'
    framer = Framer(sink=BlobFiles(str(tmp_path), 500))
    (message,) = framer.feed(b"<setBLOBVector device='CCD' name='CCD1'>" + one + b"</setBLOBVector>", [memory])
    content = read(message)
    assert isinstance(content, SetBLOBVector)
    assert content.elements[0].data == DATA
    assert list(tmp_path.iterdir()) == []


def test_a_shortage_of_descriptors_costs_a_blob_and_nothing_else(tmp_path: Path) -> None:
    program = (
        "import os, resource, sys; from pathlib import Path; from tests.unit.test_blob_files import *\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); memory = fdpass.new_memory()\n"
        "fdpass.write_all(memory, DATA); framer = Framer(sink=BlobFiles(sys.argv[1], 500))\n"
        "attached = b\"<setBLOBVector device='C' name='C'><oneBLOB name='C' size='1000' format='' attached='true'/>\"\n"
        "messages = framer.feed(vector(TEXT) + attached + b'</setBLOBVector>', [memory])\n"
        "try:\n    while True: os.dup(0)\nexcept OSError: os.write(1, b'none left\\n')\n"
        "for message in messages:\n    try: read(message)\n"
        "    except RemoteProtocolError as error: os.write(1, f'{error}\\n'.encode())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("none left\nblob-file at byte 0: "), ran.stderr
    assert ran.stdout.count("cannot be mapped") == ran.stdout.count("Too many open files") == 2
    assert list(tmp_path.iterdir()) == []


def test_files_go_at_the_programs_end(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.unit.test_blob_files import *\n"
        "folder = Path(sys.argv[1]); blob = received(folder, [vector(TEXT)]); print(len(list(folder.iterdir())))\n"
        "import os; sys.modules['kept'] = blob; cycle = [blob]; cycle.append(cycle)"
    )
    ran = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("1\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_vector_without_blobs_tells_its_state(tmp_path: Path) -> None:
    for document in (b"<setBLOBVector device='CCD' name='CCD1' state='Busy'/>", vector(b"").partition(b"<one")[0]):
        (message,) = Framer().feed(document if document.endswith(b"/>") else document + b"</setBLOBVector>")
        content = read(message)
        assert isinstance(content, SetBLOBVector)
        assert content.state is not None
        assert content.elements == ()
