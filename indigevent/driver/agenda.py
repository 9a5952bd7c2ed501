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
# Locks do not wait for longer than some years.
_LONGEST_WAIT_S = 86400.0


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
        max_waiting: how many tasks may wait before `put` takes no more.
    """

    def __init__(self, concurrency: Concurrency, on_error: Callable[[Exception], None], max_waiting: int) -> None:
        self._on_error = on_error
        self._max_waiting = max_waiting
        self._guard = concurrency.new_lock()
        self._bell = concurrency.new_lock()
        self._tasks: deque[Task] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self.is_stopped = False
        self._is_timers_turn = False

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return len(self._tasks)

    def call(self, task: Task) -> None:
        """Have a task done as soon as those before it are."""
        self._tasks.append(task)
        self._ring()

    def put(self, task: Task) -> bool:
        """The same for what comes from outside, which must not fill the memory; False when too much waits already."""
        if len(self._tasks) >= self._max_waiting:
            return False
        self.call(task)
        return True

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
        """Tasks and due timers in turns, so that neither starves the other."""
        self._is_timers_turn = not self._is_timers_turn
        if self._tasks and not self._is_timers_turn:
            return self._tasks.popleft()
        if timer := self._due_timer():
            return timer.task
        return self._tasks.popleft() if self._tasks else None

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
            wait_s = self._timers[0][0] - time.monotonic() if self._timers else _LONGEST_WAIT_S
        return min(max(0.0, wait_s), _LONGEST_WAIT_S)

    def _ring(self) -> None:
        _release(self._bell)


def _release(bell: Lock) -> None:
    """A lock used as a bell: released by whoever has news, acquired by who waits for them; ringing twice is once."""
    with contextlib.suppress(RuntimeError):
        bell.release()
