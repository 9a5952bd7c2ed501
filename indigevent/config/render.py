"""The option table in words: usage, help, the sample config file and the README's reference."""

import textwrap
from collections.abc import Iterable

from indigevent import __version__
from indigevent.config.option import Key, Kind, Option
from indigevent.config.options import OPTIONS
from indigevent.config.sections import ACCESS_KEYS, DRIVER_KEYS, REMOTE_KEYS

_HELP_COLUMN = 30
_WIDTH = 110

_DRIVER_HELP = "an executable, package.module:Class (a Python driver), or [device]@host[:port] (another server)"

_SAMPLE_HEADER = """\
# Configuration of indigevent. Use it with: indigevent --config FILE; check it by adding --check-config.
# The command line comes first, then the environment (INDIGEVENT_PORT and so on), then this file, then the
# defaults. Drivers of the command line are added to those in here.
#
# Global keys come first, then [driver NAME], [remote NAME] and [access NAME] sections; NAME is what the log calls
# it. A key or section stands here only once; in keys _ and - are the same. A comment has its own line and starts
# with # or ;. Spaces around a value are cut off; in quotes, '...' or "...", they stay, and # and ; may belong to it.
# `arguments` and `environment` are words as in a shell: quotes keep words together. In paths ~ is the home
# directory, and a relative path starts at this file's directory; a command without / is looked up in PATH.
"""

_SAMPLE_DRIVERS = """\
# Drivers that this server starts, here a whole simulated observatory. Copy a section for each further one; its
# other keys are shown once.
"""

_SIMULATORS = {
    "telescope": "telescope:TelescopeSimulator",
    "camera": "ccd:CCDSimulator",
    "focuser": "focuser:FocuserSimulator",
    "wheel": "wheel:FilterWheelSimulator",
    "dome": "dome:DomeSimulator",
    "weather": "weather:WeatherSimulator",
}

_SAMPLE_REMOTE = """\
# Devices of another INDI server, served here too. An IPv6 address needs no brackets here.
#[remote garden]
"""

_SAMPLE_ACCESS = """\
# What some clients may do. The first section whose conditions (network, uid, certificate; several alternatives are
# separated by spaces) all fit a client holds for it; a client that none fits may do everything.
#[access visitors]
"""


def usage(program: str) -> str:
    """Return the usage that is printed when nothing to run was named, laid out as the reference's is."""
    return "\n".join(
        [
            f"Usage: {program} [options] driver [driver ...]",
            "Serves local and remote INDI drivers to clients.",
            version(),
            "Options:",
            *_option_lines(),
            *_wrapped(" driver", _DRIVER_HELP),
        ]
    )


def version() -> str:
    """Return the line that `--version` prints."""
    return f"indigevent {__version__}, INDI protocol 1.7"


def sample_config() -> str:
    """Return the text of `conf/indigevent.conf`: every key with meaning and default, simulators to start."""
    blocks = [_SAMPLE_HEADER]
    for group in dict.fromkeys(row.group for row in OPTIONS if row.in_file):
        rows = [row for row in OPTIONS if row.in_file and row.group == group]
        blocks.append(f"# ---- {group} ----\n\n" + "\n".join(_sample_option(row) for row in rows))
    first, *others = map(_sample_driver, _SIMULATORS)
    blocks.append("# ---- What to serve ----\n\n" + _SAMPLE_DRIVERS + first + _sample_keys(DRIVER_KEYS[1:]))
    blocks.extend(others)
    blocks.append(_SAMPLE_REMOTE + _sample_keys(REMOTE_KEYS))
    blocks.append(_SAMPLE_ACCESS + _sample_keys(ACCESS_KEYS))
    return "\n".join(blocks)


def option_table() -> str:
    """Return the option reference of the README, a Markdown table."""
    lines = ["| option | config file | environment | default | meaning |", "| --- | --- | --- | --- | --- |"]
    lines.extend(_markdown_row(row) for row in OPTIONS)
    return "\n".join(lines) + "\n"


def key_table(keys: Iterable[Key]) -> str:
    """Return the reference of a section's keys for the README, a Markdown table."""
    lines = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key in keys:
        metavar = key.metavar.replace("|", " or ")
        lines.append(f"| `{key.name}` | {metavar} | {_code(key.default)} | {_sentence(key.help)} |")
    return "\n".join(lines) + "\n"


def _option_lines() -> list[str]:
    lines = []
    for row in OPTIONS:
        short = f" -{row.short}, " if row.short else "     "
        value = f" {row.metavar}" if row.takes_value else ""
        repeat = "; repeatable" if row.kind is Kind.LIST else ""
        default = f"; default {row.default}" if row.default and row.kind is not Kind.COUNT else ""
        lines.extend(_wrapped(f"{short}{row.long}{value}", row.help + repeat + default))
    return lines


def _wrapped(head: str, text: str) -> list[str]:
    """Return `head : text` with the text in its column."""
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=f"{head:{_HELP_COLUMN}}: ",
        subsequent_indent=" " * (_HELP_COLUMN + 2),
    )


def _sample_option(row: Option) -> str:
    note = " Several are separated by commas or spaces." if row.kind is Kind.LIST else ""
    comment = _comment(_sentence(row.help) + note)
    how = f"# ({row.flags}, {row.variable})"
    return f"{comment}\n{how}\n#{row.name} = {_sample_value(row)}\n"


def _sample_driver(name: str) -> str:
    return f"[driver {name}]\ncommand = indigevent.simulators.{_SIMULATORS[name]}\n"


def _sample_keys(keys: Iterable[Key]) -> str:
    return "".join(f"{_comment(_sentence(key.help))}\n#{key.name} = {_sample_value(key)}\n" for key in keys)


def _sample_value(key: Key) -> str:
    return key.default or key.metavar


def _comment(text: str) -> str:
    return textwrap.fill(text, width=_WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _markdown_row(row: Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in row.flags.split("/"))
    value = f" {row.metavar}".replace("|", " or ") if row.takes_value else ""
    key = f"`{row.name}`" if row.in_file else ""
    return f"| {flags}{value} | {key} | {_code(row.variable)} | {_code(row.default)} | {_sentence(row.help)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
