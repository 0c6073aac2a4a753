"""That everything waits a bounded time whatever owners do, and what it costs fairness: by properties and by an example."""

from collections import Counter
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.messages import MAX_PRIORITY, MIN_PRIORITY, ModelInfo
from coordinator.scheduling.ageing import OVERDUE_TURNS
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.sizes import Size
from coordinator.tasks import Task
from tests.unit.coordinator.parts import after, agent, task

SPAN = 2.0
HASTY = Policy(ageing_seconds=SPAN)
MODELS = ("llama3", "qwen")


class Second:
    """A host that does any task in one second, by the scheduler's word; `waited` by task, in seconds."""

    def __init__(self, policy: Policy = HASTY) -> None:
        self.policy, self.queue, self.scheduler = policy, Queue(policy), Scheduler(policy)
        self.host = agent(models=tuple(ModelInfo(name=name, loaded=True) for name in MODELS))
        self.seconds, self.arrived = 0, 0
        self.waited: dict[UUID, float] = {}
        self.owners = Counter[str]()

    def arrives(self, owner: str, priority: int, **more: object) -> Task:
        self.arrived += 1
        known: dict[str, object] = {"model": MODELS[0], "created_at": after(self.seconds), "sequence": self.arrived}
        made = task(owner=owner, priority=priority, **(known | more))
        self.queue.add(made, after(self.seconds))
        return made

    def passes(self) -> None:
        now = after(self.seconds)
        placement = self.scheduler.next(self.queue, self.scheduler.fleet([self.host], self.seconds), now)
        if placement is not None:
            self.scheduler.take(self.queue, placement)
            self.waited[placement.task.id] = (now - placement.task.created_at).total_seconds()
            self.owners[placement.task.owner] += 1
        self.seconds += 1

    def waits(self, known: Task) -> float:
        """So far, or in all."""
        return self.waited.get(known.id, (after(self.seconds) - known.created_at).total_seconds())


ASKED = st.tuples(
    st.sampled_from(("new", "new", "ada", "bob")),
    st.integers(MIN_PRIORITY, MAX_PRIORITY),
    st.sampled_from(MODELS),
    st.sampled_from((10, 2_000, 200_000)),
)


@settings(max_examples=40)
@given(st.lists(st.lists(ASKED, min_size=1, max_size=3), min_size=5, max_size=15), st.integers(20, 80))
def test_whatever_owners_do_a_task_waits_a_bounded_time(pattern: list[list[tuple[str, int, str, int]]], seconds: int) -> None:
    """Ever new owners, those in debt, urgent floods: the span for each priority, and ten placements for each that was overdue before."""
    hive, tasks = Second(), list[Task]()
    for second in range(seconds):
        for owner, priority, model, tokens in pattern[second % len(pattern)]:
            name = f"owner-{hive.arrived}" if owner == "new" else owner
            tasks.append(hive.arrives(name, priority, model=model, size=Size(tokens)))
        hive.passes()
    dues = {known.id: (known.created_at - after(0)).total_seconds() + known.priority * SPAN for known in tasks}
    gone = {known.id: (known.created_at - after(0)).total_seconds() + hive.waits(known) for known in tasks}
    for known in tasks:
        due = dues[known.id]
        ahead = sum(dues[other.id] <= due <= gone[other.id] for other in tasks)
        assert hive.waits(known) <= known.priority * SPAN + OVERDUE_TURNS * ahead


def test_an_owner_in_debt_is_not_passed_over_by_ever_new_owners() -> None:
    """The first priority would take everything, and new owners of the last one come all the time."""
    hive = Second(Policy(ageing_seconds=60))
    hive.arrives("bob", 5, size=Size(200_000))
    hive.passes()
    low = hive.arrives("bob", 5)
    while hive.seconds < 1000 and low.id in hive.queue:
        hive.arrives("ada", 1)
        hive.arrives(f"owner-{hive.seconds}", 5)
        hive.passes()
    assert 240 <= hive.waits(low) <= 5 * 60 + OVERDUE_TURNS


def test_who_floods_has_by_age_at_most_a_tenth_more_than_its_share() -> None:
    hive = Second()
    for _ in range(1000):
        hive.arrives("flood", 3)
    hive.seconds = 1000  # all of it is overdue
    others = [f"owner-{number}" for number in range(19)]
    for owner in others:
        hive.arrives(owner, 3)
        hive.arrives(owner, 3)
    for _ in range(1000):
        hive.passes()
        for owner in others:
            if hive.queue.bands[3].owners.get(owner, 0) < 2:
                hive.arrives(owner, 3)
    fair = 1000 / (len(others) + 1)
    assert all(hive.owners[owner] >= 0.9 * fair for owner in others)
    assert hive.owners["flood"] <= fair + 1000 / OVERDUE_TURNS
