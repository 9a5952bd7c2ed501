"""Restarts and reconnections: how often, and after how long."""

from __future__ import annotations

import pytest

from indigevent.supervision.policy import Flood, ReconnectPolicy, Restart, RestartPolicy

STABLE_S = 60.0


def delays(policy: RestartPolicy, runs: int, uptime_s: float = 0.0) -> list[float | None]:
    exits = [policy.after_exit(uptime_s) for _ in range(runs)]
    return [restart.delay_s if restart else None for restart in exits]


def test_each_delay_is_twice_the_one_before() -> None:
    assert delays(RestartPolicy(5, 0.5, STABLE_S), 6) == [0.5, 1.0, 2.0, 4.0, 8.0, None]


def test_delays_end_growing_at_a_minute() -> None:
    assert delays(RestartPolicy(10, 1.0, STABLE_S), 10) == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_restarts_are_numbered_from_zero() -> None:
    policy = RestartPolicy(3, 1.0, STABLE_S)
    exits = [policy.after_exit(0.0) for _ in range(4)]
    assert exits == [Restart(0, 1.0), Restart(1, 2.0), Restart(2, 4.0), None]


@pytest.mark.parametrize("restarts", [0, -1])
def test_without_restarts_the_first_exit_is_the_last(restarts: int) -> None:
    assert delays(RestartPolicy(restarts, 1.0, STABLE_S), 2) == [None, None]
    assert RestartPolicy(restarts, 1.0, STABLE_S).after_exit(STABLE_S) is None


def test_the_limit_stays_reached() -> None:
    policy = RestartPolicy(1, 1.0, STABLE_S)
    assert delays(policy, 4) == [1.0, None, None, None]
    assert policy.restarts == 1


def test_a_stable_run_forgives() -> None:
    policy = RestartPolicy(2, 1.0, STABLE_S)
    assert delays(policy, 2) == [1.0, 2.0]
    assert policy.after_exit(STABLE_S) == Restart(0, 1.0)
    assert delays(policy, 2) == [2.0, None]


def test_a_driver_that_runs_stable_between_exits_is_restarted_for_ever() -> None:
    assert set(delays(RestartPolicy(1, 1.0, STABLE_S), 100, uptime_s=STABLE_S + 1)) == {1.0}


@pytest.mark.parametrize("uptime_s", [0.0, 1.0, STABLE_S - 0.001])
def test_a_shorter_run_does_not_forgive(uptime_s: float) -> None:
    assert delays(RestartPolicy(2, 1.0, STABLE_S), 3, uptime_s) == [1.0, 2.0, None]


def test_no_delay_stays_none() -> None:
    assert delays(RestartPolicy(3, 0.0, STABLE_S), 3) == [0.0, 0.0, 0.0]


def test_limit_far_beyond_any_delay() -> None:
    assert delays(RestartPolicy(5000, 0.5, STABLE_S), 5001)[-2:] == [60.0, None]


def test_a_long_first_delay_is_kept() -> None:
    assert delays(RestartPolicy(3, 120.0, STABLE_S), 3) == [120.0, 120.0, 120.0]


def test_reconnection_delays_grow_to_a_minute_for_ever() -> None:
    policy = ReconnectPolicy(1.0)
    assert [policy.delay_s() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert {policy.delay_s() for _ in range(5000)} == {60.0}


def test_a_remote_that_was_reached_starts_small_again() -> None:
    policy = ReconnectPolicy(0.5)
    assert [policy.delay_s() for _ in range(3)] == [0.5, 1.0, 2.0]
    policy.reached()
    assert [policy.delay_s() for _ in range(2)] == [0.5, 1.0]
    policy.reached()
    policy.reached()
    assert policy.delay_s() == 0.5


def test_reconnection_starts_after_a_second() -> None:
    assert ReconnectPolicy().delay_s() == 1.0


def test_a_random_part_makes_delays_up_to_a_fifth_longer() -> None:
    assert delays(RestartPolicy(3, 1.0, STABLE_S, lambda: 1.0), 3) == [1.2, 2.4, 4.8]
    assert delays(RestartPolicy(1, 100.0, STABLE_S, lambda: 0.5), 1) == [pytest.approx(110.0)]
    assert ReconnectPolicy(1.0, lambda: 1.0).delay_s() == 1.2


def test_the_restarts_that_count_are_forgotten_while_a_run_is_stable() -> None:
    policy = RestartPolicy(5, 1.0, 10.0)
    delays(policy, 3)
    assert (policy.done_after(9.9), policy.done_after(10.0)) == (3, 0)


def test_a_hundred_faults_in_ten_seconds_are_a_flood() -> None:
    slow, fast, whole = Flood(), Flood(), Flood()
    assert not any(slow.note(1, n * 0.2) for n in range(500))
    assert [fast.note(1, n * 0.05) for n in range(101)] == [False] * 99 + [True] * 2
    assert whole.note(1000, 5.0)
    assert not whole.note(1, 15.1)
