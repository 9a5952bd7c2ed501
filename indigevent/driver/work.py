"""What a device does besides obeying clients, while it is connected: periodic and background methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from indigevent.driver.agenda import Agenda, Timer
from indigevent.driver.concurrency import Concurrency, Flag

Method = TypeVar("Method", bound=Callable[..., Any])
_EVERY = "_indi_every"
_BACKGROUND = "_indi_background"
POLL = -1.0


def every(seconds: float) -> Callable[[Method], Method]:
    """Decorate a method that runs in the driver's thread every so many seconds while the device is connected."""

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


class Work:
    """The periodic and background methods of one device, from `start` to `stop`.

    Arguments:
        owner: whose methods they are.
        poll_s: the present polling period in seconds.
        report: told what failed, and the error.
    """

    def __init__(
        self,
        owner: object,
        agenda: Agenda,
        concurrency: Concurrency,
        poll_s: Callable[[], float],
        report: Callable[[str, Exception], None],
    ) -> None:
        self._owner = owner
        self._agenda = agenda
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._report = report
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
        """Let time pass; False as soon as the work is to end."""
        return not self._ended.wait(max(0.0, seconds))

    def spawn(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run a function in a thread of its own, now."""
        name = getattr(function, "__name__", "work")
        self._concurrency.start(name, lambda: self._guarded(name, function, *arguments))

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
            self._report(name, error)
