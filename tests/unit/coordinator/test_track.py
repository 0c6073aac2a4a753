"""What attempts say of their agent, and what that makes of its proficiency."""

from datetime import timedelta
from uuid import UUID

import pytest

from bus.messages import (
    AttemptOutcome,
    Capability,
    FailureInfo,
    OutcomeStatus,
    PerformanceTargets,
    Timings,
    Usage,
)
from coordinator.agents.learning import learn, learn_death
from coordinator.agents.registry import Registry
from coordinator.scheduling.track import ASSUMED, HALF_LIFE_SECONDS, Track, pace_of
from tests.unit.coordinator.parts import NOON, WARM, after, attempt, registration

TARGETS = PerformanceTargets(min_tps=20, max_response_time=30)


@pytest.fixture
def registry() -> Registry:
    """With `acacia`, which is good at devops and should write 20 tokens a second."""
    made = Registry()
    capabilities = (Capability(name="devops", proficiency=0.9),)
    made.register(registration(capabilities=capabilities, performance_targets=TARGETS), 10, NOON)
    return made


def ends(registry: Registry, status: OutcomeStatus, *, seconds: float = 0, **more: object) -> None:
    """One attempt of acacia, so many seconds after noon."""
    taken = attempt()
    registry.take(taken)
    known = {"attempt_id": taken.id, "task_id": taken.task_id, "agent_id": "acacia", "instance": "one", "status": status}
    learn(registry, AttemptOutcome.model_validate(known | more), after(seconds))
    registry.close(taken.id)


def devops(registry: Registry) -> float:
    return registry.agents["acacia"].traits.proficiency("devops")


def test_of_an_agent_that_did_nothing_yet_holds_what_was_declared(registry: Registry) -> None:
    merits = registry.agents["acacia"].record().merits
    [score] = merits.capabilities
    assert (score.name, score.declared, score.effective) == ("devops", 0.9, 0.9)
    assert (merits.success_rate, merits.target_rate, merits.speeds) == (None, None, {})


def test_an_agent_that_does_what_was_asked_in_time_keeps_what_was_declared(registry: Registry) -> None:
    for _ in range(30):
        ends(registry, OutcomeStatus.COMPLETED, timings=Timings(generation_tokens_per_second=25, total_seconds=4))
    assert devops(registry) == 0.9
    merits = registry.agents["acacia"].record().merits
    assert (merits.success_rate, merits.target_rate) == (1.0, 1.0)
    assert merits.speeds[WARM.name].generation_tokens_per_second == 25


def test_failures_of_the_agent_s_own_making_lower_it_and_one_of_them_only_a_little(registry: Registry) -> None:
    ends(registry, OutcomeStatus.FAILED, retryable=True, error=FailureInfo(code="backend_error", message=""))
    assert devops(registry) == pytest.approx(0.9 * ASSUMED / (ASSUMED + 1), abs=0.001)
    for _ in range(9):
        ends(registry, OutcomeStatus.FAILED, retryable=True)
    assert devops(registry) == pytest.approx(0.45, abs=0.001)
    assert registry.agents["acacia"].record().merits.success_rate == 0


@pytest.mark.parametrize(
    "ended",
    [
        {"status": OutcomeStatus.CANCELLED},
        {"status": OutcomeStatus.FAILED, "retryable": False},
        {"status": OutcomeStatus.FAILED, "retryable": True, "error": FailureInfo(code="agent_lost", message="was stopped")},
    ],
)
def test_what_was_stopped_or_would_fail_everywhere_says_nothing_about_the_agent(
    registry: Registry, ended: dict[str, object]
) -> None:
    ends(registry, **ended)  # type: ignore[arg-type]
    assert devops(registry) == 0.9
    assert registry.agents["acacia"].record().merits.success_rate is None


def test_an_agent_that_died_with_its_attempts_failed_them(registry: Registry) -> None:
    for _ in range(2):
        registry.take(attempt())
    [lost] = registry.deaths(60)
    learn_death(lost, NOON)
    assert devops(registry) == pytest.approx(0.9 * ASSUMED / (ASSUMED + 2), abs=0.001)


def test_an_agent_that_never_meets_its_targets_comes_down_to_half_and_no_further(registry: Registry) -> None:
    ends(registry, OutcomeStatus.COMPLETED, timings=Timings(generation_tokens_per_second=10))
    assert devops(registry) == pytest.approx(0.9 * (1 + 10.5 / 11) / 2, abs=0.001)
    for _ in range(500):
        ends(registry, OutcomeStatus.COMPLETED, timings=Timings(generation_tokens_per_second=0.0))
    assert 0.45 < devops(registry) < 0.47


@pytest.mark.parametrize(
    ("timings", "pace"),
    [
        (Timings(), 1.0),
        (Timings(generation_tokens_per_second=40, total_seconds=10), 1.0),
        (Timings(generation_tokens_per_second=5, total_seconds=10), 0.25),
        (Timings(generation_tokens_per_second=40, total_seconds=60), 0.5),
        (Timings(generation_tokens_per_second=5, total_seconds=300), 0.1),
        (Timings(generation_tokens_per_second=0), 0.0),
    ],
)
def test_a_pace_is_the_worst_of_the_targets_that_were_measured(timings: Timings, pace: float) -> None:
    assert pace_of(timings, TARGETS) == pytest.approx(pace)
    assert pace_of(timings, PerformanceTargets()) == 1.0


def test_what_was_is_forgotten_by_half_in_its_time_so_that_an_agent_gets_another_chance(registry: Registry) -> None:
    for _ in range(10):
        ends(registry, OutcomeStatus.FAILED, retryable=True)
    acacia = registry.agents["acacia"]
    low = devops(registry)
    acacia.appraise(after(HALF_LIFE_SECONDS))
    assert devops(registry) == pytest.approx(0.9 * ASSUMED / (ASSUMED + 5), abs=0.001)
    acacia.appraise(after(20 * HALF_LIFE_SECONDS))
    assert low < devops(registry) == 0.9


def test_a_clock_that_was_set_back_makes_nothing_grow() -> None:
    track = Track(failed=2.0, at=NOON)
    assert track.at_time(NOON - timedelta(hours=9)).failed == 2.0


def test_traits_stay_the_same_object_until_they_are_others(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    before = acacia.traits
    acacia.appraise(after(60))
    assert acacia.traits is before
    ends(registry, OutcomeStatus.FAILED, retryable=True)
    assert acacia.traits is not before


def test_a_report_of_an_attempt_that_nobody_knows_teaches_nothing(registry: Registry) -> None:
    outcome = AttemptOutcome(
        attempt_id=UUID(int=1),
        task_id=UUID(int=2),
        agent_id="acacia",
        instance="one",
        status=OutcomeStatus.COMPLETED,
        usage=Usage(completion_tokens=5),
    )
    learn(registry, outcome, NOON)
    assert registry.agents["acacia"].speeds == {}
