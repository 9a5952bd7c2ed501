"""A client program of `bench-client`: takes what the bench's driver sends, with our client library.

Its words: what (`blobs` or `updates`), how many, the port, and optionally the local socket to use instead.
"""

from __future__ import annotations

import sys
import threading

from indigevent.client import BlobMode, Client, Event, EventKind


def main() -> None:
    """Say `ready`, take everything, say `done`."""
    what, count, port, local = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "".join(sys.argv[4:])
    with Client("127.0.0.1", port, local=local, blobs=BlobMode.ALSO, reconnect=False) as indi:
        indi.device("Bench").property("CCD1")
        indi.ping()
        (take_blobs if what == "blobs" else take_updates)(indi, count)


def take_blobs(indi: Client, count: int) -> None:
    """Look at the length and the ends of each BLOB."""
    touched = 0
    with indi.events(EventKind.BLOB) as events:
        say("ready")
        for _ in range(count):
            blob = events.get(60).blob
            assert blob is not None
            touched += len(blob.data) + blob.data[0] + blob.data[-1]
    say("done")


def take_updates(indi: Client, count: int) -> None:
    """Look at a value in a callback for each update."""
    left = count
    seen: list[float] = []
    is_done = threading.Event()

    @indi.on(EventKind.UPDATED)
    def take(event: Event) -> None:
        nonlocal left
        assert event.property is not None
        seen.append(event.property.elements["RA"].value)
        left -= 1
        if not left:
            is_done.set()

    say("ready")
    is_done.wait(60)
    say("done" if not left else f"{left} updates have not come")


def say(line: str) -> None:
    """Tell the bench."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
