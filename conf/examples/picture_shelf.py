#!/usr/bin/env python3
"""BLOBs both ways: a shelf that keeps a picture that a client sends in a file, and sends it to all who want BLOBs."""

import tempfile
from pathlib import Path

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Device,
    Number,
    NumberVector,
    Refused,
    Switch,
    SwitchVector,
    run,
)


class PictureShelf(Device):
    name = "Picture Shelf"
    put = BLOBVector("PUT", BLOB("PICTURE", "Picture"), label="Put on the shelf", perm="wo")
    take = SwitchVector(
        "TAKE", Switch("PLAIN", "Plain"), Switch("COMPRESSED", "Compressed"), rule="AtMostOne", momentary=True
    )
    shelf = BLOBVector("SHELF", BLOB("PICTURE", "Picture"), label="From the shelf", perm="ro")
    size = NumberVector("SIZE", Number("BYTES", "Bytes", format="%.f"), perm="ro", label="On the shelf")
    picture = None

    def connect(self):
        self.folder = tempfile.TemporaryDirectory()

    def disconnect(self):
        self.folder.cleanup()
        self.picture = None

    @put.on_new
    def keep(self, wanted):
        blob = wanted["PICTURE"]  # its data, decompressed, and its format without .z
        suffix = blob.format if blob.format in (".fits", ".jpg", ".png") else ".bin"
        self.picture = Path(self.folder.name, "picture" + suffix)
        self.picture.write_bytes(blob.data)
        self.size.set(BYTES=len(blob.data))

    @take.on_new
    def hand_out(self, wanted):
        if not self.picture:
            raise Refused("The shelf is empty.")
        self.shelf.send_blobs(PICTURE=Blob(self.picture, compress=wanted["COMPRESSED"]))  # .fits or .fits.z


if __name__ == "__main__":
    run(PictureShelf)
