"""Waits in every way that the client has, and tells when a wait was interrupted and what is left at the end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from indigevent.client import Client, EventKind, PropertyState


def waits(indi: Client) -> dict[str, Callable[[], object]]:
    """What would never end, by name."""
    camera = indi["Camera 1"]
    camera.connect()
    title, picture = camera["TITLE"], camera["PICTURE"]
    subscription = title.events()
    # Not before it was sent: then it would be the sending that is interrupted.
    indi.on(EventKind.UPDATED, device="Camera 1", name="EXPOSURE")(lambda event: print("command", flush=True))
    return {
        "device": lambda: indi["Nobody"],
        "property": lambda: camera["NOTHING"],
        "state": lambda: title.wait(PropertyState.ALERT),
        "condition": lambda: title.wait(lambda _: False),
        "command": lambda: camera["EXPOSURE"].set(60, wait=True),
        "blob": picture.next_blob,
        "get": subscription.get,
        "iteration": lambda: list(subscription),
    }


def main(port: int) -> None:
    with Client("127.0.0.1", port, timeout=600) as indi:
        for name, wait in waits(indi).items():
            try:
                indi.ping()  # a greenlet that reads would be interrupted in the middle of it
                if name != "command":
                    print(name, flush=True)
                wait()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        indi["Camera 1"]["TITLE"].set("goes on", wait=True)
    print([thread.name for thread in threading.enumerate()], flush=True)
    with Client("127.0.0.1", port, timeout=600) as indi:
        indi.ping()
        print("last", flush=True)
        indi["Nobody"]


def interrupt_in_callback(port: int) -> None:
    with Client("127.0.0.1", port, timeout=30) as indi:
        connection = indi["Camera 1"]["CONNECTION"]
        indi.on(EventKind.UPDATED, device="Camera 1")(lambda event: os.kill(os.getpid(), signal.SIGINT))
        connection.set("CONNECT")
        indi["Nobody"]


def tick() -> None:
    """Wake the hub again and again."""
    while True:
        time.sleep(0.05)


if __name__ == "__main__":
    if "patched" in sys.argv:
        import gevent.monkey

        gevent.monkey.patch_all()
        # A signal that comes just before the hub waits is noticed when it wakes up next.
        gevent.spawn(tick)
    (interrupt_in_callback if "callback" in sys.argv else main)(int(sys.argv[1]))
