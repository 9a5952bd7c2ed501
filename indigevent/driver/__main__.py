"""`python -m indigevent.driver package.module:Class` runs one driver on stdin and stdout."""

import sys

from indigevent.driver.run import main

if __name__ == "__main__":
    sys.exit(main())
