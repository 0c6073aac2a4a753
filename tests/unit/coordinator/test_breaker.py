"""A model that keeps failing on one agent is held back there and nowhere else, and comes back by one task at a time."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import AttemptOutcome, FailureInfo, ModelInfo, OutcomeStatus
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.agents.learning import learn
from coordinator.agents.registry import Registry
from coordinator.agents.tracks import Kept
from coordinator.scheduling.breaker import LONGEST_SECONDS, MOST_KNOWN, Breaker
from coordinator.scheduling.choice import Ask
from coordinator.scheduling.explaining import explain
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.shapes import Shape
from tests.unit.coordinator.parts import NOON, WARM, after, agent, attempt, registration, task

BROKEN = FailureInfo(code="backend_error", message="cudaMalloc failed: out of memory")
OTHER = ModelInfo(name="llama3", loaded=True)
POLICY = Policy(breaker_failures=3, breaker_seconds=10)


def failed(*seconds: float, policy: Policy = POLICY) -> Breaker:
    """A task each, so many seconds after noon."""
    known = Breaker()
    for each in seconds:
        known = known.after_failure(uuid4(), BROKEN, after(each), after(each), policy)
    return known


def test_it_opens_after_so_many_tasks_in_a_row_and_then_lets_one_try() -> None:
    assert not failed(0, 1).holds(after(1), tried=True)
    known = failed(0, 1, 2)
    assert known.holds(after(11.9), tried=False)
    assert not known.holds(after(12), tried=False)
    assert known.holds(after(12), tried=True)


def test_what_fails_while_it_is_open_began_before_and_says_nothing_new() -> None:
    known = failed(0, 1, 2)
    assert known.after_failure(uuid4(), BROKEN, after(5), after(5), POLICY) == known


def test_what_began_before_it_opened_says_nothing_new_however_late_it_fails() -> None:
    """Eight that ran side by side held their model back for ten minutes between them."""
    known = Breaker()
    for second in (0, 0.1, 0.2, 11, 32, 73, 154, 315):
        known = known.after_failure(uuid4(), BROKEN, NOON, after(second), POLICY)
    assert (known.trips, known.until) == (1, after(10.2))


def test_a_task_that_fails_again_and_again_speaks_for_itself_alone() -> None:
    known, one = Breaker(), uuid4()
    for second in range(9):
        known = known.after_failure(one, BROKEN, after(second), after(second), POLICY)
    assert not known.holds(after(9), tried=True)


def test_a_task_that_fails_at_each_trial_holds_it_no_longer_each_time() -> None:
    known, one = failed(0, 1), uuid4()
    for second in (2, 12, 22):
        known = known.after_failure(one, BROKEN, after(second), after(second), POLICY)
        assert (known.trips, known.until) == (1, after(second + 10))
    known = known.after_failure(uuid4(), BROKEN, after(32), after(32), POLICY)
    assert (known.trips, known.until) == (2, after(52))


def test_what_is_remembered_of_failures_has_a_bound() -> None:
    known = failed(*range(0, 100_000, 1000))
    assert (len(known.failed), known.trips) == (MOST_KNOWN, 98)


@given(st.integers(0, 40), st.floats(0.1, 300))
def test_each_time_it_is_held_for_longer_up_to_a_bound(more: int, seconds: float) -> None:
    policy, now = Policy(breaker_failures=1, breaker_seconds=seconds), NOON
    known, before = Breaker(), 0.0
    for _ in range(more + 1):
        known = known.after_failure(uuid4(), BROKEN, now, now, policy)
        held = (known.until - now).total_seconds()
        assert before <= held + 1e-6
        assert held <= LONGEST_SECONDS
        before, now = held, known.until


class Fleet:
    """`acacia` with two models, and `birch` with one of them, in front of the scheduler."""

    def __init__(self) -> None:
        self.registry = Registry(POLICY)
        for name, models in (("acacia", (WARM, OTHER)), ("birch", (WARM,))):
            self.registry.register(registration(name, models=models, slots=4), 0.0, NOON)
        self.scheduler, self.queue = Scheduler(), Queue()

    @property
    def acacia(self) -> Agent:
        return self.registry.agents["acacia"]

    def began(self, model: str = WARM.name) -> OpenAttempt:
        begun = attempt("acacia")
        begun.model = model
        self.registry.take(begun)
        return begun

    def ended(self, begun: OpenAttempt, status: OutcomeStatus, seconds: float, error: FailureInfo = BROKEN) -> None:
        outcome = AttemptOutcome(
            attempt_id=begun.id,
            task_id=begun.task_id,
            agent_id="acacia",
            instance="one",
            status=status,
            error=error if status is OutcomeStatus.FAILED else None,
            retryable=status is OutcomeStatus.FAILED,
        )
        learn(self.registry, outcome, after(seconds))
        self.registry.close(begun.id)
        self.registry.hold(after(seconds))

    def failing(self, *seconds: float, model: str = WARM.name, error: FailureInfo = BROKEN) -> None:
        for each in seconds:
            self.ended(self.began(model), OutcomeStatus.FAILED, each, error)

    def places(self, model: str | None) -> dict[str, str]:
        """Who is able, with which model."""
        shape = Shape.of(model, task().require)
        fleet = self.scheduler.fleet(list(self.registry), 0)
        return {each.agent_id: known.name for each, known in fleet.places(shape)}


def test_the_agent_is_passed_over_for_that_model_and_its_others_go_on() -> None:
    fleet = Fleet()
    assert set(fleet.places(WARM.name)) == {"acacia", "birch"}
    fleet.failing(0, 1, 2)
    assert set(fleet.places(WARM.name)) == {"birch"}
    assert set(fleet.places(OTHER.name)) == {"acacia"}
    assert fleet.places(None)["acacia"] == OTHER.name


def test_it_is_explained_and_shown_with_its_reason() -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2)
    table = explain(Ask(Shape.of(WARM.name, task().require)), fleet.scheduler.fleet(list(fleet.registry), 0))
    [row] = [row for row in table.agents if row.agent_id == "acacia"]
    assert not row.able
    assert row.reason == (
        "smollm2:135m is held back there: 3 tasks in a row failed, the last with backend_error; "
        "one is tried again from 12:00:12 UTC on"
    )
    held = fleet.acacia.record().merits.held[WARM.name]
    assert (held.failed, held.trips, held.until) == (3, 1, after(12))
    assert held.reason == BROKEN.code, "the backend's words are for the task's owner"


def test_one_task_at_a_time_tries_it_until_one_completes() -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2)
    fleet.registry.hold(after(12))
    assert "acacia" in fleet.places(WARM.name)
    trying = fleet.began()
    fleet.registry.hold(after(12))
    assert "acacia" not in fleet.places(WARM.name)
    fleet.ended(trying, OutcomeStatus.FAILED, 13)
    fleet.registry.hold(after(32.9))
    assert "acacia" not in fleet.places(WARM.name)
    fleet.registry.hold(after(33))
    fleet.ended(fleet.began(), OutcomeStatus.COMPLETED, 34)
    assert "acacia" in fleet.places(WARM.name)
    assert fleet.acacia.record().merits.held == {}
    fleet.failing(35, 36)
    assert "acacia" in fleet.places(WARM.name)


def test_a_try_that_ends_without_a_word_leaves_the_place_to_another() -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2)
    fleet.ended(fleet.began(), OutcomeStatus.CANCELLED, 13)
    assert "acacia" in fleet.places(WARM.name)


@pytest.mark.parametrize("code", ["agent_lost", "unsupported_by_backend", "stream_interrupted"])
def test_what_is_no_fault_of_the_model_does_not_count(code: str) -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2, error=FailureInfo(code=code, message="x"))
    assert "acacia" in fleet.places(WARM.name)


def test_who_is_assigned_by_hand_is_given_it_all_the_same() -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2)
    pinned = Shape.of(WARM.name, task().require, pin="acacia")
    assert [each.agent_id for each, _ in fleet.scheduler.fleet(list(fleet.registry), 0).places(pinned)] == ["acacia"]


def test_the_next_leader_holds_it_too() -> None:
    fleet = Fleet()
    fleet.failing(0, 1, 2)
    kept = Kept.model_validate_json(Kept(breakers=fleet.acacia.breakers).model_dump_json(exclude_none=True))
    assert kept.breakers == fleet.acacia.breakers
    successor = agent()
    successor.breakers = kept.breakers
    successor.hold(after(3))
    assert WARM.name in successor.held
