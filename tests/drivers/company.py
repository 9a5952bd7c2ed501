"""Two devices in one driver, one of which watches the other, and devices of other drivers."""

from __future__ import annotations

import json
from typing import Any

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Device,
    Driver,
    Number,
    NumberVector,
    ReceivedBlob,
    SnoopedProperty,
    Text,
    TextVector,
    Wanted,
    run,
)


class Neighbour(Device):
    """A device with a level and a picture of it."""

    name = "Neighbour"
    has_connection = False
    level = NumberVector("LEVEL", Number("VALUE", value=1.5))
    picture = BLOBVector("PICTURE", BLOB("P"), perm="ro")

    @level.on_new
    def draw(self, wanted: Wanted) -> None:
        self.level.set(VALUE=wanted["VALUE"])
        self.picture.send_blobs(P=Blob(b"#" * int(wanted["VALUE"]), ".txt", compress=True))


class Watcher(Device):
    """Tells of every change that it sees elsewhere."""

    name = "Watcher"
    has_connection = False
    seen = TextVector("SEEN", Text("PROPERTY"), Text("STATE"), Text("VALUES"), perm="ro")

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.snoop("Bench", "PLACE", self.tell)
        self.snoop("Bench", "MODE", self.tell)
        self.snoop("Bench", "IMAGE", self.tell, with_blobs=True)

    def connect(self) -> None:
        self.snoop_device("Neighbour", self.tell, with_blobs=True)

    def tell(self, changed: SnoopedProperty) -> None:
        self.seen.set(
            PROPERTY=f"{changed.device}.{changed.name}",
            STATE=changed.state.value if changed.is_defined else "gone",
            VALUES=json.dumps({name: _shown(value) for name, value in changed.items()}),
        )


class Company(Driver):
    """Both of them; the watcher first, which snoops on what is not there yet."""

    def __init__(self) -> None:
        super().__init__(Watcher(), Neighbour())


def _shown(value: Any) -> Any:
    return f"{len(value.data)} bytes {value.format}" if isinstance(value, ReceivedBlob) else value


if __name__ == "__main__":
    run(Company)
