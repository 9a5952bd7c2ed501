"""Importing this ends a script whose Python has not what all of them need: with a sentence instead of a traceback."""

import sys
from importlib.util import find_spec

_NEEDED = ("configargparse", "gevent", "psutil", "pybase64", "tabulate", "xmltodict")
_missing = [name for name in _NEEDED if find_spec(name) is None]
if _missing:
    way_out = "run ./scripts/venv test, then . .venv/bin/activate"
    sys.exit(f"{sys.argv[0]}: {sys.executable} has no {', '.join(_missing)}; {way_out}")
