"""What the framer has gathered of the element that it is reading."""

from __future__ import annotations

from indigevent.protocol.message import BlobElement


class Element:
    """The element being read: what came out of it so far."""

    __slots__ = (
        "after_gap",
        "blobs",
        "device",
        "indi_children",
        "is_indi",
        "name",
        "offset",
        "out",
        "parts",
        "repaired",
        "tag",
    )

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.tag = ""
        self.device = ""
        self.name = ""
        self.is_indi = False
        self.out: list[bytes] = [b"<"]
        self.parts: list[bytes] = []
        self.blobs: list[BlobElement] = []
        self.indi_children = 0
        self.repaired = False
        self.after_gap = False

    def flush(self) -> None:
        """Close the present part: what follows is a payload, which stays in its pieces."""
        if self.out:
            self.parts.append(b"".join(self.out))
            self.out = []
