"""The program of a scripted driver: it lends its stdin, stdout and stderr to the test and dies as it is told.

It connects to the laboratory's control socket, sends one JSON line about itself with the descriptors 0, 1 and 2
attached, and then obeys lines: `exit STATUS` and `signal NUMBER`. It ends when the laboratory does.
"""

import json
import os
import socket
import sys

ENVIRONMENT = ("INDIDEV", "INDICONFIG", "INDISKEL", "INDIPREFIX")


def open_descriptors() -> list[int]:
    """Return the descriptors this process has open."""
    candidates = [int(name) for name in os.listdir("/proc/self/fd")]
    return sorted(fd for fd in candidates if os.path.exists(f"/proc/self/fd/{fd}"))


def main(name: str, control_path: str) -> None:
    """Report to the laboratory, then wait for orders."""
    hello = {
        "name": name,
        "pid": os.getpid(),
        "arguments": sys.argv[1:],
        "program": sys.argv[0],
        "environment": {key: os.environ[key] for key in ENVIRONMENT if key in os.environ},
        "descriptors": open_descriptors(),
    }
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.connect(control_path)
    socket.send_fds(control, [json.dumps(hello).encode() + b"\n"], [0, 1, 2])
    for line in control.makefile("r"):
        verb, number = line.split()
        if verb == "exit":
            os._exit(int(number))
        os.kill(os.getpid(), int(number))
    os._exit(0)
