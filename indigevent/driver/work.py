"""What a device does besides obeying clients, while it is connected: periodic and background methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from indigevent.driver.agenda import Agenda, Timer
from indigevent.driver.concurrency import Concurrency, Flag
from indigevent.errors import DriverError

Method = TypeVar("Method", bound=Callable[..., Any])
_EVERY = "_indi_every"
_BACKGROUND = "_indi_background"
POLL = -1.0


def every(seconds: float) -> Callable[[Method], Method]:
    """Decorate a method that runs in the driver's thread every so many seconds while the device is connected.

    Raises DriverError for an interval that is not positive.
    """
    if seconds <= 0 and seconds != POLL:
        raise DriverError(f"every({seconds}) would leave no time for anything else; give a number of seconds above 0")

    def mark(method: Method) -> Method:
        setattr(method, _EVERY, seconds)
        return method

    return mark


def every_poll(method: Method) -> Method:
    """The same at the pace of the device's POLLING_PERIOD property."""
    return every(POLL)(method)


def background(method: Method) -> Method:
    """Decorate a method that runs in a thread of its own while the device is connected.

    It may block, and is to return when `self.wait(seconds)` says False:
    `while self.wait(1.0): self.temperature.set(CELSIUS=self.port.read())`.
    """
    setattr(method, _BACKGROUND, True)
    return method


def marked(owner: object, mark: str) -> Iterator[tuple[Callable[..., Any], Any]]:
    """The bound methods of an object that carry a mark, with its value; a subclass's method stands for its base's."""
    found: dict[str, Any] = {}
    for one in reversed(type(owner).__mro__):
        found |= {name: getattr(value, mark) for name, value in vars(one).items() if hasattr(value, mark)}
    for name, value in found.items():
        yield getattr(owner, name), value


class Owner(Protocol):
    """Whose methods they are: a device."""

    def report(self, what: str, error: Exception) -> None:
        """Something has failed."""

    def recovered(self, what: str) -> None:
        """It works."""


class Work:
    """The periodic and background methods of one device, from `start` to `stop`.

    Arguments:
        owner: whose methods they are.
        poll_s: the present polling period in seconds.
    """

    def __init__(self, owner: Owner, agenda: Agenda, concurrency: Concurrency, poll_s: Callable[[], float]) -> None:
        self._owner = owner
        self._agenda = agenda
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._timers: dict[str, Timer] = {}
        self._ended = Flag(concurrency)

    def start(self) -> None:
        """Begin: each periodic method runs for the first time at once."""
        for method, seconds in marked(self._owner, _EVERY):
            self._repeat(method, seconds, 0.0)
        for method, _ in marked(self._owner, _BACKGROUND):
            self.spawn(method)

    def stop(self) -> None:
        """No periodic method runs any more, and the others are told by `wait`."""
        self._ended.set()
        for timer in self._timers.values():
            timer.cancel()

    def wait(self, seconds: float) -> bool:
        """Let time pass; False as soon as the work is to end: the calling thread's own, where it is of this device."""
        own = _work_of_thread.get()
        ended = own._ended if own is not None and own._owner is self._owner else self._ended
        return not ended.wait(max(0.0, seconds))

    def spawn(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run a function in a thread of its own, now."""
        name = getattr(function, "__name__", "work")

        def run() -> None:
            _work_of_thread.set(self)
            self._guarded(name, function, *arguments)

        self._concurrency.start(name, run)

    def _repeat(self, method: Callable[[], Any], seconds: float, delay_s: float) -> None:
        def run() -> None:
            self._guarded(method.__name__, method)
            if not self._ended.is_set:
                self._repeat(method, seconds, self._poll_s() if seconds == POLL else seconds)

        self._timers[method.__name__] = self._agenda.after(delay_s, run)

    def _guarded(self, name: str, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception as error:  # the author's code: the device goes on without this
            self._owner.report(name, error)
        else:
            self._owner.recovered(name)


# A thread that is slow to end may still be there when its device has been connected again.
_work_of_thread: ContextVar[Work | None] = ContextVar("work_of_thread", default=None)
