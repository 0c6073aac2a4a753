"""Who yields its slot to whom: each rule by an example, and what holds for every hive by properties."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import AgentStatus, ModelInfo
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.preemption import SOON_SECONDS, Running
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.speed import Speed
from coordinator.tasks import Task
from tests.unit.coordinator.parts import NOON, WARM, after, agent, attempt, task

AGEING = Policy().ageing_seconds
MINE = ModelInfo(name=WARM.name, loaded=True, size_bytes=4_000_000_000)
OTHER = ModelInfo(name="llama3", loaded=False, size_bytes=8_000_000_000)


def working(where: Agent, *, priority: int = 5, since: float = 0.0, **more: object) -> Running:
    """A preemptible task that runs there."""
    known = attempt(where.agent_id, at=since)
    where.attempts[known.id] = known
    return Running(task(priority=priority, preemptible=True, model=WARM.name, **more), known)


def yields(
    waiting: list[Task], running: list[Running], hive: list[Agent], now: datetime = NOON, clock: float = 0.0
) -> list[OpenAttempt]:
    queue = Queue()
    for known in waiting:
        queue.add(known, now)
    scheduler = Scheduler()
    return scheduler.yields(queue, running, scheduler.fleet(hive, clock), now)


def test_a_less_urgent_task_yields_to_one_that_finds_no_slot() -> None:
    acacia = agent()
    low = working(acacia)
    assert yields([task(priority=1, model=WARM.name)], [low], [acacia]) == [low.attempt]


def test_nothing_yields_while_a_slot_is_free() -> None:
    acacia, birch = agent(), agent("birch")
    assert not yields([task(priority=1, model=WARM.name)], [working(acacia)], [acacia, birch])


def test_nothing_yields_to_its_equals_or_to_what_is_less_urgent() -> None:
    acacia = agent()
    low = working(acacia, priority=3)
    assert not yields([task(priority=3, model=WARM.name), task(priority=4, model=WARM.name, sequence=2)], [low], [acacia])


def test_an_agent_that_is_not_able_keeps_what_it_runs() -> None:
    acacia, birch = agent(), agent("birch", status=AgentStatus.DRAINING)
    running = [working(acacia), working(birch)]
    assert not yields([task(priority=1, model="llama3")], running, [acacia, birch])
    assert yields([task(priority=1, model=WARM.name)] * 1, running, [acacia, birch]) == [running[0].attempt]


def test_who_was_told_is_not_told_again_and_its_slot_counts_as_coming() -> None:
    acacia, birch = agent(), agent("birch")
    first, second = working(acacia), working(birch)
    first.attempt.yielding = True
    assert not yields([task(priority=1, model=WARM.name)], [first, second], [acacia, birch])
    two = [task(priority=1, model=WARM.name), task(priority=1, model=WARM.name, sequence=2)]
    assert yields(two, [first, second], [acacia, birch]) == [second.attempt]


def test_no_more_yield_than_tasks_wait() -> None:
    hive = [agent(name) for name in ("acacia", "birch", "cedar")]
    running = [working(known) for known in hive]
    assert len(yields([task(priority=1, model=WARM.name)], running, hive)) == 1
    assert len(yields([task(priority=1, model=WARM.name, sequence=n) for n in range(5)], running, hive)) == 3


def test_no_more_yield_than_are_more_urgent() -> None:
    """Of two that wait, one has risen above what runs, and the other has only come."""
    acacia, now = agent(slots=2), after(3 * AGEING)
    running = [working(acacia), working(acacia)]
    first, second = (task(priority=2, model=WARM.name, sequence=n, created_at=after(at * AGEING)) for n, at in ((1, 2), (2, 3)))
    assert len(yields([first, second], running, [acacia], now)) == 1


def test_a_slot_that_is_about_to_be_free_spares_a_task_that_runs() -> None:
    acacia = agent(slots=2)
    ending, low = working(acacia, priority=1), working(acacia)
    ending.attempt.ends_at = SOON_SECONDS
    urgent = [task(priority=1, model=WARM.name)]
    assert not yields(urgent, [low], [acacia])
    assert yields(urgent, [low], [acacia], clock=2 * SOON_SECONDS) == [low.attempt]  # it lasts longer than was predicted


def test_the_least_urgent_yields_first_and_of_equals_the_one_that_began_last() -> None:
    hive = [agent(name) for name in ("acacia", "birch", "cedar")]
    running = [working(hive[0], priority=4), working(hive[1], since=1.0), working(hive[2], since=2.0)]
    waiting = [task(priority=1, model=WARM.name, sequence=n) for n in range(2)]
    assert yields(waiting[:1], running, hive) == [running[2].attempt]
    assert yields(waiting, running, hive) == [running[2].attempt, running[1].attempt]


def test_who_has_waited_and_run_for_long_is_not_interrupted_any_more() -> None:
    acacia = agent()
    low = working(acacia, priority=3)
    fresh = task(priority=2, model=WARM.name, created_at=after(AGEING))
    assert not yields([fresh], [low], [acacia], after(AGEING))
    assert yields([fresh.evolve(priority=1)], [low], [acacia], after(AGEING)) == [low.attempt]


def test_a_slot_without_the_memory_for_the_model_helps_nobody() -> None:
    acacia = agent(slots=2, models=(MINE, OTHER), vram_gb=8.0)
    low, _ = working(acacia), working(acacia, priority=1)
    urgent = [task(priority=1, model=OTHER.name)]
    assert not yields(urgent, [low], [acacia])  # its neighbour keeps the other model in memory
    alone = agent("birch", models=(MINE, OTHER), vram_gb=8.0)
    only = working(alone)
    assert yields(urgent, [only], [alone]) == [only.attempt]


def test_a_task_that_a_faster_busy_agent_would_be_done_with_sooner_interrupts_nobody() -> None:
    fast, slow = agent("fast", busy=1), agent("slow")
    fast.speeds[WARM.name], slow.speeds[WARM.name] = Speed(generation_rate=200.0), Speed(generation_rate=5.0)
    for known in fast.attempts.values():
        known.ends_at = 2 * SOON_SECONDS
    low = working(slow)
    assert not yields([task(priority=1, model=WARM.name)], [low], [fast, slow])


def level(known: Task, now: datetime) -> int:
    return max(1, known.priority - int((now - known.created_at).total_seconds() / AGEING))


@given(
    running=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2), st.booleans()), max_size=6),
    waiting=st.lists(st.tuples(st.integers(1, 5), st.floats(0, 5 * AGEING)), max_size=6),
    seconds=st.floats(0, 6 * AGEING),
)
def test_whoever_yields_is_less_urgent_and_its_slot_goes_to_somebody_who_is_more_so(
    running: list[tuple[int, int, bool]], waiting: list[tuple[int, float]], seconds: float
) -> None:
    """Once it has let go, the very next placement is of a more urgent task: nobody is interrupted for nothing."""
    hive = [agent(name, slots=2) for name in ("acacia", "birch", "cedar")]
    at_work = []
    for priority, where, yielding in running:
        if len(hive[where].attempts) < 2:
            known = working(hive[where], priority=priority)
            known.attempt.yielding = yielding
            at_work.append(known)
    for known in hive:
        while len(known.attempts) < 2:
            taken = attempt(known.agent_id)
            known.attempts[taken.id] = taken
    now, queue, scheduler = after(seconds), Queue(), Scheduler()
    for number, (priority, waited) in enumerate(waiting):
        queue.add(task(priority=priority, sequence=number, model=WARM.name, created_at=after(seconds - waited)), now)
    tasks = {known.attempt.id: known.task for known in at_work}
    told = scheduler.yields(queue, at_work, scheduler.fleet(hive, 0.0), now)
    assert len(told) == len({known.id for known in told}) <= len(waiting)
    for known in told:
        assert not known.yielding
        next(each for each in hive if each.agent_id == known.agent_id).attempts.pop(known.id)
        placement = scheduler.next(queue, scheduler.fleet(hive, 0.0), now)
        assert placement is not None
        assert level(placement.task, now) < level(tasks[known.id], now)
        scheduler.take(queue, placement)
        placed = attempt(placement.agent.agent_id)
        placement.agent.attempts[placed.id] = placed
