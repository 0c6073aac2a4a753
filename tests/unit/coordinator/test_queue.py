"""The queue against the plainest model of it: a list that is sorted anew for every question."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bus.messages import Requirements, TaskClass, task_class
from coordinator.scheduling.queue import SPARE_REMINDERS, Queue
from coordinator.scheduling.shapes import Shape, shape_of
from coordinator.tasks import Task
from tests.unit.coordinator.parts import NOON, after, task

PRIORITIES = st.integers(1, 5)
MODELS = st.sampled_from((None, "smollm2:135m", "llama3"))
DELAYS = st.sampled_from((0, 5, 10))


class QueueAgainstAList(RuleBasedStateMachine):
    """`waiting` is the list; the clock only goes forward."""

    tasks = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue()
        self.waiting: dict[UUID, Task] = {}
        self.seconds = 0
        self.arrived = 0

    @property
    def now(self) -> datetime:
        return after(self.seconds)

    @rule(target=tasks, priority=PRIORITIES, model=MODELS)
    def arrives(self, priority: int, model: str | None) -> Task:
        self.arrived += 1
        return self.put(task(priority=priority, sequence=self.arrived, model=model))

    @rule(target=tasks, known=consumes(tasks), seconds=DELAYS, agent=st.sampled_from(("acacia", "birch")))
    def is_tried_again(self, known: Task, seconds: int, agent: str) -> Task:
        return self.put(known.evolve(not_before=after(self.seconds + seconds), avoid=known.avoid | {agent}))

    @rule(target=tasks, known=consumes(tasks), seconds=DELAYS)
    def was_begun(self, known: Task, seconds: int) -> Task:
        return self.put(known.evolve(started_at=self.now, timeout_seconds=seconds))

    @rule(target=tasks, known=consumes(tasks))
    def is_pinned(self, known: Task) -> Task:
        held = self.queue.remove(known.id)
        return known if held is None else self.put(held.evolve(pin="acacia"))

    @rule(known=tasks)
    def leaves(self, known: Task) -> None:
        held, expected = self.queue.remove(known.id), self.waiting.pop(known.id, None)
        assert (held is None) == (expected is None)

    @rule(seconds=DELAYS)
    def time_passes(self, seconds: int) -> None:
        self.seconds += seconds
        self.queue.wake(self.now)

    def put(self, put: Task) -> Task:
        self.queue.add(put, self.now)
        self.queue.wake(self.now)
        self.waiting[put.id] = put
        return put

    def placed(self) -> list[Task]:
        """Those that have a place, in order."""
        ready = (t for t in self.waiting.values() if t.not_before is None or t.not_before <= self.now)
        return sorted(ready, key=lambda t: (t.priority, t.sequence, t.id))

    @invariant()
    def holds_what_waits(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert all(task_id in self.queue for task_id in self.waiting)

    @invariant()
    def positions_are_those_of_the_list(self) -> None:
        expected = {known.id: place for place, known in enumerate(self.placed(), 1)}
        assert {task_id: self.queue.position(task_id) for task_id in self.waiting} == {
            task_id: expected.get(task_id) for task_id in self.waiting
        }

    @invariant()
    def what_comes_next_is_the_head_of_the_list(self) -> None:
        for kind in TaskClass:
            expected = [known.id for known in self.placed() if task_class(known.priority) is kind]
            assert self.queue.upcoming(kind, 3) == expected[:3]

    @invariant()
    def overdue_are_those_whose_time_is_over(self) -> None:
        late = {known.id for known in self.waiting.values() if known.deadline is not None and known.deadline <= self.now}
        assert {known.id for known in self.queue.overdue(self.now, most=1000)} == late

    @invariant()
    def heads_are_the_first_of_each_line(self) -> None:
        first: dict[tuple[int, Shape], UUID] = {}
        for known in self.placed():
            first.setdefault((known.priority, shape_of(known)), known.id)
        assert first == {
            (priority, line.shape): head.order[1]
            for priority, band in self.queue.bands.items()
            for line in band.lines
            if (head := band.first([line])) is not None
        }

    @invariant()
    def counts_are_those_of_the_list(self) -> None:
        classes = [task_class(known.priority) for known in self.waiting.values()]
        assert self.queue.counts() == {name: classes.count(name) for name in TaskClass}


TestQueueAgainstAList = QueueAgainstAList.TestCase
TestQueueAgainstAList.settings = settings(max_examples=100, stateful_step_count=20)


def heads(queue: Queue) -> Iterator[UUID]:
    """In their order, each taken out."""
    for band in queue.bands.values():
        while head := band.first(band.lines):
            queue.remove(head.order[1])
            yield head.order[1]


def test_the_urgent_go_first_and_equals_in_order_of_arrival() -> None:
    """That of the stream, whatever a clock said."""
    queue = Queue()
    late, urgent = task(sequence=9), task(sequence=30, priority=1)
    early = task(sequence=2).evolve(created_at=after(60))
    for waiting in (late, early, urgent):
        queue.add(waiting, NOON)
    assert list(heads(queue)) == [urgent.id, early.id, late.id]


def test_a_retry_keeps_its_place() -> None:
    queue = Queue()
    first, second = task(sequence=1), task(sequence=2)
    queue.add(second, NOON)
    queue.add(first.evolve(attempts=1, avoid=frozenset({"acacia"})), NOON)
    assert queue.position(first.id) == 1


def test_a_delayed_task_has_no_place_until_its_time_comes() -> None:
    queue, delayed = Queue(), task(not_before=after(5))
    queue.add(delayed, NOON)
    queue.wake(after(4.9))
    assert (delayed.id in queue, queue.position(delayed.id), queue.bands[delayed.priority].lines) == (True, None, {})
    queue.wake(after(5))
    assert queue.position(delayed.id) == 1


def test_a_delayed_task_that_is_assigned_by_hand_is_placed_once() -> None:
    queue, delayed = Queue(), task(not_before=after(5))
    queue.add(delayed, NOON)
    queue.add(delayed.evolve(pin="acacia"), NOON)
    queue.wake(after(6))
    assert queue.counts()[TaskClass.MEDIUM] == 1
    queue.remove(delayed.id)
    assert list(heads(queue)) == []


def test_alike_are_those_of_the_same_model_requirements_pin_and_avoided_agents() -> None:
    require = Requirements(capabilities={"code": 0.5, "chat": 0.1}, labels={"room": "a"}, vram_gb=8)
    same = Requirements(capabilities={"chat": 0.1, "code": 0.5}, labels={"room": "a"}, vram_gb=8)
    assert Shape.of("m", require) == Shape.of("m", same)
    others = (
        Shape.of("n", require),
        Shape.of("m", require, "acacia"),
        Shape.of("m", require, None, frozenset({"acacia"})),
        Shape.of("m", require.model_copy(update={"vram_gb": 9.0})),
        Shape.of("m", require.model_copy(update={"labels": {}})),
        Shape.of("m", require.model_copy(update={"capabilities": {}})),
    )
    assert Shape.of("m", require) not in others
    assert len(set(others)) == len(others)


def test_what_is_not_there_has_no_place_and_leaves_nothing() -> None:
    queue = Queue()
    assert (queue.position(uuid4()), queue.remove(uuid4()), queue.get(uuid4())) == (None, None, None)
    with suppress(StopIteration):
        assert next(heads(queue)) is None


def test_reminders_of_tasks_that_have_left_do_not_pile_up() -> None:
    queue = Queue()
    for _ in range(5 * SPARE_REMINDERS):
        left = task(not_before=after(3600))
        queue.add(left, NOON)
        queue.remove(left.id)
    assert len(queue._delayed) <= SPARE_REMINDERS + 1
    assert not queue.counts()[TaskClass.MEDIUM]
