"""A task's life as decisions: when a failure is tried again, and how its changes are ordered."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import FailureInfo, TaskClass, TaskStatus
from coordinator.tasks import (
    MAX_BACKOFF_SECONDS,
    GiveUp,
    Retry,
    Task,
    after_failure,
    backoff_seconds,
    change,
    rank,
)
from tests.unit.coordinator.parts import NOON, after, task

ID = UUID("0197e0aa-0000-7000-8000-000000000001")


FAILED = FailureInfo(code="backend_error", message="it broke")


def decided(known: Task, *, error: FailureInfo = FAILED, retryable: bool = True, seconds: float = 1) -> Retry | GiveUp:
    return after_failure(known, "acacia", error, retryable=retryable, now=after(seconds))


def test_a_failure_is_tried_again_later_and_elsewhere() -> None:
    decision = decided(task(attempts=1, started_at=NOON))
    assert isinstance(decision, Retry)
    assert (decision.task.not_before, decision.task.avoid) == (after(1.5), frozenset({"acacia"}))


def test_attempts_that_were_refused_or_yielded_do_not_lengthen_the_back_off() -> None:
    """Nor do those before a requeue by hand: six refusals made the first failure wait for half a minute."""
    decision = decided(task(attempts=7, attempts_allowed=9, max_attempts=3, started_at=NOON))
    assert isinstance(decision, Retry)
    assert decision.task.not_before == after(1.5)


def test_a_lost_agent_costs_no_back_off() -> None:
    decision = decided(task(attempts=2, started_at=NOON), error=FailureInfo(code="agent_lost", message=""))
    assert isinstance(decision, Retry)
    assert decision.task.not_before is None


LOST = FailureInfo(code="agent_lost", message="")


@pytest.mark.parametrize(
    ("attempts", "allowed", "wrote", "again"),
    [(3, 3, True, True), (3, 3, False, False), (1, 1, True, False), (9, 9, True, True), (10, 10, True, False)],
    ids=["it wrote", "it did not", "only one was allowed", "nine hosts", "ten hosts"],
)
def test_a_host_that_was_lost_while_it_wrote_costs_no_attempt(attempts: int, allowed: int, *, wrote: bool, again: bool) -> None:
    known = task(attempts=attempts, attempts_allowed=allowed, started_at=NOON)
    decision = after_failure(known, "acacia", LOST, retryable=True, now=NOON, wrote=wrote)
    assert isinstance(decision, Retry) is again
    if isinstance(decision, Retry):
        assert decision.task.attempts_allowed == allowed + 1


def test_a_host_that_wrote_and_failed_costs_one() -> None:
    known = task(attempts=3, attempts_allowed=3, started_at=NOON)
    assert isinstance(after_failure(known, "acacia", FAILED, retryable=True, now=NOON, wrote=True), GiveUp)


def test_what_would_end_the_same_is_not_tried_again_and_keeps_its_own_error() -> None:
    assert decided(task(attempts=1, started_at=NOON), retryable=False) == GiveUp(error=FAILED)


@pytest.mark.parametrize("code", ["unsupported_by_backend", "stream_interrupted"])
def test_who_cannot_do_it_is_passed_over_at_once_and_costs_no_attempt(code: str) -> None:
    unable = FailureInfo(code=code, message="not here")
    decision = after_failure(task(attempts=1, attempts_allowed=1), "acacia", unable, retryable=True, now=NOON)
    assert isinstance(decision, Retry)
    assert (decision.task.avoid, decision.task.attempts_allowed, decision.task.not_before) == ({"acacia"}, 2, None)
    again = after_failure(decision.task, "acacia", unable, retryable=True, now=NOON)
    assert again == GiveUp(error=unable)


def test_the_last_attempt_says_how_it_failed() -> None:
    decision = decided(task(attempts=3, attempts_allowed=3, started_at=NOON))
    assert isinstance(decision, GiveUp)
    assert decision.error.code == "attempts_exhausted"
    assert decision.error.message == "3 attempts failed; the last on acacia with backend_error: it broke"


@pytest.mark.parametrize(("seconds", "code"), [(9.9, None), (10, "task_timeout")])
def test_past_its_timeout_a_task_is_not_tried_again(seconds: float, code: str | None) -> None:
    decision = decided(task(attempts=1, started_at=NOON, timeout_seconds=10), seconds=seconds)
    assert (decision.error.code if isinstance(decision, GiveUp) else None) == code


def test_the_timeout_runs_from_the_first_dispatch() -> None:
    assert task().deadline is None
    assert task(started_at=after(5), timeout_seconds=10).deadline == after(15)


@given(st.integers(1, 10_000))
def test_the_back_off_grows_to_its_bound(attempts: int) -> None:
    assert 0 < backoff_seconds(attempts) <= backoff_seconds(attempts + 1) <= MAX_BACKOFF_SECONDS


STEPS = st.lists(st.sampled_from(("refused", "failed")), max_size=4)
ENDS = st.sampled_from((TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED))


@given(STEPS, ENDS, st.booleans())
def test_ranks_grow_along_a_life(steps: list[str], end: TaskStatus, waiting: bool) -> None:
    life = [(TaskStatus.PENDING, 0), (TaskStatus.QUEUED, 0)]
    for number, step in enumerate(steps, 1):
        life.append((TaskStatus.ASSIGNED, number))
        if step == "failed":
            life.append((TaskStatus.RUNNING, number))
        life.append((TaskStatus.QUEUED, number))
    number = len(steps)
    if not waiting:
        number += 1
        life += [(TaskStatus.ASSIGNED, number), (TaskStatus.RUNNING, number)]
    life.append((end, number))
    ranks = [rank(status, attempt) for status, attempt in life] + [rank(TaskStatus.QUEUED, number, 1)]
    assert ranks == sorted(set(ranks))


def test_a_change_tells_neither_prompt_nor_output() -> None:
    told = change(task(id=ID, model="llama3", attempts=2), TaskStatus.ASSIGNED, agent_id="acacia", model="llama3:8b")
    assert (told.task_id, told.attempt, told.agent_id, told.model, told.owner) == (ID, 2, "acacia", "llama3:8b", "ada")
    assert not {"prompt", "messages", "output"} & set(type(told).model_fields)


def test_every_class_stands_for_a_priority_of_its_own() -> None:
    assert len({name.priority for name in TaskClass}) == len(TaskClass)
