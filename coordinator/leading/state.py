"""The leader's memory: rebuilt from PostgreSQL by each new leader, dropped by one that steps down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from bus.messages import TaskClass
from coordinator.agents.registry import Registry
from coordinator.leading.steady import host_time
from coordinator.scheduling.preemption import Running
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.tasks import Task

OUTCOMES = "outcomes"


@dataclass(slots=True, kw_only=True)
class State:
    """`live` are the tasks that are assigned or running, each with its current attempt in `current`."""

    epoch: int
    instance: str
    now: Callable[[], datetime] = host_time
    """By which the deadlines of tasks are judged."""
    hive_id: UUID | None = None
    """Which hive this is, for as long as its record lives."""
    queue: Queue = field(default_factory=Queue)
    scheduler: Scheduler = field(default_factory=Scheduler)
    registry: Registry = field(default_factory=Registry)
    live: dict[UUID, Task] = field(default_factory=dict)
    _preemptible: set[UUID] = field(default_factory=set)
    current: dict[UUID, UUID] = field(default_factory=dict)
    """The attempt that may decide a live task."""
    models: set[str] = field(default_factory=set)
    """Names of every model ever offered, as PostgreSQL has them."""
    depended_on: set[UUID] = field(default_factory=set)
    """Tasks that pending ones wait for, so that most ends cost no look at the dependencies."""
    positions: dict[str, int] = field(default_factory=dict)
    """Last sequence that was read and committed, by class, and of the outcomes."""
    stores: dict[str, str] = field(default_factory=dict)
    """When the stream was made that a position is of: one that was made anew counts from one again."""
    sent: list[int] = field(default_factory=list)
    """Outbox rows whose events the bus has acknowledged; the next turn deletes them."""

    unstorable_submits: set[int] = field(default_factory=set)
    unstorable_outcomes: set[str] = field(default_factory=set)
    """Sequences of submits, and attempts of outcomes, that PostgreSQL refused when they were tried alone: each is taken for what it
    is, and holds nothing up."""

    def position(self, name: TaskClass | str) -> int:
        return self.positions.get(str(name), 0)

    def enter(self, task: Task, attempt_id: UUID) -> None:
        """The task is assigned, to that attempt."""
        self.live[task.id], self.current[task.id] = task, attempt_id
        if task.preemptible:
            self._preemptible.add(task.id)

    @property
    def preemptible(self) -> list[Running]:
        """Of the live tasks those that yield to more urgent ones."""
        found = ((self.live[task_id], self.registry.open.get(self.current[task_id])) for task_id in self._preemptible)
        return [Running(task, attempt) for task, attempt in found if attempt is not None]

    def leave(self, task_id: UUID) -> Task | None:
        """The task is no longer assigned or running."""
        self._preemptible.discard(task_id)
        self.current.pop(task_id, None)
        return self.live.pop(task_id, None)
