"""A device whose properties follow a model: they are told when they differ from what they say already, and in time.

What a model does is looked at once per POLLING_PERIOD, after each command, and at the moment when the model says that
something ends: a guide pulse of 50 ms is over for its client after 50 ms.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator, Mapping
from typing import Any

from indigevent.driver import Device, PropertyState, every_poll, polling_period
from indigevent.driver.agenda import Timer
from indigevent.driver.commands import AnyProperty

Shown = tuple[AnyProperty, Mapping[str, Any], PropertyState]


class FollowingDevice(Device, abc.ABC):
    """A device with a model. A subclass says what its properties are to show.

    Class attributes:
        noticeable: by element, how much a number has to change before clients are told; 0 when it is not named.
    """

    noticeable: Mapping[str, float] = {}
    polling = polling_period()

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._alarm: Timer | None = None

    def advance(self, now: float) -> None:
        """Have the model do what it does by itself until `now`."""

    @abc.abstractmethod
    def picture(self, now: float) -> Iterator[Shown]:
        """Give properties with the values and states that the model has at `now`."""

    @abc.abstractmethod
    def next_event(self, now: float) -> float | None:
        """Return when the next thing ends that the model does, if anything does."""

    def connect(self) -> None:
        """Show what the model does before clients see the properties."""
        self._show(time.monotonic())

    def disconnect(self) -> None:
        """Look no more."""
        if self._alarm is not None:
            self._alarm.cancel()

    def follow(self, asked: AnyProperty | None = None) -> None:
        """Tell what has changed; the property that a client has asked something of is told in any case."""
        now = time.monotonic()
        self._show(now, asked)
        self._wake_at(self.next_event(now))

    @every_poll
    def _look(self) -> None:
        self.follow()

    def _show(self, now: float, asked: AnyProperty | None = None) -> None:
        self.advance(now)
        for prop, values, state in self.picture(now):
            if prop is asked or prop.state is not state or self._differs(prop, values):
                prop.set(values, state=state)

    def _differs(self, prop: AnyProperty, values: Mapping[str, Any]) -> bool:
        return any(abs(prop[name] - value) > self.noticeable.get(name, 0) for name, value in values.items())

    def _wake_at(self, event: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self.after(event - time.monotonic(), self.follow) if event is not None else None
