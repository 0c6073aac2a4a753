"""The judge of the soak test finds a planted leak, and is not misled by warm-up, saw-teeth and noise."""

from collections.abc import Callable
from random import Random

import pytest

from tests.soak.allowances import ALLOWANCES
from tests.soak.judge import MIB, Allowance, Growth, Sample, judge

MEMORY = Allowance(pattern="*.memory", each=512, noise=3 * MIB)
TASKS_A_SAMPLE = 100


def judged(level: Callable[[int], float], *, samples: int = 60, allowance: Allowance = MEMORY) -> Growth:
    """`level` gives the gauge by the number of tasks that have ended."""
    series = [
        Sample(seconds=5.0 * n, tasks=n * TASKS_A_SAMPLE, gauges={"coordinator.memory": level(n * TASKS_A_SAMPLE)})
        for n in range(samples)
    ]
    [found] = judge(series, [allowance])
    return found


def test_one_kept_object_a_task_is_found() -> None:
    random = Random(1)
    found = judged(lambda tasks: 60 * MIB + 2500 * tasks + random.uniform(-MIB, MIB))
    assert found.grows
    assert found.per_thousand == pytest.approx(2_500_000, rel=0.3)


def test_a_steady_level_does_not_grow_whatever_its_noise() -> None:
    random = Random(1)
    assert not judged(lambda _tasks: 60 * MIB + random.uniform(-2 * MIB, 2 * MIB)).grows


def test_what_the_first_third_fills_is_warm_up() -> None:
    assert not judged(lambda tasks: min(tasks, 1500) * 20_000).grows


def test_a_saw_tooth_is_judged_by_its_level() -> None:
    assert not judged(lambda tasks: tasks % 700 * 10_000, allowance=Allowance(pattern="*", noise=MIB)).grows


def test_a_saw_tooth_whose_teeth_grow_is_found() -> None:
    assert judged(lambda tasks: tasks % 700 * 10_000 + tasks * 1_000, allowance=Allowance(pattern="*", noise=MIB)).grows


def test_a_single_handle_that_stays_open_every_hundred_tasks_is_found() -> None:
    assert judged(lambda tasks: 40 + tasks // 100, allowance=Allowance(pattern="*", noise=8)).grows


def test_what_is_bounded_by_a_limit_may_not_pass_it_even_once() -> None:
    limit = Allowance(pattern="*", each=1e9, most=1000)
    found = judged(lambda tasks: 1001 if tasks == 300 else 10, allowance=limit)
    assert found.overflows
    assert not judged(lambda _tasks: 1000, allowance=limit).overflows


def test_a_gauge_that_was_not_read_now_and_then_is_judged_by_the_rest() -> None:
    series = [Sample(seconds=n, tasks=n, gauges={"a.memory": 5.0} if n % 3 else {"b.memory": 7.0}) for n in range(30)]
    assert [found.gauge for found in judge(series, [MEMORY])] == ["a.memory", "b.memory"]


def test_too_few_samples_are_no_verdict() -> None:
    with pytest.raises(ValueError, match="too few"):
        judged(lambda _tasks: 1, samples=8)


def test_a_run_in_which_nothing_ended_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no task ended"):
        judge([Sample(seconds=n, tasks=7, gauges={}) for n in range(30)], [MEMORY])


def test_a_gauge_that_nobody_allowed_for_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        judged(lambda _tasks: 1, allowance=Allowance(pattern="disk.*"))


def test_the_allowances_find_a_bare_record_of_each_task_in_what_ci_runs() -> None:
    """Four minutes, 70 tasks a second, 0.66 KB each: so much took a planted list of tasks in the coordinator."""
    series = [
        Sample(
            seconds=n * 3,
            tasks=n * 210,
            gauges={f"{name}.memory": 60.0 * MIB + 660 * n * 210 for name in ("coordinator", "gateway")},
        )
        for n in range(80)
    ]
    assert all(found.grows for found in judge(series, ALLOWANCES))
