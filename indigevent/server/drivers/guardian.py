"""The guardian: a small process that ends the drivers when the server itself was killed.

A killed server cannot stop its drivers, and a stopped or deaf driver does not notice that its stdin has closed. The
guardian sits at the end of a pipe, is told the drivers' process groups, and when the pipe closes does what an orderly
stop would do to those that are left. A shell does: it starts in a millisecond and holds a megabyte.
"""

from __future__ import annotations

import os
import subprocess

from indigevent.errors import ConfigError
from indigevent.logs import log

# In a shell without job control a background command reads /dev/null unless it is told otherwise: hence descriptor 3.
_SCRIPT = """
exec 3<&0
(
trap '' HUP INT TERM
groups=
while read -r line; do
    group=${line#?}
    case $line in
    +*) groups="$groups $group" ;;
    -*) rest=; for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done; groups=$rest ;;
    esac
done
[ -n "$groups" ] || exit
sleep 1
for g in $groups; do kill -s TERM -- "-$g"; kill -s CONT -- "-$g"; done
sleep 2
for g in $groups; do kill -s KILL -- "-$g"; done
) <&3 3<&- &
"""


class Guardian:
    """The server's end of the guardian's pipe; closing it (or dying) sets the guardian off."""

    def __init__(self) -> None:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(
                f"the guardian of the drivers cannot be started with /bin/sh: {error.strerror}"
            ) from error
        process.wait()
        assert process.stdin is not None
        self._pipe = process.stdin
        os.set_blocking(self._pipe.fileno(), False)  # one that is stopped must not stop the server
        self._is_gone = False

    def watch(self, group: int) -> None:
        """A driver's process group exists from now on."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """That group is gone."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """The server ends; drivers that were not forgotten are ended by the guardian."""
        self._pipe.close()

    def _tell(self, line: str) -> None:
        try:
            is_told = self._pipe.write(line.encode()) is not None
        except BrokenPipeError:
            is_told = False
        if not is_told and not self._is_gone:
            self._is_gone = True
            log.warning("The guardian process is gone or stopped; should the server be killed, drivers may stay behind")
