"""BLOBs that are too large for memory: decoded into a file while they come, and mapped from there."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import weakref
from collections.abc import Mapping

from indigevent.client.decoding import Decoder
from indigevent.errors import RemoteProtocolError
from indigevent.logs import log


class BlobFile(mmap.mmap):
    """The bytes of a BLOB in a file at `path`; a Blob's `data` is a memoryview of it, whose `obj` it is.

    The file goes when nobody uses the bytes any more, or the program ends, unless it is kept; a program that a signal
    kills, as SIGTERM does if nothing handles it, leaves it behind.
    """

    path: str
    _removal: weakref.finalize[[str], BlobFile]

    @classmethod
    def of(cls, fd: int, path: str) -> BlobFile:
        """The file at `path`, which is open as `fd` and not empty."""
        mapped = cls(fd, 0, access=mmap.ACCESS_READ)
        mapped.path = path
        mapped._removal = weakref.finalize(mapped, _remove, path)
        return mapped

    def keep(self, path: str | os.PathLike[str] = "") -> str:
        """Let the file stay, under another name in the same file system if one is given; where it is.

        Raises OSError when it cannot be moved.
        """
        if path:
            os.replace(self.path, path)
            self.path = os.fspath(path)
        self._removal.detach()
        return self.path


class BlobFiles:
    """A framer's sink: BLOBs of more than `max_bytes`, as their `size` says, go into files in `folder`."""

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def __call__(self, attributes: Mapping[str, str]) -> FileWriter | None:
        """Where the BLOB with these attributes goes; None for memory."""
        if attributes.get("attached") == "true":
            return None  # it is in memory already, and what is between the tags is only layout
        size = attributes.get("size", "")
        is_large = size.isascii() and size.isdigit() and len(size) < 20 and int(size) > self._max_bytes
        return FileWriter(self._folder, attributes.get("name", "")) if is_large else None


class FileWriter:
    """Decodes one BLOB into a file; what goes wrong is told by `finish`."""

    def __init__(self, folder: str, name: str) -> None:
        self._name = name
        self._decoder = Decoder()
        self._kind, self._trouble = "blob", ""
        try:
            self._fd, self._path = tempfile.mkstemp(prefix="indi-blob-", dir=folder)
        except OSError as error:
            self._kind, self._trouble = "blob-file", f"no file can be made in {folder}: {error.strerror}"
        else:
            self._closing = weakref.finalize(self, os.close, self._fd)
            self._removal = weakref.finalize(self, _remove, self._path)

    def write(self, piece: bytes) -> None:
        """Take the next piece of base64 text."""
        if self._trouble:
            return
        try:
            self._write_out(self._decoder.feed(piece))
        except ValueError as error:
            self._trouble = f"its base64 cannot be read: {error}"
        except OSError as error:
            self._kind, self._trouble = "blob-file", f"it cannot be written to {self._path}: {error.strerror}"

    def finish(self) -> memoryview:
        """The decoded bytes, in a file that goes with them.

        Raises RemoteProtocolError when they are no base64, and, of kind `blob-file`, when there is no room for them, or
        no descriptor.
        """
        try:
            self._decoder.finish()
        except ValueError as error:
            self._trouble = self._trouble or f"its base64 cannot be read: {error}"
        if self._trouble:
            raise RemoteProtocolError(self._kind, 0, self._name.encode(), self._trouble)
        if not os.fstat(self._fd).st_size:
            return memoryview(b"")
        try:
            mapped = BlobFile.of(self._fd, self._path)
        except OSError as error:
            what = f"{self._path} cannot be mapped: {error.strerror}"
            raise RemoteProtocolError("blob-file", 0, self._name.encode(), what) from None
        self._removal.detach()
        self._closing()
        return memoryview(mapped)

    def _write_out(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


def _remove(path: str) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):  # somebody has moved it
            os.unlink(path)
    except OSError as error:
        log.warning("the file %s of a BLOB cannot be removed: %s", path, error.strerror)
