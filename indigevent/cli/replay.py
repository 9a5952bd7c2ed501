"""The command `indigevent-replay`: a recorded session as a server, for tests and for looking at bug reports.

Exit statuses: 0 ended by Ctrl-C, 1 no recording or no port, 2 a mistake in the command line.
"""

import argparse
import contextlib
import math
import sys
from collections.abc import Sequence

from indigevent.client.replay import Replay
from indigevent.errors import ClientError
from indigevent.protocol.constants import DEFAULT_PORT

_DESCRIPTION = """\
Play a recording of indigevent-record as a server: each client gets what the recorded one got, at the same pace, BLOBs
if it enables them. What clients ask for otherwise is passed over. Ctrl-C ends it.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Play until Ctrl-C, and return the exit status.

    Arguments:
        argv: the command line without the program's name; `sys.argv` by default.
    """
    wanted = _parser().parse_args(argv)
    try:
        replay = Replay(wanted.file, wanted.port, wanted.speed, wanted.host)
    except ClientError as error:
        print(f"indigevent-replay: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while it reads a long one
        return 0
    with contextlib.suppress(KeyboardInterrupt), replay:
        print(f"Playing {wanted.file} to clients of {replay.host}:{replay.port}", flush=True)
        replay.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="indigevent-replay",
        description=_DESCRIPTION,
        epilog="exit status: 0 ended by Ctrl-C, 1 no recording, or no port, 2 a mistake in the command line",
        add_help=False,  # -h is the host, as with indigevent-record
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the recording")
    parser.add_argument("-h", dest="host", metavar="HOST", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("-p", dest="port", metavar="PORT", type=int, default=DEFAULT_PORT, help="and its port (7624)")
    parser.add_argument(
        "--speed", metavar="X", type=_speed, default=1.0, help="so many times faster, or `max` for no pauses at all"
    )
    parser.add_argument("--help", action="help", help="show this, and exit")
    return parser


def _speed(text: str) -> float:
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed, which is a number above 0, or max")
    return speed


if __name__ == "__main__":
    sys.exit(main())
