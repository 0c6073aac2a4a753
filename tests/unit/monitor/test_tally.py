"""What one end adds."""

import pytest

from bus.messages import TaskStatus, Timings, Usage
from monitor.tally import Tally, tally
from tests.unit.monitor.events import task_event


def test_a_step_on_the_way_adds_nothing() -> None:
    assert tally(task_event(TaskStatus.QUEUED).data) == Tally()


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELLED])
def test_tokens_of_an_end_without_success_are_not_output(status: TaskStatus) -> None:
    found = tally(task_event(status, usage=Usage(completion_tokens=9), timings=Timings(total_seconds=3)).data)
    assert (found.completed, found.failed + found.cancelled, found.completion_tokens) == (0, 1, 0)
    assert found.mean_task_seconds is None


def test_means_are_over_the_tasks_whose_duration_is_known() -> None:
    known, unknown = Timings(total_seconds=2.0), Timings()
    found = sum((tally(task_event(timings=timings).data) for timings in (known, unknown)), Tally())
    assert (found.completed, found.mean_task_seconds) == (2, 2.0)


def test_a_long_answer_weighs_more_in_the_rate_than_a_short_one() -> None:
    long = tally(task_event(usage=Usage(completion_tokens=900), timings=Timings(generation_seconds=9)).data)
    short = tally(task_event(usage=Usage(completion_tokens=100), timings=Timings(generation_seconds=11)).data)
    assert (long + short).generation_tokens_per_second == pytest.approx(1000 / 20)


def test_a_backend_that_tells_only_its_rate_counts_by_it() -> None:
    found = tally(task_event(usage=Usage(completion_tokens=50), timings=Timings(generation_tokens_per_second=25)).data)
    assert found.generation_tokens_per_second == pytest.approx(25)


def test_tokens_of_unknown_duration_do_not_raise_the_rate() -> None:
    timed = tally(task_event(usage=Usage(completion_tokens=10), timings=Timings(generation_seconds=1)).data)
    untimed = tally(task_event(usage=Usage(completion_tokens=1000)).data)
    assert (timed + untimed).generation_tokens_per_second == pytest.approx(10)
    assert (timed + untimed).completion_tokens == 1010
