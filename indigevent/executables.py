"""Why a program cannot be executed: what its user can do about it."""

import errno
import os
import shlex
import shutil

_NO_ROOM = "the system has no room for one more process: end others, or allow more"
# Where the file is not at fault.
_OF_SYSTEM = {
    errno.ETXTBSY: "somebody writes to it: wait until that is done",
    errno.EAGAIN: _NO_ROOM,
    errno.ENOMEM: _NO_ROOM,
}


def way_out(word: str, search: str, number: int | None = None) -> str:
    """A clause that says what helps when a program could not be executed.

    Arguments:
        word: what was to be executed, a path or a name.
        search: the PATH, for a name.
        number: the `errno`, if the system was asked to execute it.
    """
    if number in _OF_SYSTEM:
        return _OF_SYSTEM[number]
    if "/" not in word:
        found = shutil.which(word, mode=os.F_OK, path=search)
        if found is None:
            in_folder = f"; the one in this folder is called ./{word}" if os.path.isfile(word) else ""
            return f"check its name and PATH{in_folder}"
        word = found
    if os.path.isdir(word):
        return "it is a folder: name the program in it"
    if os.path.isfile(word):
        if not os.access(word, os.X_OK):
            return f"make it executable: chmod +x {shlex.quote(word)}"
        return "the file is there: check its first line, as in #!/usr/bin/env python3, and who may read it"
    return "check its name, and who may enter its folder"
