"""A device that is busy while it is connected: periodic and background methods, threads and timers."""

from __future__ import annotations

from indigevent.driver import (
    Device,
    Number,
    NumberVector,
    Switch,
    SwitchVector,
    Wanted,
    background,
    every,
    every_poll,
    polling_period,
    run,
)


def counter(name: str) -> NumberVector:
    return NumberVector(name, Number("COUNT"), perm="ro")


class Worker(Device):
    """Counts what it does."""

    name = "Worker"
    ticks = counter("TICKS")
    polls = counter("POLLS")
    rounds = counter("ROUNDS")
    ended = NumberVector("ENDED", Number("COUNT"), perm="ro", always=True)
    later = counter("LATER")
    failures = counter("FAILURES")
    period = polling_period(20)
    order = SwitchVector(
        "ORDER", *(Switch(each) for each in ("AFTER", "CANCEL", "SPAWN", "FAIL")), rule="AtMostOne", momentary=True
    )

    @every(0.02)
    def tick(self) -> None:
        self.count(self.ticks)

    @every_poll
    def poll(self) -> None:
        self.count(self.polls)

    @every(0.02)
    def fail(self) -> None:
        raise OSError("the thermometer is silent")

    @background
    def go_round(self) -> None:
        while self.wait(0.02):
            self.count(self.rounds)
        self.count(self.ended)

    @order.on_new
    def begin(self, wanted: Wanted) -> None:
        if wanted["AFTER"]:
            self.after(0.02, lambda: self.later.set(COUNT=1))
        elif wanted["CANCEL"]:
            self.after(0.02, lambda: self.later.set(COUNT=2)).cancel()
            self.after(0.04, lambda: self.later.set(COUNT=3))
        elif wanted["SPAWN"]:
            self.spawn(self.hand_over, 4.0)
        else:
            self.after(0.0, lambda: 1 / 0)

    def hand_over(self, count: float) -> None:
        self.call(lambda: self.later.set(COUNT=count))

    def count(self, prop: NumberVector) -> None:
        prop.set(COUNT=prop["COUNT"] + 1)


if __name__ == "__main__":
    run(Worker)
