"""When a driver uses too much: told once each time, the processor only after a while."""

from __future__ import annotations

from indigevent.supervision.limits import LimitWatch, Usage

MB = 1 << 20


def kinds(watch: LimitWatch, *looks: tuple[float, float | None, int | None]) -> list[list[str]]:
    """What each look (seconds, percent, MB) brings up."""
    usages = [(Usage(cpu, None if memory is None else memory * MB), now) for now, cpu, memory in looks]
    return [[excess.kind for excess in watch.judge(usage, now)] for usage, now in usages]


def test_too_much_memory_is_told_once_each_time() -> None:
    looks = [(n, 0.0, memory) for n, memory in enumerate((100, 101, 150, None, 150, 100, 101))]
    assert kinds(LimitWatch(100 * MB, 0), *looks) == [[], ["memory"], [], [], [], [], ["memory"]]


def test_too_much_processor_is_told_after_a_minute_of_it() -> None:
    looks = [(0, 90), (30, 80), (59, 80), (60, 80), (120, 80), (125, 10), (130, 80), (189, 80), (190, 80)]
    found = kinds(LimitWatch(0, 50), *[(now, float(cpu), 1) for now, cpu in looks])
    assert found == [[], [], [], ["cpu"], [], [], [], [], ["cpu"]]


def test_what_is_not_known_or_not_limited_is_never_too_much() -> None:
    assert kinds(LimitWatch(0, 0), (0, 900.0, 9000), (100, 900.0, 9000)) == [[], []]
    assert kinds(LimitWatch(1, 1), (0, None, None), (100, None, None)) == [[], []]


def test_the_sentences_say_how_much_and_which_limit() -> None:
    watch = LimitWatch(100 * MB, 50, patience_s=0.0)
    memory, cpu = watch.judge(Usage(72.4, 150 * MB), 0.0)
    assert memory.text == "uses 150 MB of memory, more than the 100 MB of its max-memory"
    assert cpu.text == "has used 72 % CPU, more than the 50 % of its max-cpu, for 0 s"
