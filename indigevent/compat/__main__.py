"""`python -m indigevent.compat script.py [argument ...]`: run a script written for pyindi-client, untouched."""

import sys

from indigevent.compat.running import main

if __name__ == "__main__":
    main(sys.argv[1:])
