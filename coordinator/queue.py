"""What waits, in memory and without prompts: by priority, then by order of arrival.

Tasks of one shape (same model, same requirements) are alike to the scheduler, which therefore looks at the head of each shape
and not at every task: a decision costs the number of shapes, however many wait.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from sortedcontainers import SortedList

from bus.messages import MAX_PRIORITY, MIN_PRIORITY, Requirements, TaskClass, task_class
from coordinator.tasks import Task


@dataclass(frozen=True, slots=True)
class Shape:
    """What matters about a task for where it may run."""

    model: str | None
    capabilities: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, str], ...]
    vram_gb: float | None
    pin: str | None
    avoid: frozenset[str]

    @classmethod
    def of(
        cls, model: str | None, require: Requirements, pin: str | None = None, avoid: frozenset[str] = frozenset()
    ) -> "Shape":
        capabilities, labels = tuple(sorted(require.capabilities.items())), tuple(sorted(require.labels.items()))
        return cls(model, capabilities, labels, require.vram_gb, pin, avoid)


_Order = tuple[int, int, UUID]
"""Priority, sequence, id."""


class Queue:
    """Tasks in state `queued`. `delayed` are those whose back-off has not passed: they wait too, and have no place yet."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, Task] = {}
        self._order: dict[int, SortedList] = {p: SortedList() for p in range(MIN_PRIORITY, MAX_PRIORITY + 1)}
        self._shapes: defaultdict[Shape, SortedList] = defaultdict(SortedList)
        self._delayed: list[tuple[datetime, UUID]] = []
        self._deadlines: dict[UUID, datetime] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: UUID) -> bool:
        return task_id in self._tasks

    def get(self, task_id: UUID) -> Task | None:
        return self._tasks.get(task_id)

    def add(self, task: Task, now: datetime) -> None:
        """Puts it at its place by priority and arrival, wherever it has been meanwhile: a retry does not go to the end."""
        self.remove(task.id)
        if task.deadline is not None:
            self._deadlines[task.id] = task.deadline
        if task.not_before is not None and task.not_before > now:
            self._tasks[task.id] = task
            heappush(self._delayed, (task.not_before, task.id))
        else:
            self._place(task)

    def extend(self, tasks: Iterable[Task], now: datetime) -> None:
        """As `add`, for many."""
        at_once: defaultdict[Shape, list[_Order]] = defaultdict(list)
        for task in tasks:
            if task.id in self._tasks or task.not_before is not None or task.deadline is not None:
                self.add(task, now)
            else:
                self._tasks[task.id] = task
                at_once[shape_of(task)].append((task.priority, task.sequence, task.id))
        by_priority: defaultdict[int, list[_Order]] = defaultdict(list)
        for shape, orders in at_once.items():
            self._shapes[shape].update(orders)
            for order in orders:
                by_priority[order[0]].append(order)
        for priority, orders in by_priority.items():
            self._order[priority].update(orders)

    def _place(self, task: Task) -> None:
        """Its back-off is over: a reminder of it that is still among the delayed must not place it a second time."""
        self._tasks[task.id] = task if task.not_before is None else task.evolve(not_before=None)
        order: _Order = (task.priority, task.sequence, task.id)
        self._order[task.priority].add(order)
        self._shapes[shape_of(task)].add(order)

    def remove(self, task_id: UUID) -> Task | None:
        task = self._tasks.pop(task_id, None)
        if task is None:
            return None
        self._deadlines.pop(task_id, None)
        order: _Order = (task.priority, task.sequence, task.id)
        self._order[task.priority].discard(order)
        shape = shape_of(task)
        if shape in self._shapes:
            self._shapes[shape].discard(order)
            if not self._shapes[shape]:
                del self._shapes[shape]
        return task

    def wake(self, now: datetime) -> None:
        """Gives those their place whose back-off has passed."""
        while self._delayed and self._delayed[0][0] <= now:
            due, task_id = heappop(self._delayed)
            if self._is_delayed(due, task_id):
                self._place(self._tasks[task_id])

    def overdue(self, now: datetime) -> list[Task]:
        """Those that wait for another attempt while their time is over."""
        return [self._tasks[task_id] for task_id, deadline in self._deadlines.items() if deadline <= now]

    def heads(self) -> list[tuple[Task, Shape]]:
        """The first task of each shape, most urgent first."""
        first = sorted(((orders[0], shape) for shape, orders in self._shapes.items()), key=lambda head: head[0])
        return [(self._tasks[order[2]], shape) for order, shape in first]

    def position(self, task_id: UUID) -> int | None:
        """1 is next; None for what does not wait, or waits for its back-off."""
        task = self._tasks.get(task_id)
        if task is None:
            return None
        order: _Order = (task.priority, task.sequence, task.id)
        same = self._order[task.priority]
        rank = int(same.bisect_left(order))
        if rank == len(same) or same[rank] != order:
            return None
        return 1 + rank + sum(len(self._order[priority]) for priority in range(MIN_PRIORITY, task.priority))

    def counts(self) -> dict[TaskClass, int]:
        """Waiting tasks by class, those in their back-off among them."""
        counts = dict.fromkeys(TaskClass, 0)
        for priority, orders in self._order.items():
            counts[task_class(priority)] += len(orders)
        for _, task_id in {reminder for reminder in self._delayed if self._is_delayed(*reminder)}:
            counts[task_class(self._tasks[task_id].priority)] += 1
        return counts

    def _is_delayed(self, due: datetime, task_id: UUID) -> bool:
        """A reminder may be of a task that has left, or has come back with another."""
        task = self._tasks.get(task_id)
        return task is not None and task.not_before == due


def shape_of(task: Task) -> Shape:
    return Shape.of(task.model, task.require, task.pin, task.avoid)
