"""Settings from command line, environment, file and defaults, in this order, each with its origin."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import configargparse

from indigevent.config.file import IniFile, resolve
from indigevent.config.option import Kind, Option
from indigevent.config.options import OPTIONS, option
from indigevent.config.render import usage
from indigevent.config.settings import Settings
from indigevent.config.words import CommandLine, cut
from indigevent.errors import ConfigError
from indigevent.supervision.specs import Spec, parse_driver

COMMAND_LINE = "command line"
# Options whose value is the setting of almost the same name.
_PLAIN_FIELDS = {
    "local-uids": "local_uids",
    "tls-port": "tls_port",
    "tls-host": "tls_hosts",
    "tls-certificate": "tls_certificate",
    "tls-key": "tls_key",
    "tls-client-ca": "tls_client_ca",
    "allow": "allow",
    "max-clients": "max_clients",
    "max-per-address": "max_per_address",
    "message-timeout": "message_timeout_s",
    "max-rate": "max_rate",
    "stable-time": "stable_time_s",
    "stop-timeout": "stop_timeout_s",
    "stall-timeout": "stall_timeout_s",
    "control": "control",
    "metrics": "metrics",
    "sample-interval": "sample_interval_s",
    "log-format": "log_format",
    "log-file": "log_file",
    "log-rotate": "log_rotation",
    "log-keep": "log_keep",
}
_READ_OPTIONS = tuple(row for row in OPTIONS if row.kind is not Kind.ACTION)


class UsageError(ConfigError):
    """Nothing to run was named; the text is the usage."""


@dataclass
class Configuration:
    """All that was found out from command line, environment and file.

    Arguments:
        settings: the settings; where a value was wrong, its default.
        origins: for each option that was given, its text and where that comes from.
        driver_origins: where each of `settings.drivers` comes from, in the same order.
        problems: one sentence per thing that is wrong.
    """

    settings: Settings
    origins: dict[str, tuple[str, str]]
    driver_origins: tuple[str, ...]
    problems: list[str]


def load(argv: Sequence[str], environ: Mapping[str, str], program: str = "indigevent") -> Settings:
    """Return the settings for a command line (without the program's name) and an environment.

    Raises UsageError when there is nothing to run, and ConfigError with one line for anything that is wrong.
    """
    configuration = read(cut(argv), environ, program)
    problems = configuration.problems
    if len(problems) > 1:
        raise ConfigError(f"{problems[0]} ({len(problems) - 1} more: --check-config lists them)")
    if problems:
        raise ConfigError(problems[0])
    settings = configuration.settings
    if not settings.drivers and settings.fifo is None:
        raise UsageError(usage(program) + _no_driver_in(settings.config_file))
    return settings


def read(line: CommandLine, environ: Mapping[str, str], program: str) -> Configuration:
    """Put everything together and collect what is wrong; raise ConfigError only for an unreadable file."""
    merged = _Merger(line, environ)
    values = {row.name: merged.value(row) for row in _READ_OPTIONS}
    drivers = merged.drivers()
    settings = Settings(
        program=program,
        hosts=values["host"],
        port=values["port"],
        local_socket=values["local-socket"],
        max_queue_bytes=values["max-behind"],
        max_stream_bytes=values["max-stream-behind"],
        restarts=values["restarts"],
        restart_delay_s=values["restart-delay"],
        fifo=values["fifo"],
        islog_dir=values["islog"],
        verbosity=values["verbose"],
        config_file=values["config"],
        drivers=tuple(spec for spec, _ in drivers),
        access=merged.file.access(),
        **{field: values[name] for name, field in _PLAIN_FIELDS.items()},
    )
    problems = [*merged.problems, *_contradictions(settings)]
    return Configuration(settings, merged.origins, tuple(origin for _, origin in drivers), problems)


def _contradictions(settings: Settings) -> Iterator[str]:
    """What is wrong with several settings together."""
    if settings.tls_port is not None and settings.tls_certificate is None:
        yield "--tls-port needs --tls-certificate, which names the server's certificate"
    if settings.tls_port is None and (settings.tls_certificate or settings.tls_client_ca):
        yield "there is a TLS certificate but no --tls-port to listen on"
    if settings.tls_port == settings.port:
        yield f"port {settings.port} is both --port and --tls-port; choose another for one of them"
    if settings.log_rotation is not None and settings.log_file is None:
        yield "--log-rotate needs --log-file, which names the file"


class _Parser(configargparse.ArgumentParser):
    """configargparse without its own printing and exiting; it merges the three sources."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError; configargparse calls this from the handler of what `IniFile.open` raised."""
        cause = sys.exc_info()[1]
        raise cause if isinstance(cause, ConfigError) else ConfigError(message)


@dataclass
class _Merger:
    line: CommandLine
    environ: Mapping[str, str]
    file: IniFile = field(default_factory=IniFile)
    origins: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parser = _parser(self.file)
        # An empty variable is an unset one, as with other daemons: unit files cannot always unset.
        variables = {name: text for name, text in self.environ.items() if text}
        self._namespace = parser.parse_args(self.line.assignments, env_vars=variables)
        self._sources: dict[str, dict[str, Any]] = parser.get_source_to_settings_dict()
        self.problems: list[str] = list(self.file.problems)

    def value(self, row: Option) -> Any:
        """Return the option's value and remember its origin; on a wrong one note the problem."""
        given = getattr(self._namespace, row.name.replace("-", "_"))
        if given is None:
            return _default(row)
        text = ",".join(given) if isinstance(given, list) else given
        origin, label, from_file = self._origin(row)
        self.origins[row.name] = (text, origin)
        try:
            value = row.parse(text)
        except ValueError as error:
            self.problems.append(f"{label}: {error}")
            return _default(row)
        return resolve(text, "") if row.is_path and not from_file else value

    def drivers(self) -> list[tuple[Spec, str]]:
        """Return the file's drivers, then the command line's, with their origins."""
        found = self.file.specs()
        self.problems.extend(problem for problem in self.file.problems if problem not in self.problems)
        for word in self.line.drivers:
            try:
                found.append((parse_driver(word), COMMAND_LINE))
            except ConfigError as error:
                self.problems.append(str(error))
        return found

    def _origin(self, row: Option) -> tuple[str, str, bool]:
        """Return where the value comes from, how an error calls it, and whether that is the file."""
        if any(word.startswith(f"{row.long}=") for word in self.line.assignments):
            return COMMAND_LINE, row.flags, False
        if row.variable in self._sources.get("environment_variables", {}):
            return f"environment {row.variable}", row.variable, False
        origin = self.file.origin(self.file.globals.entries[row.name].line)
        return origin, f"{origin}: {row.name}", True


def _parser(file: IniFile) -> _Parser:
    """Make the parser from the option table; texts stay texts, for `_Merger.value` knows their origin."""
    parser = _Parser(
        add_help=False,
        allow_abbrev=False,
        config_file_parser_class=file,
        config_file_open_func=file.open,
    )
    for row in _READ_OPTIONS:
        parser.add_argument(
            row.long,
            env_var=row.variable,
            action="append" if row.kind is Kind.LIST else "store",
            is_config_file_arg=row is option("config"),
        )
    return parser


def _no_driver_in(config_file: str | None) -> str:
    """Return a last line for the usage, so that nobody wonders whether the file was read."""
    return "" if config_file is None else f"\nThe config file {config_file} names no driver either."


def _default(row: Option) -> Any:
    if not row.default:
        return () if row.name in ("allow", "local-uids") else None
    return row.parse(row.default)
