"""A client program of `bench-client`: the same as `indigevent_client`, with the PyIndi of whoever runs it."""

import sys
import threading
import time

import PyIndi


class Taker(PyIndi.BaseClient):
    """Counts what comes, and looks at it."""

    def __init__(self, what: str, count: int) -> None:
        super().__init__()
        self.what = what
        self.left = count
        self.touched = 0
        self.seen: list[float] = []
        self.is_defined = threading.Event()
        self.is_done = threading.Event()

    def newProperty(self, prop):  # noqa: D102
        if prop.getType() == PyIndi.INDI_BLOB:
            self.is_defined.set()

    def updateProperty(self, prop):  # noqa: D102
        if self.what == "blobs" and prop.getType() == PyIndi.INDI_BLOB:
            data = PyIndi.PropertyBlob(prop)[0].getblobdata()
            self.touched += len(data) + data[0] + data[-1]
            self.count_down()
        elif self.what == "updates" and prop.getType() == PyIndi.INDI_NUMBER:
            self.seen.append(PyIndi.PropertyNumber(prop)[0].getValue())
            self.count_down()

    def count_down(self) -> None:
        """One more has come."""
        self.left -= 1
        if not self.left:
            self.is_done.set()


def main() -> None:
    """Say `ready`, take everything, say `done`."""
    taker = Taker(sys.argv[1], int(sys.argv[2]))
    taker.setServer("127.0.0.1", int(sys.argv[3]))
    if not taker.connectServer():
        sys.exit("PyIndi did not connect")
    taker.is_defined.wait(20)
    taker.setBLOBMode(PyIndi.B_ALSO, "Bench", None)
    # Nothing tells when the server has taken that in, and Nagle's algorithm holds it back for 40 ms.
    time.sleep(0.3)
    print("ready", flush=True)
    taker.is_done.wait(60)
    print("done" if not taker.left else f"{taker.left} have not come", flush=True)
    taker.disconnectServer()


if __name__ == "__main__":
    main()
