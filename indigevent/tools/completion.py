"""Completion in a shell: the server itself is asked which devices, properties and elements it has."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import suppress

from indigevent.errors import ClientError
from indigevent.protocol.message import Message
from indigevent.tools.flags import Flags, Grammar, UsageError, parse
from indigevent.tools.session import Session
from indigevent.tools.told import Told, tell

_EQUALS = "="
_COMMANDS = ("indigevent-getprop", "indigevent-setprop")
# Who presses a key waits for the answer; definitions come within a fraction of this, one after the other.
_LONGEST_S = 1.5
_SILENCE_S = 0.3
_SCRIPT = """\
_indigevent_complete() {{
    local IFS=$'\\n'
    COMPREPLY=( $("$1" --complete "${{COMP_WORDS[@]:1:$COMP_CWORD}}" 2>/dev/null) )
}}
complete -o nospace -o filenames -F _indigevent_complete {commands}
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\nautoload -U +X compinit && compinit\n"


def script(shell: str) -> str:
    """What a shell has to read once (`source <(indigevent-getprop --completion bash)`); raises UsageError."""
    if shell not in ("bash", "zsh"):
        raise UsageError(f"--completion is for bash or zsh, not {shell}")
    return (_ZSH if shell == "zsh" else "") + _SCRIPT.format(commands=" ".join(_COMMANDS))


def candidates(words: Sequence[str], grammar: Grammar, tool: str) -> list[str]:
    """What the last word may become, up to the next dot; nothing when the server cannot be asked."""
    prefix = _unquoted(words[-1]) if words else ""
    if prefix.startswith("-"):
        return sorted(f"--{name}" for name in grammar.long_options if f"--{name}".startswith(prefix))
    if _EQUALS in words[-2:]:  # bash makes it a word of its own; what a value may be nobody knows
        return []
    try:
        known = _ask(parse([*words[:-1]], grammar), prefix)
    except ClientError:
        return []
    end = _EQUALS if tool.endswith("setprop") else ""
    return sorted({_next(name, prefix, end) for name in known if name.startswith(prefix)})


def _unquoted(word: str) -> str:
    """What a word means, as far as it is typed: its last quote may be open."""
    for end in ("", "'", '"'):
        with suppress(ValueError):
            return "".join(shlex.split(word + end))
    return word


def _ask(flags: Flags, prefix: str) -> list[str]:
    device, dot, _ = prefix.partition(".")
    names: list[str] = []
    with Session(flags) as session:
        session.get_properties(device if dot else "")
        end = time.monotonic() + _LONGEST_S
        deadline = end
        while (received := session.receive(deadline)) is not None:
            told = tell(received) if isinstance(received, Message) else None
            if told is not None and told.is_definition:
                names += _names(told)
                deadline = min(end, time.monotonic() + _SILENCE_S)
    return names


def _names(told: Told) -> list[str]:
    return [f"{told.device}.{told.name}.{element}" for element in told.elements]


def _next(name: str, prefix: str, end: str) -> str:
    """A full name as far as the next dot after the prefix, with `end` when it is complete."""
    dot = name.find(".", len(prefix))
    return name[: dot + 1] if dot >= 0 else name + end
