"""Other libraries' faces over the client library, so that scripts written for them run as they are."""

import sys


def install() -> None:
    """Make `import PyIndi` give `indigevent.compat.pyindi` in this program, with or without pyindi-client."""
    from indigevent.compat import pyindi  # noqa: PLC0415  # importing this package alone brings no client

    sys.modules["PyIndi"] = pyindi
