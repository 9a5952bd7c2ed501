"""A device's saved properties in a file that libindi's drivers understand: `newXXXVector`s in an INDIDriver element.

The file is what the environment's INDICONFIG names (a server's `-c` sets it), else ~/.indi/<device>_config.xml. Beside
it lies FILE.default, a copy of what was saved first.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from indigevent.driver.properties import NumberVector, Property, SwitchVector, TextVector
from indigevent.errors import DriverError, ProtocolError
from indigevent.protocol import codec
from indigevent.protocol.constants import SwitchState
from indigevent.protocol.vectors import (
    NewNumberVector,
    NewSwitchVector,
    NewTextVector,
    NewVector,
    OneNumber,
    OneSwitch,
    OneText,
)

_ROOT = "INDIDriver"
_log = logging.getLogger("indigevent.driver")


class ConfigFile:
    """The file of one device.

    Arguments:
        device: its name.
        environment: where INDICONFIG and HOME are looked up.
    """

    def __init__(self, device: str, environment: Mapping[str, str]) -> None:
        own = Path(environment.get("HOME", "~")).expanduser() / ".indi" / f"{device.replace('/', '_')}_config.xml"
        self._device = device
        self.path = Path(environment.get("INDICONFIG") or own)
        self._default = self.path.with_name(self.path.name + ".default")

    def exists(self) -> bool:
        """Whether anything was saved, or cannot be looked for."""
        try:
            return self.path.is_file()
        except OSError:
            return True

    def save(self, properties: Iterable[Property]) -> None:  # type: ignore[type-arg]
        """Write the values of properties; raises DriverError when that cannot be done.

        What the file has of other devices stays: they may share it.
        """
        own = [_as_new(each) for each in properties]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, [*self._of_others(self.path), *own])
            if not any(command.device == self._device for command in _read_if_there(self._default)):
                _replace(self._default, [*self._of_others(self._default), *own])
        except OSError as error:
            raise DriverError(f"{self.path} cannot be written: {error.strerror}") from None

    def _of_others(self, path: Path) -> list[NewVector]:
        return [command for command in _read_if_there(path) if command.device != self._device]

    def load(self) -> list[NewVector]:
        """What was saved last, as the commands that bring it back; raises DriverError when that cannot be read."""
        return _read(self.path)

    def load_default(self) -> list[NewVector]:
        """What was saved first."""
        return _read(self._default)

    def purge(self) -> None:
        """Forget what was saved of this device."""
        others = self._of_others(self.path)
        try:
            if others:
                _replace(self.path, others)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise DriverError(f"{self.path} cannot be removed: {error.strerror}") from None


def _read(path: Path) -> list[NewVector]:
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise DriverError(f"{path} cannot be read: {error.strerror}") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DriverError(f"{path} is not a configuration: {error}; save it again") from None
    return [command for child in root if (command := _command(path, child)) is not None]


def _read_if_there(path: Path) -> list[NewVector]:
    with contextlib.suppress(DriverError):
        return _read(path)
    return []


def _command(path: Path, child: ElementTree.Element) -> NewVector | None:
    try:
        content = codec.parse(ElementTree.tostring(child))
    except ProtocolError as error:
        raise DriverError(f"{path} is not a configuration: {error}; save it again") from None
    if isinstance(content, NewNumberVector):
        return _finite(path, content)
    return content if isinstance(content, NewVector) else None


def _finite(path: Path, command: NewNumberVector) -> NewNumberVector:
    """Without what libindi saves of a number that its driver did not know, which can be neither obeyed nor written."""
    finite = tuple(each for each in command.elements if math.isfinite(each.value))
    if len(finite) < len(command.elements):
        _log.warning("%s: %s.%s is read without its nan and inf", path, command.device, command.name)
    return replace(command, elements=finite)


def _replace(path: Path, commands: Iterable[NewVector]) -> None:
    """All or nothing: a file that is cut off in the middle would lose what was saved before."""
    lines = [codec.to_bytes(each) for each in commands]
    text = b"\n".join([f"<{_ROOT}>".encode(), *lines, f"</{_ROOT}>".encode(), b""])
    new = path.with_name(path.name + ".new")
    new.write_bytes(text)
    os.replace(new, path)


def _as_new(prop: Property) -> NewVector:  # type: ignore[type-arg]
    about = {"device": prop.device, "name": prop.name}
    if isinstance(prop, TextVector):
        return NewTextVector(**about, elements=tuple(OneText(*item) for item in prop.values.items()))
    if isinstance(prop, NumberVector):
        return NewNumberVector(**about, elements=tuple(OneNumber(*item) for item in prop.values.items()))
    if isinstance(prop, SwitchVector):
        switches = (OneSwitch(name, SwitchState.ON if on else SwitchState.OFF) for name, on in prop.values.items())
        return NewSwitchVector(**about, elements=tuple(switches))
    raise DriverError(f"{prop.name} cannot be saved: it is a {prop.kind.value} property")
