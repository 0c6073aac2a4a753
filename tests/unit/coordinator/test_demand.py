"""The price of an agent's time: what raises it, what that changes, and that it is told."""

import pytest

from bus.messages import ModelInfo, Requirements
from coordinator.agents.agent import Agent
from coordinator.scheduling.choice import Ask, choose, consider
from coordinator.scheduling.demand import MEMORY_SECONDS, MOST, Demand
from coordinator.scheduling.explaining import explain
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.speed import Speed
from tests.unit.coordinator.parts import COLD, NOON, WARM, agent, attempt, task

LARGE = ModelInfo(name="large:70b", loaded=True)


def fast_and_slow() -> tuple[Agent, Agent]:
    """The slow one takes twice as long, and does not have the large model."""
    fast, slow = agent("acacia", slots=4, models=(WARM, LARGE)), agent("birch", slots=4)
    fast.speeds[WARM.name], slow.speeds[WARM.name] = Speed(generation_rate=40), Speed(generation_rate=20)
    return fast, slow


def place(agents: list[Agent], *models: str, seconds: float = 0, most: int = 1) -> list[str]:
    """Who gets the first of these tasks: `most` of them, the second `seconds` after the first, else all at once."""
    queue, scheduler, given = Queue(), Scheduler(), list[str]()
    for number, model in enumerate(models):
        queue.add(task(model=model, sequence=number, priority=1 if number == 0 else 5), NOON)
    for number in range(most):
        clock = seconds if number else 0.0
        placement = scheduler.next(queue, scheduler.fleet(agents, clock), NOON)
        assert placement is not None
        scheduler.take(queue, placement)
        taken = attempt(placement.agent.agent_id)
        placement.agent.attempts[taken.id] = taken
        given.append(placement.agent.agent_id)
    return given


@pytest.mark.parametrize(
    ("seconds", "waiting", "is_dearer"),
    [(60, [WARM.name, LARGE.name], True), (0.5, [WARM.name, LARGE.name], False), (60, [WARM.name, "nobody:1b"], False)],
)
def test_an_agent_s_time_grows_dear_where_something_has_waited_that_it_could_do(
    seconds: float, waiting: list[str], is_dearer: bool
) -> None:
    fast, _ = fast_and_slow()
    place([fast], WARM.name, *waiting, seconds=seconds, most=2)
    assert (fast.demand.price(seconds) > 1) == is_dearer


def test_tasks_that_come_together_to_an_idle_hive_make_nothing_dear() -> None:
    fast, slow = fast_and_slow()
    assert place([fast, slow], *[WARM.name] * 4, most=4) == ["acacia"] * 4
    assert fast.demand.price(0) == 1


def test_the_price_has_a_bound_and_goes_back_when_nobody_waits_any_more() -> None:
    demand = Demand()
    demand.add(MEMORY_SECONDS / 2, slots=1, now=100)
    assert demand.price(100) == pytest.approx(2)
    demand.add(100 * MEMORY_SECONDS, slots=1, now=100)
    assert demand.price(100) == 1 / (1 - MOST)
    assert demand.price(100 + 20 * MEMORY_SECONDS) == pytest.approx(1)


def test_a_task_that_can_be_done_elsewhere_leaves_a_wanted_agent_to_the_others_and_is_told_why() -> None:
    fast, slow = fast_and_slow()
    fleet, ask = Scheduler().fleet([fast, slow], 0), Ask(Shape.of(WARM.name, Requirements()))
    unwanted = choose(ask, fleet, fleet.places(ask.shape))
    assert unwanted is not None
    assert unwanted.agent is fast
    fast.demand.add(MEMORY_SECONDS * 0.6, slots=1, now=0)
    wanted = choose(ask, fleet, fleet.places(ask.shape))
    assert wanted is not None
    assert wanted.agent is slow
    table = explain(ask, fleet)
    assert [(row.agent_id, row.price) for row in table.agents] == [("birch", 1), ("acacia", 2.5)]
    assert (table.choice, "acacia, which would be sooner, is left to others" in table.reason) == ("birch", True)


def test_where_the_model_must_be_loaded_the_price_counts_twice() -> None:
    wanted, cold = agent("acacia"), agent("birch", models=(COLD,))
    for each in (wanted, cold):
        each.demand.add(MEMORY_SECONDS * 0.5, slots=1, now=0)
    ask = Ask(Shape.of(WARM.name, Requirements()))
    assert [consider(ask, each, 0).price for each in (wanted, cold)] == [2, 4]


def test_who_failed_the_task_comes_last_however_dear_the_others_are() -> None:
    fast, slow = fast_and_slow()
    slow.speeds[WARM.name] = Speed(generation_rate=0.01)
    slow.demand.add(100 * MEMORY_SECONDS, slots=1, now=0)
    fleet, ask = Scheduler().fleet([fast, slow], 0), Ask(Shape.of(WARM.name, Requirements(), None, frozenset({"acacia"})))
    found = choose(ask, fleet, fleet.places(ask.shape))
    assert found is not None
    assert found.agent is slow
    assert explain(ask, fleet).reason.endswith("acacia, which would be sooner, failed this task before")
    assert consider(ask, fast, 0).seconds < 60, "a prediction, whatever speaks against it"


def test_a_task_is_kept_no_longer_because_the_free_agent_is_dear() -> None:
    busy, free = agent("acacia", busy=1), agent("birch")
    busy.speeds[WARM.name], free.speeds[WARM.name] = Speed(generation_rate=30), Speed(generation_rate=20)
    for taken in busy.attempts.values():
        taken.ends_at = 0.1
    free.demand.add(100 * MEMORY_SECONDS, slots=1, now=0)
    fleet, ask = Scheduler().fleet([busy, free], 0), Ask(Shape.of(WARM.name, Requirements()))
    assert choose(ask, fleet, [(free, WARM)]) is not None


def test_a_task_is_not_kept_for_a_wanted_agent_that_would_be_little_sooner() -> None:
    busy, free = agent("acacia", busy=1), agent("birch")
    busy.speeds[WARM.name], free.speeds[WARM.name] = Speed(generation_rate=50), Speed(generation_rate=20)
    for taken in busy.attempts.values():
        taken.ends_at = 0.1
    fleet, ask = Scheduler().fleet([busy, free], 0), Ask(Shape.of(WARM.name, Requirements()))
    assert choose(ask, fleet, [(free, WARM)]) is None
    busy.demand.add(MEMORY_SECONDS * 0.6, slots=1, now=0)
    assert choose(ask, fleet, [(free, WARM)]) is not None
