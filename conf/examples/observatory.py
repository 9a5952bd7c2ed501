#!/usr/bin/env python3
"""An INDI server inside a program: two drivers in threads, other programs and servers beside them."""

import argparse

from indigevent import Server
from indigevent.driver import Device, Number, NumberVector, every
from indigevent.simulators.focuser import FocuserSimulator


class Visitors(Device):
    name = "Visitors"
    has_connection = False  # nothing to reach: it works from the start
    count = NumberVector("VISITORS", Number("TODAY", "Today", format="%.f"), perm="ro")

    @every(10)
    def look(self):
        self.count.set(TODAY=self.count["TODAY"] + 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--port", type=int, default=7624)
    parser.add_argument("--executable", action="append", default=[], help="a driver's program")
    parser.add_argument("--remote", action="append", default=[], help="another server, HOST:PORT")
    options = parser.parse_args()
    server = Server(FocuserSimulator(), Visitors(), port=options.port, max_clients=20, verbosity=0)
    for program in options.executable:
        server.add_executable(program)
    for remote in options.remote:
        host, _, port = remote.rpartition(":")
        server.add_remote(host, int(port))
    server.serve()  # until SIGTERM or Ctrl-C


if __name__ == "__main__":
    main()
