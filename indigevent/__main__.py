"""`python -m indigevent` is the server, the same as the command `indigevent`."""

import sys

from indigevent.cli.start import server

if __name__ == "__main__":
    sys.exit(server())
