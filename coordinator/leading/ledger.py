"""What the parts of one turn share: the leader's memory, the record that is written, and what follows from the turn."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bus.client import Bus
from bus.errors import HiveError, TaskNotFound
from bus.messages import DispatchOffer, FailureInfo, TaskStatus
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.facts import Fact, task_fact
from coordinator.leading.state import State
from coordinator.store.record import Record
from coordinator.store.rows import task_from
from coordinator.tasks import Task


@dataclass(slots=True)
class Followup:
    """What to do once the turn is committed."""

    outbox_id: int | None = None
    facts: list[Fact] = field(default_factory=list)
    offers: list[tuple[OpenAttempt, DispatchOffer]] = field(default_factory=list)
    cancels: list[OpenAttempt] = field(default_factory=list)
    preempts: list[OpenAttempt] = field(default_factory=list)
    answers: list[tuple[Any, HiveError | None]] = field(default_factory=list)
    ended: list[TaskStatus] = field(default_factory=list)
    """How many tasks, and how."""
    failures: list[tuple[Task, FailureInfo]] = field(default_factory=list)
    """For the log."""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Made for one turn. `ended` are the tasks whose dependents are to be settled, `placed` those that are to be offered."""

    state: State
    record: Record
    bus: Bus
    now: datetime
    clock: float
    followup: Followup = field(default_factory=Followup)
    ended: list[tuple[UUID, TaskStatus]] = field(default_factory=list)
    placed: list[tuple[Task, OpenAttempt]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.record.on_lost = self._forget

    def announce(self, task: Task, status: TaskStatus, **details: Any) -> None:
        self.followup.facts.append(task_fact(task, status, self.now, **details))
        if status.terminal:
            self.followup.ended.append(status)
        if status is TaskStatus.FAILED and (error := details.get("error")) is not None:
            self.followup.failures.append((task, error))

    async def load(self, task_id: UUID) -> Task:
        row = await self.record.one("live_tasks", [task_id])
        if row is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        return task_from(row)

    async def enqueue(self, task_ids: list[UUID], reason: str) -> None:
        for row in await self.record.all("live_tasks", task_ids):
            task = task_from(row)
            self.state.queue.add(task, self.now)
            self.announce(task, TaskStatus.QUEUED, reason=reason)

    async def close(self) -> Followup:
        """Writes the turn."""
        self.followup.outbox_id = await self.record.close(self.followup.facts)
        return self.followup

    def _forget(self, lost: Collection[UUID]) -> None:
        """What their rows decided otherwise has not happened: it leaves the memory, and nobody hears of it."""
        for task_id in lost:
            self.state.queue.remove(task_id)
            attempt_id = self.state.current.get(task_id)
            self.state.leave(task_id)
            if attempt_id is not None:
                self.state.registry.close(attempt_id)
        self.ended = [(task_id, status) for task_id, status in self.ended if task_id not in lost]
        self.placed = [(task, attempt) for task, attempt in self.placed if task.id not in lost]
        self.followup.facts = [fact for fact in self.followup.facts if fact.task_id not in lost]
        self.followup.failures = [(task, error) for task, error in self.followup.failures if task.id not in lost]
