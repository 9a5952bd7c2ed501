"""What a program holds in its hands: live devices and properties, by name, whatever becomes of the connection."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from indigevent.client import commands
from indigevent.client.events import Subscription
from indigevent.client.model import Blob, Element, EventKind, Property
from indigevent.errors import ClientError
from indigevent.protocol.constants import BlobMode, Permission, PropertyState, SwitchRule, SwitchState, VectorKind
from indigevent.protocol.vectors import NewVector

if TYPE_CHECKING:
    from indigevent.client.client import Client

Condition = PropertyState | Callable[["LiveProperty"], object]
# A driver that never shows that it is busy is taken at its word after this time,
_SETTLED_S = 1.0
# and after this one if it goes on telling, as a parked telescope does that refuses to go anywhere.
_LONGEST_SETTLED_S = 5.0
# What libindi keeps Busy for as long as it goes on, which is not what anybody waits for.
_BUSY_WHILE_ON = frozenset(
    {
        "CCD_COOLER",
        "CCD_VIDEO_STREAM",
        "DOME_MOTION",
        "RECORD_STREAM",
        "TELESCOPE_MOTION_NS",
        "TELESCOPE_MOTION_WE",
        "TELESCOPE_TRACK_STATE",
    }
)


class LiveDevice:
    """A device by its name: `device["PROPERTY"]` waits until it is defined; iteration gives those that are."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"<LiveDevice {self.name}>"

    def __getitem__(self, name: str) -> LiveProperty:
        return self.property(name)

    def __contains__(self, name: str) -> bool:
        return self._client.mirror.find(self.name, name) is not None

    def __iter__(self) -> Iterator[LiveProperty]:
        known = self._client.mirror.devices.get(self.name)
        return iter([LiveProperty(self._client, self.name, name) for name in list(known.properties)] if known else [])

    @property
    def messages(self) -> list[str]:
        """The last 1000 sentences of the driver, with their timestamps."""
        known = self._client.mirror.devices.get(self.name)
        return list(known.messages) if known else []

    @property
    def is_connected(self) -> bool:
        """Whether the driver has connected to its hardware."""
        known = self._client.mirror.find(self.name, "CONNECTION")
        return known is not None and "CONNECT" in known.elements and _is_on(known.elements["CONNECT"])

    def property(self, name: str, timeout: float | None = None) -> LiveProperty:
        """The property, as soon as it is defined; raises ClientError when it is not within `timeout` seconds."""
        found = LiveProperty(self._client, self.name, name)

        def what() -> str:
            there = [each.name for each in self]
            near = difflib.get_close_matches(name, there)
            return f"{self.name} to define {name}; it has {' and '.join(near) or ', '.join(there) or 'nothing'}"

        self._client.wait_until(lambda: name in self, timeout, what, or_gone=False)
        return found

    def connect(self, timeout: float | None = None) -> None:
        """Have the driver connect to its hardware, and wait for that; raises ClientError when it does not."""
        self._set_connection("CONNECT", timeout)

    def disconnect(self, timeout: float | None = None) -> None:
        """Have the driver leave its hardware, and wait for that."""
        self._set_connection("DISCONNECT", timeout)

    def set_blob_mode(self, mode: BlobMode, name: str = "") -> None:
        """Say whether BLOBs of this device, or of one property, are wanted."""
        self._client.set_blob_mode(mode, self.name, name)

    def _set_connection(self, element: str, timeout: float | None) -> None:
        connection = self.property("CONNECTION", timeout)
        if connection[element] is not SwitchState.ON:
            connection.set(element, wait=True, timeout=timeout)


class LiveProperty:
    """A property by its name: attributes and `property["ELEMENT"]` are its present values.

    Raises ClientError when there is no such property (any more).
    """

    def __init__(self, client: Client, device: str, name: str) -> None:
        self.device = device
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"<LiveProperty {self.device}.{self.name}>"

    def __getitem__(self, element: str) -> Any:
        known = self.known
        found = known.elements.get(element)
        if found is None:
            raise self._no_element(known, element)
        return found.value

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.known.elements))

    @property
    def known(self) -> Property:
        """All that is known of it, kept up to date."""
        known = self._client.mirror.find(self.device, self.name)
        if known is None:
            raise ClientError(f"{self.device} has no property {self.name} (any more)")
        return known

    @property
    def elements(self) -> dict[str, Element]:
        """The elements with labels, formats and ranges, by name."""
        return dict(self.known.elements)

    @property
    def value(self) -> Any:
        """The value of the only element, or the name of the only switch that is on (None when none is)."""
        known = self.known
        if known.kind is VectorKind.SWITCH and len(known.elements) > 1:
            on = [name for name, element in list(known.elements.items()) if _is_on(element)]
            if len(on) < 2:
                return on[0] if on else None
        if len(known.elements) != 1:
            raise ClientError(f"{self.device}.{self.name} has several values ({', '.join(known.elements)}); say which")
        return next(iter(known.elements.values())).value

    @property
    def kind(self) -> VectorKind:
        """Text, Number, Switch, Light or BLOB."""
        return self.known.kind

    @property
    def state(self) -> PropertyState:
        """Idle, Ok, Busy or Alert."""
        return self.known.state

    @property
    def perm(self) -> Permission:
        """What clients may do."""
        return self.known.perm

    @property
    def rule(self) -> SwitchRule | None:
        """How many switches may be on; None for other kinds."""
        return self.known.rule

    @property
    def label(self) -> str:
        """For people."""
        return self.known.label

    def set(
        self, value: Any = None, /, *, wait: bool = False, timeout: float | None = None, **values: Any
    ) -> LiveProperty:
        """Ask the driver for new values, and with `wait` for it to say that it has done that.

        Arguments:
            value: of the only element, the name of the switch to switch on, or a mapping of elements to values.
            wait: return when the property is not Busy any more, or shows what was asked for when it is one that
                stays Busy while it goes on, as TELESCOPE_TRACK_STATE does.
            timeout: in seconds; without it the driver may take as long as it keeps telling something, see `wait`.
            values: by element names, `set(RA=5.5, DEC=-10)`.

        Raises ClientError for what the property does not allow, which is then not sent; with `wait` also when it
        becomes Alert, with the driver's last message.
        """
        asked = dict(value) if isinstance(value, Mapping) else {} if value is None else None
        with self._client.lock:
            known = self.known
            asked = commands.single(known, value) if asked is None else asked
            message = commands.command(known, {**asked, **values})
            progress = _Progress(known)
        self._client.command(known, message)
        if wait:
            self._wait_for_answer(message, progress, timeout)
        return self

    def wait(self, condition: Condition = PropertyState.OK, timeout: float | None = None) -> LiveProperty:
        """Wait for a state, or until `condition(property)` is true.

        Without `timeout` the client's applies, or the driver's own for the property if that is longer, anew with each
        sign of life of the property; with it, it is the whole time in seconds.

        Raises ClientError when time is over, the property is deleted, or the server goes away.
        """
        if isinstance(condition, PropertyState):
            wanted = condition
            self._wait(lambda: self.known.state is wanted, timeout, f"to be {wanted.value}")
        else:
            test = condition
            self._wait(lambda: bool(test(self)), timeout, "to be as wanted")
        return self

    def next_blob(self, timeout: float | None = None, element: str = "") -> Blob:
        """The last BLOB that came after the last command to the device and was not taken yet, or the next one to come.

        Whose command brought it about is not told: while others expose with the same camera, it may be theirs.

        Raises ClientError when none comes within `timeout` seconds, or the property is deleted.
        """
        known = self.known
        if known.kind is not VectorKind.BLOB:
            raise ClientError(f"{self.device}.{self.name} sends no BLOBs: it is a {known.kind.value} property")
        if element and element not in known.elements:
            raise self._no_element(known, element)
        self._client.want_blobs(self.device)
        taken: list[Blob] = []

        def take() -> bool:
            blob = self._client.take_blob(self.device, self.name, element)
            taken.extend([blob] if blob else [])
            return bool(taken)

        self._wait(take, timeout, "to send a BLOB")
        return taken[0]

    def events(self, *kinds: EventKind) -> Subscription:
        """What happens to this property from now on."""
        return self._client.events(*kinds, device=self.device, name=self.name)

    def _no_element(self, known: Property, element: str) -> ClientError:
        names = ", ".join(known.elements)
        return ClientError(f"{self.device}.{self.name} has no element {element}; it has {names}")

    def _wait_for_answer(self, message: NewVector, progress: _Progress, timeout: float | None) -> None:
        asked = commands.asked_values(message)
        self._wait(lambda: progress.is_done(self.known, asked), timeout, "to finish", again_s=_SETTLED_S)
        known = self.known
        if known.state is PropertyState.ALERT:
            raise ClientError(f"{self.device}.{self.name} became Alert: {self._reason(known, progress.message)}")

    def _reason(self, known: Property, before: str) -> str:
        """What came with the property may be of an earlier command: many reasons come as messages of their own."""
        said = LiveDevice(self._client, self.device).messages
        last = said[-1] if said else "the driver does not say why"
        is_latest = known.message != before or last.endswith(known.message)
        return known.message if known.message and is_latest else last

    def _wait(self, test: Callable[[], bool], timeout: float | None, what: str, again_s: float | None = None) -> None:
        known = self.known
        patience = max(self._client.timeout, known.timeout if math.isfinite(known.timeout) else 0.0)
        before = LiveDevice(self._client, self.device).messages[-1:]

        def checked_test() -> bool:
            if self._client.mirror.find(self.device, self.name) is not known:
                raise ClientError(f"{self.device}.{self.name} was deleted while waiting for it {what}")
            return test()

        def text() -> str:
            news = [one for one in LiveDevice(self._client, self.device).messages[-1:] if one not in before]
            is_of_property = known.message and all(one.endswith(known.message) for one in news)
            last = known.message if is_of_property else "".join(news)
            said = f", and its driver said last: {last}" if last else ""
            return f"{self.device}.{self.name} {what}; it is {known.state.value}{said}"

        self._client.wait_until(
            checked_test, timeout, text, patience=patience, life=lambda: known.updates, again_s=again_s
        )


class _Progress:
    """How far a driver is with one command: what the property showed since it was sent."""

    def __init__(self, known: Property) -> None:
        self._updates = self._seen = known.updates
        self._busy_updates = known.busy_updates
        self.message = known.message
        self._first_s = self._last_s = 0.0

    def is_done(self, known: Property, asked: Mapping[str, Any]) -> bool:
        """Whether it has answered and is not busy: it was, or has the values, or does not become busy for a while.

        The last is for drivers that tell a property regularly, a telescope its position: one of those messages may
        have been on its way when the command was sent.
        """
        now_s = time.monotonic()
        if known.updates != self._seen:
            self._seen, self._last_s = known.updates, now_s
            self._first_s = self._first_s or now_s
        if known.updates == self._updates:
            return False
        if known.state is PropertyState.BUSY:
            return known.name in _BUSY_WHILE_ON and commands.is_as_asked(known, asked)
        if self._is_answer(known, asked):
            return True
        return now_s - self._last_s >= _SETTLED_S or now_s - self._first_s >= _LONGEST_SETTLED_S

    def _is_answer(self, known: Property, asked: Mapping[str, Any]) -> bool:
        if known.busy_updates != self._busy_updates or known.state is PropertyState.ALERT:
            return True
        return commands.is_as_asked(known, asked) or commands.is_momentary(known, asked)


def _is_on(element: Element) -> bool:
    return element.value is SwitchState.ON
