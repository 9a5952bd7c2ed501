"""Why a program cannot be executed: what its user can do about it."""

import os
import shlex
import shutil


def way_out(word: str, search: str) -> str:
    """A clause that says what helps when a program could not be executed.

    Arguments:
        word: what was to be executed, a path or a name.
        search: the PATH, for a name.
    """
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
    return "check its name"
