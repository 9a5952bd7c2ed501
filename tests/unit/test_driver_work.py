"""The agenda of a driver's thread, and the work of a device while it is connected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from indigevent.driver.agenda import Agenda
from indigevent.driver.concurrency import Flag, standard
from indigevent.driver.work import Work, background, every, every_poll, marked
from indigevent.errors import DriverError

DEADLINE_S = 10.0


class Running:
    """An agenda, run by a thread of its own."""

    def __init__(self, max_waiting: int = 1000) -> None:
        self.errors: list[Exception] = []
        self.agenda = Agenda(standard(), self.errors.append, max_waiting)
        self.thread = threading.Thread(target=self.agenda.run)
        self.thread.start()

    def settle(self) -> None:
        """Return when all that was asked for before is done."""
        done = threading.Event()
        self.agenda.call(done.set)
        assert done.wait(DEADLINE_S)

    def stop(self) -> None:
        self.agenda.stop()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.stop()


def test_tasks_are_done_in_order_and_a_failure_is_its_own(running: Running) -> None:
    done: list[int] = []
    for number in range(3):
        running.agenda.call(lambda number=number: done.append(1 // (number - 1)))
    running.settle()
    assert done == [-1, 1]
    assert [type(error) for error in running.errors] == [ZeroDivisionError]


def test_timers_are_done_in_the_order_in_which_they_are_due(running: Running) -> None:
    done: list[str] = []
    last = threading.Event()
    running.agenda.after(0.05, last.set)
    running.agenda.after(0.03, lambda: done.append("later"))
    running.agenda.after(0.01, lambda: done.append("sooner"))
    running.agenda.after(0.02, lambda: done.append("never")).cancel()
    running.agenda.call(lambda: done.append("now"))
    assert last.wait(DEADLINE_S)
    assert done == ["now", "sooner", "later"]


def test_an_earlier_timer_wakes_who_waits_for_a_later_one(running: Running) -> None:
    rung = threading.Event()
    running.agenda.after(3600, lambda: None)
    running.settle()
    running.agenda.after(0.01, rung.set)
    assert rung.wait(DEADLINE_S)


def test_put_takes_no_more_than_may_wait() -> None:
    running = Running(max_waiting=2)
    entered, leave = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        leave.wait(DEADLINE_S)

    running.agenda.call(block)
    assert entered.wait(DEADLINE_S)
    assert [running.agenda.put(lambda: None) for _ in range(3)] == [True, True, False]
    leave.set()
    running.settle()
    assert running.agenda.put(lambda: None)
    running.stop()


def test_timers_that_are_always_due_do_not_keep_tasks_from_their_turn(running: Running) -> None:
    def again() -> None:
        running.agenda.after(0, again)

    again()
    running.settle()


def test_far_timers_are_waited_for(running: Running) -> None:
    running.agenda.after(1e12, lambda: None)
    running.settle()
    assert running.errors == []


def test_an_interval_has_to_be_positive() -> None:
    with pytest.raises(DriverError, match="above 0"):
        every(0)


def test_a_flag_is_seen_by_all_who_wait() -> None:
    flag = Flag(standard())
    assert not flag.wait(0.01)
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(flag.wait(DEADLINE_S))) for _ in range(3)]
    for thread in threads:
        thread.start()
    flag.set()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert (seen, flag.wait(0), flag.is_set) == ([True] * 3, True, True)


# Work


class Owner:
    """Something with work to do."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.reports: list[str] = []
        self.ticks = 0
        self.ticked = threading.Event()
        self.rounds = 0
        self.entered, self.leave, self.left = threading.Event(), threading.Event(), threading.Event()

    def work(self) -> Work:
        return Work(self, self.running.agenda, standard(), lambda: 0.01)

    def report(self, what: str, error: Exception) -> None:
        self.reports.append(what)

    def recovered(self, what: str) -> None:
        """Nothing to do."""

    @every(0.01)
    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            self.ticked.set()

    @every_poll
    def poll(self) -> None:
        raise OSError("no answer")


class Slow(Owner):
    """Its background method is held up."""

    present: Work

    @background
    def go_round(self) -> None:
        self.entered.set()
        self.leave.wait(DEADLINE_S)
        while self.present.wait(0.01):
            self.rounds += 1
        self.left.set()


class Quiet(Owner):
    """Overrides its base's periodic method by one that is not periodic."""

    def tick(self) -> None:
        """Nothing."""


def test_marks_are_found_on_the_method_that_is_called() -> None:
    owner = Quiet(None)  # type: ignore[arg-type]
    assert [method.__name__ for method, _ in marked(owner, "_indi_every")] == ["tick", "poll"]
    assert next(marked(owner, "_indi_every"))[0] == owner.tick


def test_periodic_methods_run_until_the_work_is_stopped(running: Running) -> None:
    owner = Owner(running)
    work = owner.work()
    work.start()
    assert owner.ticked.wait(DEADLINE_S)
    running.agenda.call(work.stop)
    running.settle()
    ticks = owner.ticks
    later = threading.Event()
    running.agenda.after(0.05, later.set)
    assert later.wait(DEADLINE_S)
    assert owner.ticks == ticks
    assert set(owner.reports) == {"poll"}


def wait_for(condition: Callable[[], bool], running: Running) -> None:
    """Wait until a condition is true, by looking every 10 ms."""
    met = threading.Event()

    def look() -> None:
        if condition():
            met.set()
        else:
            running.agenda.after(0.01, look)

    running.agenda.call(look)
    assert met.wait(DEADLINE_S)


def test_a_thread_that_outlives_its_work_ends_beside_the_next_one(running: Running) -> None:
    owner = Slow(running)
    first = owner.present = owner.work()
    first.start()
    assert owner.entered.wait(DEADLINE_S)
    first.stop()
    second = owner.present = owner.work()
    owner.leave.set()
    assert owner.left.wait(DEADLINE_S)
    assert owner.rounds == 0
    second.start()
    wait_for(lambda: owner.rounds > 2, running)
    second.stop()
