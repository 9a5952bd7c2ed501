"""What would run, and what stands in its way: the answers of `--check-config`."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

from indigevent.config.load import Configuration
from indigevent.config.settings import Settings
from indigevent.errors import ConfigError
from indigevent.executables import way_out
from indigevent.routing.access import AccessRule
from indigevent.supervision.specs import DriverSpec, RemoteSpec, Spec

_IMPORT = "import importlib, sys; getattr(importlib.import_module(sys.argv[1]), sys.argv[2])"


def describe(configuration: Configuration, environ: Mapping[str, str]) -> list[str]:
    """Return lines that say what would run: listeners, drivers with paths, remotes, and values' origins."""
    settings = configuration.settings
    lines = [f"listen: {_address(host)} port {settings.port}" for host in settings.hosts]
    lines.append(f"listen: local socket {settings.local_socket}")
    if settings.tls_port is not None:
        hosts = settings.hosts if settings.tls_hosts is None else settings.tls_hosts
        lines.extend(f"listen: {_address(host)} port {settings.tls_port} with TLS" for host in hosts)
    if settings.metrics is not None:
        lines.append(f"listen: {_address(settings.metrics.host)} port {settings.metrics.port} for HTTP")
    lines.extend(_describe_rule(rule) for rule in settings.access)
    for spec, origin in zip(settings.drivers, configuration.driver_origins, strict=True):
        lines.append(f"{_describe(spec, settings, environ)} ({origin})")
    if settings.fifo is not None:
        lines.append(f"commands: FIFO {settings.fifo}")
    lines.extend(f"set: {name} = {text} ({origin})" for name, (text, origin) in configuration.origins.items())
    return lines


def findings(configuration: Configuration, environ: Mapping[str, str]) -> list[str]:
    """Return one sentence per thing that is wrong: what loading found, and drivers that cannot be found."""
    settings = configuration.settings
    found = list(configuration.problems)
    for spec, origin in zip(settings.drivers, configuration.driver_origins, strict=True):
        try:
            if isinstance(spec, DriverSpec):
                locate(spec, settings, environ)
        except ConfigError as error:
            found.append(f"{origin}: {error}")
    found.extend(_file_findings(settings))
    if not found and not settings.drivers and settings.fifo is None:
        found.append("nothing to run: name a driver, here or in the config file, or a FIFO")
    return found


def _file_findings(settings: Settings) -> Iterator[str]:
    """Files that cannot be read, and folders that are not there."""
    pem = {
        "tls-certificate": settings.tls_certificate,
        "tls-key": settings.tls_key,
        "tls-client-ca": settings.tls_client_ca,
    }
    for name, path in pem.items():
        if path is not None and not os.access(path, os.R_OK):
            yield f"{name}: {path} cannot be read"
    for name, path in (("fifo", settings.fifo), ("log-file", settings.log_file)):
        if path is not None and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            yield f"{name}: the folder of {path} does not exist"
    if settings.islog_dir is not None and not os.path.isdir(settings.islog_dir):
        yield f"islog: there is no folder {settings.islog_dir}"


def locate(spec: DriverSpec, settings: Settings, environ: Mapping[str, str]) -> str:
    """Return the path of the executable, or the Python class; raise ConfigError when it cannot be found."""
    variables = spec.process_environment(environ, fifo=settings.fifo is not None)
    if spec.python_class is not None:
        return _locate_class(spec, spec.python_class, variables)
    search = variables.get("PATH", os.defpath)
    path = shutil.which(spec.executable, path=search)
    if path is not None:
        return path
    if "/" not in spec.executable:
        sought = f"no executable {spec.executable!r} in PATH ({search})"
        raise ConfigError(f"driver {spec.name!r}: {sought}; {way_out(spec.executable, search)}")
    reason = "is not executable" if os.path.exists(spec.executable) else "does not exist"
    raise ConfigError(f"driver {spec.name!r}: {spec.executable} {reason}; {way_out(spec.executable, search)}")


def _locate_class(spec: DriverSpec, target: str, variables: Mapping[str, str]) -> str:
    """Try the import as the driver's own process will make it: in this folder, with these variables."""
    module, _, name = target.partition(":")
    words = [sys.executable, "-c", _IMPORT, module, name]
    tried = subprocess.run(words, check=False, env={**variables}, capture_output=True, text=True)
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["for no stated reason"])[-1]
        raise ConfigError(f"driver {spec.name!r}: class {name} of module {module} cannot be imported, {reason}")
    return target


def _describe(spec: Spec, settings: Settings, environ: Mapping[str, str]) -> str:
    if isinstance(spec, RemoteSpec):
        device = spec.device or "all devices"
        return f"remote {spec.name}: {device} of {_address(spec.host)} port {spec.port}"
    try:
        where = locate(spec, settings, environ)
    except ConfigError:
        return f"driver {spec.name}: {spec.executable}, not found"
    return f"driver {spec.name}: {shlex.join((where, *spec.arguments))}"


def _describe_rule(rule: AccessRule) -> str:
    allowed = "turned away" if rule.deny else "may watch only" if rule.read_only else "may command"
    devices = f", devices {', '.join(rule.devices)}" if rule.devices else ""
    return f"access {rule.name}: {allowed}{devices}"


def _address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
