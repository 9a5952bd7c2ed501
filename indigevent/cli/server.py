"""The command `indigevent`: read the configuration, then serve, or say what is wrong with it."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from indigevent.config import UsageError, load, read
from indigevent.config.check import describe, findings
from indigevent.config.reload import load_again
from indigevent.config.render import usage, version
from indigevent.config.variables import unknown
from indigevent.config.words import CommandLine, cut
from indigevent.errors import ConfigError

EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server and return its exit status: 2 for a mistake in the configuration, else the server's own.

    Arguments:
        argv: the command line without the program's name; `sys.argv` by default.
    """
    program = program_name(sys.argv[0])
    words = sys.argv[1:] if argv is None else argv
    try:
        return _run(words, os.environ, program)
    except UsageError as error:
        print(error, file=sys.stderr)
    except ConfigError as error:
        print(f"{program}: {error}", file=sys.stderr)
    return EXIT_USAGE


def program_name(path: str) -> str:
    """Return the name we were started by, which a symlink may change; with `python -m` it is `indigevent`."""
    name = Path(path).name
    return "indigevent" if name in ("__main__.py", "-c", "") else name


def _run(words: Sequence[str], environ: Mapping[str, str], program: str) -> int:
    line = cut(words)
    if "help" in line.actions:
        print(usage(program))
        return 0
    if "version" in line.actions:
        print(version())
        return 0
    if "check-config" in line.actions:
        return _check(line, environ, program)
    settings = load(words, environ, program)
    # Imported here: help, checks and mistakes shall be answered without the time that gevent takes to load.
    from indigevent.server.app import serve

    reread = partial(load_again, words, environ, program, settings.config_file)
    return serve(settings, reread, warnings=tuple(unknown(environ)))


def _check(line: CommandLine, environ: Mapping[str, str], program: str) -> int:
    configuration = read(line, environ, program)
    for text in describe(configuration, environ):
        print(text)
    wrong = findings(configuration, environ)
    for text in (*unknown(environ), *wrong):
        print(f"{program}: {text}", file=sys.stderr)
    return EXIT_USAGE if wrong else 0
