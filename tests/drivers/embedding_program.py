"""A program with a `Server` in it, which takes a daemon's command line: `-p PORT -u NAME module:Class ...`.

Before that, `--patch` has gevent patch the program, and `--cooperative` has the drivers run in greenlets.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    if "--patch" in words:
        from gevent import monkey

        monkey.patch_all()
    import gevent.socket

    from indigevent import Server
    from indigevent.driver.run import load

    names = words[words.index("-u") + 2 :]
    drivers = [load(name)() for name in names]
    if "--cooperative" in words:
        for driver in drivers:
            for device in getattr(driver, "devices", {"": driver}).values():
                device.is_cooperative = True
                device.sockets = gevent.socket
    port, local_socket = int(words[words.index("-p") + 1]), words[words.index("-u") + 1]
    return Server(*drivers, host="127.0.0.1", port=port, local_socket=local_socket, verbosity=1).serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
