"""A program that serves several times in a row, and tells how many descriptors it has after each round.

`--patch` has gevent patch it; `--unreachable` has the driver fail at its start.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> None:
    if "--patch" in words:
        from gevent import monkey

        monkey.patch_all()
    import os
    import socket
    import threading

    from indigevent import Server
    from tests.drivers.faulty import Sleeper, Unreachable

    driver = Unreachable() if "--unreachable" in words else Sleeper()
    for _ in range(8):
        server = Server(driver, host="127.0.0.1", port=int(words[0]), local_socket=words[1])
        server.start()
        with socket.create_connection(("127.0.0.1", int(words[0]))) as client:
            client.sendall(b"<getProperties version='1.7'/><pingRequest uid='1'/>")
            client.recv(1)
            threading.Thread(target=server.shutdown).start()
            while client.recv(4096):
                pass
        if not server.stopped.wait(15):
            sys.exit("it has not stopped")
        print(len(os.listdir("/proc/self/fd")), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
