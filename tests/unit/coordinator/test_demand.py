"""The price of an agent's time: what raises it, what that changes, and that it is told."""

import pytest

from bus.messages import ModelInfo, Requirements
from coordinator.agent import Agent
from coordinator.choice import Ask, choose
from coordinator.demand import MEMORY_SECONDS, MOST, Demand
from coordinator.explaining import explain
from coordinator.queue import Queue
from coordinator.scheduler import Scheduler
from coordinator.shapes import Shape
from coordinator.speed import Speed
from tests.unit.coordinator.parts import NOON, WARM, agent, task

LARGE = ModelInfo(name="large:70b", loaded=True)


def fast_and_slow() -> tuple[Agent, Agent]:
    """The slow one takes twice as long, and does not have the large model."""
    fast, slow = agent("acacia", slots=4, models=(WARM, LARGE)), agent("birch", slots=4)
    fast.speeds[WARM.name], slow.speeds[WARM.name] = Speed(generation_rate=40), Speed(generation_rate=20)
    return fast, slow


def place(known: Agent, *models: str) -> None:
    """Gives out the first, while the others wait."""
    queue, scheduler = Queue(), Scheduler()
    for number, model in enumerate(models):
        queue.add(task(model=model, sequence=number, priority=1 if number == 0 else 5), NOON)
    placement = scheduler.next(queue, [known], 0, NOON)
    assert placement is not None
    assert placement.task.model == models[0]
    scheduler.take(queue, placement)


@pytest.mark.parametrize(("waiting", "is_dearer"), [([], False), (["nobody:1b"], False), ([LARGE.name], True)])
def test_an_agent_s_time_grows_dear_where_something_waits_that_it_could_do(waiting: list[str], is_dearer: bool) -> None:
    fast, _ = fast_and_slow()
    place(fast, WARM.name, *waiting)
    assert (fast.demand.price(0) > 1) == is_dearer


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
    assert (table.choice, "acacia, which would be sooner, is left to those" in table.reason) == ("birch", True)


def test_what_only_a_wanted_agent_can_do_goes_there_whatever_its_time_costs() -> None:
    fast, slow = fast_and_slow()
    fast.demand.add(MEMORY_SECONDS * 10, slots=1, now=0)
    fleet, ask = Scheduler().fleet([fast, slow], 0), Ask(Shape.of(LARGE.name, Requirements()))
    found = choose(ask, fleet, fleet.places(ask.shape))
    assert found is not None
    assert found.agent is fast


def test_a_task_is_not_kept_for_a_wanted_agent_that_would_be_little_sooner() -> None:
    busy, free = agent("acacia", busy=1), agent("birch")
    busy.speeds[WARM.name], free.speeds[WARM.name] = Speed(generation_rate=50), Speed(generation_rate=20)
    for taken in busy.attempts.values():
        taken.ends_at = 0.1
    fleet, ask = Scheduler().fleet([busy, free], 0), Ask(Shape.of(WARM.name, Requirements()))
    assert choose(ask, fleet, [(free, WARM)]) is None
    busy.demand.add(MEMORY_SECONDS * 0.6, slots=1, now=0)
    assert choose(ask, fleet, [(free, WARM)]) is not None
