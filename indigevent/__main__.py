"""`python -m indigevent` is the server, the same as the command `indigevent`."""

import sys

from indigevent.cli.server import main

if __name__ == "__main__":
    sys.exit(main())
