"""The command `indigevent-record`: what a server says, into a file that `indigevent-replay` plays.

Exit statuses: 0 done, 1 no server, or the file cannot be written, 2 a mistake in the command line.
"""

import argparse
import contextlib
import math
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace

from indigevent.client import interrupts
from indigevent.client.endpoint import Endpoint, Stream
from indigevent.client.recording import Recorder
from indigevent.errors import ClientError
from indigevent.protocol import codec
from indigevent.protocol.constants import DEFAULT_PORT, BlobMode
from indigevent.protocol.vectors import EnableBLOB, GetProperties
from indigevent.tools.trust import TLS_FILES, tls_context

_TIMEOUT_S = 10.0
_READ_BYTES = 1 << 18
_DESCRIPTION = """\
Record what an INDI server says, with the times, until Ctrl-C, --seconds, or until the server goes. The file is text:
per read a line `<seconds> < <bytes>`, and the bytes.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Record, and return the exit status.

    Arguments:
        argv: the command line without the program's name; `sys.argv` by default.
    """
    wanted = _parser().parse_args(argv)
    files = {name: file for name in TLS_FILES if (file := getattr(wanted, name))}
    endpoint = Endpoint(wanted.host, wanted.port, wanted.local)
    try:
        endpoint = replace(endpoint, tls=tls_context(wanted.tls, files))
        recorder = Recorder(wanted.file, endpoint)
        stream = recorder.tap(endpoint).open(_TIMEOUT_S)
    except ClientError as error:
        print(f"indigevent-record: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"indigevent-record: interrupted before {endpoint} has answered", file=sys.stderr)
        return 1
    print(f"Recording {endpoint} to {wanted.file}", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        reason = _record(stream, recorder, wanted.blobs, wanted.seconds)
        print(f"The recording has ended: {reason}", file=sys.stderr)
    recorder.close()
    stream.close()
    if recorder.trouble:
        print(f"indigevent-record: {recorder.trouble}", file=sys.stderr)
    return 1 if recorder.trouble else 0


def _record(stream: Stream, recorder: Recorder, with_blobs: bool, seconds: float) -> str:
    """Record until it ends; why it did, a clause."""
    over = threading.Event()

    def end() -> None:
        over.set()
        stream.end()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    reason = "the server has gone"
    wishes = [GetProperties(), *([EnableBLOB(BlobMode.ALSO)] if with_blobs else [])]
    try:
        stream.send(b"".join(codec.to_bytes(wish) + b"\n" for wish in wishes))
        if seconds < threading.TIMEOUT_MAX:
            interrupts.start(timer)
        while not recorder.trouble:
            with contextlib.suppress(TimeoutError):  # silence belongs to the session
                if not stream.receive(_READ_BYTES)[0]:
                    break
    except OSError as error:
        reason = error.strerror or str(error)
    finally:
        timer.cancel()
    return f"{seconds:g} s are over" if over.is_set() else recorder.trouble or reason


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="indigevent-record",
        description=_DESCRIPTION,
        epilog="exit status: 0 done, 1 no server, or the file cannot be written, 2 a mistake in the command line",
        add_help=False,  # -h is the host, as with the reference's tools
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="where to; a file that is there is replaced if the server answers")
    parser.add_argument("-h", dest="host", metavar="HOST", default="localhost", help="the server's host (localhost)")
    parser.add_argument("-p", dest="port", metavar="PORT", type=int, default=DEFAULT_PORT, help="its port (7624)")
    parser.add_argument("--local", metavar="PATH", default="", help="its local socket instead, as in indiserver -u")
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    for name, meaning in zip(TLS_FILES, ("trust this authority", "show this certificate", "its key"), strict=True):
        parser.add_argument(f"--{name}", dest=name, metavar="FILE", help=f"{meaning} (PEM), with TLS")
    parser.add_argument("--blobs", action="store_true", help="BLOBs, too")
    parser.add_argument("--seconds", metavar="N", type=_seconds, default=math.inf, help="end after so long")
    parser.add_argument("--help", action="help", help="show this, and exit")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, which is a number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
