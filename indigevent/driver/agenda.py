"""The agenda of a driver's one thread: what is to be done now, in order, and what is due later."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable

from indigevent.driver.concurrency import Concurrency, Lock

Task = Callable[[], object]


class Timer:
    """Something that is due at `at` of `time.monotonic()`, unless it is cancelled before."""

    def __init__(self, at: float, task: Task) -> None:
        self.at = at
        self.task = task
        self.is_cancelled = False

    def cancel(self) -> None:
        """Have it not done."""
        self.is_cancelled = True


class Agenda:
    """Tasks come from any thread; `run` does them in the thread that calls it.

    Arguments:
        concurrency: what locks are made of.
        on_error: told of each exception that a task raises; then the next task has its turn.
        max_waiting: how many tasks `put` lets wait before it makes its caller wait.
    """

    def __init__(self, concurrency: Concurrency, on_error: Callable[[Exception], None], max_waiting: int) -> None:
        self._on_error = on_error
        self._max_waiting = max_waiting
        self._guard = concurrency.new_lock()
        self._bell = concurrency.new_lock()
        self._room = concurrency.new_lock()
        self._tasks: deque[Task] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self.is_stopped = False

    def call(self, task: Task) -> None:
        """Have a task done as soon as those before it are."""
        self._tasks.append(task)
        self._ring()

    def put(self, task: Task) -> None:
        """The same for who must not fill the memory: waits while too many tasks wait already."""
        while len(self._tasks) >= self._max_waiting and not self.is_stopped:
            self._room.acquire()
        self.call(task)

    def after(self, delay_s: float, task: Task) -> Timer:
        """Have a task done in `delay_s` seconds."""
        timer = Timer(time.monotonic() + delay_s, task)
        with self._guard:
            heapq.heappush(self._timers, (timer.at, next(self._numbers), timer))
        self._ring()
        return timer

    def stop(self) -> None:
        """Have `run` return after the task that it is at."""
        self.is_stopped = True
        self._ring()
        _release(self._room)

    def run(self) -> None:
        """Do what comes, until `stop`."""
        while not self.is_stopped:
            task = self._next_task()
            if task is None:
                self._bell.acquire(timeout=self._wait_s())
                continue
            try:
                task()
            except Exception as error:  # a task's failure is its own, the agenda goes on
                self._on_error(error)

    def _next_task(self) -> Task | None:
        if timer := self._due_timer():
            return timer.task
        if not self._tasks:
            return None
        task = self._tasks.popleft()
        if len(self._tasks) < self._max_waiting:
            _release(self._room)
        return task

    def _due_timer(self) -> Timer | None:
        now = time.monotonic()
        with self._guard:
            while self._timers and (self._timers[0][2].is_cancelled or self._timers[0][0] <= now):
                timer = heapq.heappop(self._timers)[2]
                if not timer.is_cancelled:
                    return timer
        return None

    def _wait_s(self) -> float:
        with self._guard:
            return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else -1

    def _ring(self) -> None:
        _release(self._bell)


def _release(bell: Lock) -> None:
    """A lock used as a bell: released by whoever has news, acquired by who waits for them; ringing twice is once."""
    with contextlib.suppress(RuntimeError):
        bell.release()
