"""Runs many of our command lines at once, each in a process of its own that does not have to load Python anew.

Reads a JSON list of [tool, words, folder] from stdin; each command's output goes to `output` and `errors` beside its
folder; prints the list of exit statuses.
"""

from __future__ import annotations

import json
import os
import sys

from indigevent.cli import evaluate, getprop, setprop

MAINS = {"getprop": getprop.main, "setprop": setprop.main, "eval": evaluate.main}


def start(tool: str, words: list[str], folder: str) -> int:
    """Fork a command; its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.chdir(folder)
    for number, suffix in ((1, "output"), (2, "errors")):
        os.dup2(os.open(f"{folder}.{suffix}", os.O_CREAT | os.O_WRONLY, 0o644), number)
    status = MAINS[tool](words)
    sys.stdout.flush()
    os._exit(status)


def main() -> None:
    """Run them all."""
    pids = [start(*job) for job in json.load(sys.stdin)]
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]))


if __name__ == "__main__":
    main()
