"""What an operator can have the server do, by the commands of the control socket."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from indigevent.errors import ConfigError, IndiError
from indigevent.logs import log, shown
from indigevent.server.operating.events import Events
from indigevent.server.operating.status import Status, Statuses
from indigevent.supervision.specs import DriverSpec, Spec, parse_driver

Request = Mapping[str, Any]
Answer = dict[str, Any]
_ENDED = ("FATAL", "STOPPING", "STOPPED")
_MAX_LOG_LEVEL = 3
_ARGUMENTS = ("driver", "number", "level")


class Drivers(Statuses, Protocol):
    """The drivers and remotes; every method raises DriverError with a sentence when it cannot be done."""

    def start(self, spec: Spec, is_configured: bool) -> None:
        """Start one that was not known; a reload stops those that `is_configured`, and are so no more."""

    def stop(self, name: str) -> str:
        """End one and start it no more; returns its name, for which `name` may be that of its device."""

    def restart(self, name: str) -> str:
        """End one and start it again; returns its name."""

    def reset(self, name: str) -> str:
        """Start one that has ended for good, with a fresh count of restarts; returns its name."""


class Clients(Statuses, Protocol):
    """The clients."""

    def disconnect(self, number: int, reason: str) -> None:
        """Close one; raises IndiError with a sentence when there is no such client."""


class Operations:
    """Carries out requests.

    Arguments:
        status: what is shown.
        drivers, clients: what is acted upon.
        events: where outcomes are kept.
        environment: the variables of drivers, for their PATH.
        set_log_level: gets 0 to 3, the number of -v.
        reload: reads the configuration again; returns a sentence, or raises IndiError with one.
    """

    def __init__(
        self,
        status: Status,
        drivers: Drivers,
        clients: Clients,
        events: Events,
        environment: Mapping[str, str],
        set_log_level: Callable[[int], None],
        reload: Callable[[], str],
    ) -> None:
        self._status = status
        self._drivers = drivers
        self._clients = clients
        self._events = events
        self._environment = environment
        self._set_log_level = set_log_level
        self._reload = reload
        self._views: dict[str, Callable[[], Answer]] = {
            "status": lambda: {"status": self._status.snapshot()},
            "clients": lambda: {"clients": self._clients.statuses()},
            "events": lambda: {"events": self._events.listed()},
        }
        self._actions: dict[str, Callable[[Request], str]] = {
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "reset": self._reset,
            "disconnect": self._disconnect,
            "log-level": self._change_log_level,
            "reload": lambda _: self._reload(),
        }

    def execute(self, request: Request, by: str) -> Answer:
        """Do what is asked for.

        Arguments:
            request: an object with `command` and what that needs: `driver`, `number` or `level`.
            by: who asks, for the events.

        Raises IndiError with a sentence when that cannot be done.
        """
        command = request.get("command")
        if not isinstance(command, str) or command not in (*self._views, *self._actions):
            known = " ".join([*self._views, *self._actions])
            raise ConfigError(f"command {shown(repr(command))} is not known; there are {known}")
        if command in self._views:
            return self._views[command]()
        return {"text": self._act(command, request, by)}

    def _act(self, command: str, request: Request, by: str) -> str:
        wanted = shown(" ".join([command, *(str(request[key]) for key in _ARGUMENTS if key in request)]))
        try:
            outcome = self._actions[command](request)
        except IndiError as error:
            log.warning("control: %s asked for: %s; refused: %s", by, wanted, error)
            self._events.record(by, wanted, str(error), ok=False)
            raise
        log.warning("control: %s asked for: %s; %s", by, wanted, outcome)
        self._events.record(by, wanted, outcome)
        return outcome

    def _start(self, request: Request) -> str:
        """Start a driver that has ended, or a new one."""
        name = _text(request, "driver")
        states = [row["state"] for row in self._drivers.statuses() if name in (row["name"], row["command"])]
        if any(state in _ENDED for state in states):
            self._drivers.reset(name)
        elif states:
            raise ConfigError(f"driver {name} is {states[0]} already; restart would end it and start it again")
        else:
            self._drivers.start(self._new(name), is_configured=False)
        return f"driver {name} is started"

    def _new(self, text: str) -> Spec:
        """A driver that nobody has named before; most probably a slip when there is no such program."""
        spec = parse_driver(text)
        if isinstance(spec, DriverSpec) and spec.python_class is None:
            path = self._environment.get("PATH")
            if shutil.which(spec.executable, path=path) is None:
                raise ConfigError(f"there is neither a driver {text} here nor a program of that name to start")
        return spec

    def _stop(self, request: Request) -> str:
        name = self._drivers.stop(_text(request, "driver"))
        return f"driver {name} is told to stop"

    def _restart(self, request: Request) -> str:
        name = self._drivers.restart(_text(request, "driver"))
        return f"driver {name} is restarted"

    def _reset(self, request: Request) -> str:
        name = self._drivers.reset(_text(request, "driver"))
        return f"driver {name} is started, its restarts are forgotten"

    def _disconnect(self, request: Request) -> str:
        number = _number(request, "number")
        self._clients.disconnect(number, "an operator disconnected it")
        return f"client {number} is disconnected"

    def _change_log_level(self, request: Request) -> str:
        level = _number(request, "level")
        if not 0 <= level <= _MAX_LOG_LEVEL:
            raise ConfigError(f"log level {level} is not known; there are 0, 1, 2 and 3, as with -v, -vv and -vvv")
        self._set_log_level(level)
        return f"the log level is {level}"


def _text(request: Request, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ConfigError(f"{key} has to be a name, not {shown(repr(value))}")
    return value


def _number(request: Request, key: str) -> int:
    value = request.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"{key} has to be a number, not {shown(repr(value))}")
    return value
