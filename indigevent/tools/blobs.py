"""BLOBs into files, named after where they come from."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from indigevent.client.reading import read
from indigevent.errors import ClientError, RemoteProtocolError
from indigevent.protocol.message import BlobMessage
from indigevent.protocol.vectors import OneBLOB, SetBLOBVector

_COMPRESSED = ".z"
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Saved:
    """One BLOB in a file; `size` is the file's, in bytes."""

    element: str
    path: Path
    size: int
    format: str


class Folder:
    """Where BLOBs go: `device.property.element.format`.

    Arguments:
        path: the folder.
        keeps: whether a BLOB that comes again gets a name of its own, `-2` and so on, and nothing is written over; the
            reference writes over what is there.
    """

    def __init__(self, path: Path, keeps: bool) -> None:
        self.path = path
        self._keeps = keeps
        self._next_numbers: dict[Path, int] = {}
        if keeps:
            path.mkdir(parents=True, exist_ok=True)

    def save(self, message: BlobMessage, is_wanted: Callable[[str], bool]) -> Iterator[Saved]:
        """Write those BLOBs of a message whose element is wanted, decompressed when their format ends in `.z`.

        Raises ClientError for what cannot be decoded or decompressed, OSError for what cannot be written.
        """
        try:
            content = read(message)
        except RemoteProtocolError as error:
            raise ClientError(f"A BLOB of {message.device}.{message.name} cannot be read: {error}") from None
        assert isinstance(content, SetBLOBVector)
        for one in content.elements:
            if is_wanted(one.name):
                yield self._save(one, f"{message.device}.{message.name}.{one.name}")

    def _save(self, one: OneBLOB, name: str) -> Saved:
        form = one.format.removesuffix(_COMPRESSED)
        # A device may call itself anything; the file stays in this folder.
        path = self.path / (name + form).replace("/", "_")
        with self._create(path) as file:
            try:
                size = sum(map(file.write, _pieces(one, name)))
                file.flush()
            except BaseException as error:  # also Ctrl-C: nothing stays that looks like a whole BLOB
                os.unlink(file.name)
                if isinstance(error, OSError):
                    error.filename = file.name
                raise
        return Saved(one.name, Path(file.name), size, form)

    def _create(self, path: Path) -> BinaryIO:
        if not self._keeps:
            return path.open("wb")
        # From where the last one left off, so that the ten thousandth does not ask for all the others.
        for number in count(self._next_numbers.get(path, 1)):
            self._next_numbers[path] = number + 1
            with suppress(FileExistsError):
                return (path.with_name(f"{path.stem}-{number}{path.suffix}") if number > 1 else path).open("xb")
        raise AssertionError("numbers never end")


def _pieces(one: OneBLOB, name: str) -> Iterator[bytes | memoryview]:
    """What goes into the file, in pieces: the whole may not fit into memory."""
    data = memoryview(one.data)
    if not one.format.endswith(_COMPRESSED):
        yield data
        return
    unpacker = zlib.decompressobj()
    try:
        for begin in range(0, len(data), _PIECE_BYTES):
            yield unpacker.decompress(data[begin : begin + _PIECE_BYTES])
    except zlib.error as error:
        raise ClientError(f"{name} cannot be decompressed although its format is {one.format}: {error}") from None
    if not unpacker.eof:
        raise ClientError(f"{name} cannot be decompressed although its format is {one.format}: it is cut off")
