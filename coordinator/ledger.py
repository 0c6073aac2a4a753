"""What the parts of one turn share: the leader's memory, the transaction's statements, and what follows from the turn."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bus.client import Bus
from bus.errors import HiveError, TaskNotFound
from bus.messages import AttemptStatus, DispatchOffer, FailureInfo, TaskStatus
from coordinator.database import Statements
from coordinator.facts import Fact, task_fact
from coordinator.registry import OpenAttempt
from coordinator.rows import NewRow, task_from
from coordinator.state import State
from coordinator.tasks import Task


@dataclass(slots=True)
class Followup:
    """What to do once the turn is committed."""

    outbox_id: int | None = None
    facts: list[Fact] = field(default_factory=list)
    offers: list[tuple[OpenAttempt, DispatchOffer]] = field(default_factory=list)
    cancels: list[OpenAttempt] = field(default_factory=list)
    answers: list[tuple[Any, HiveError | None]] = field(default_factory=list)
    failures: list[tuple[Task, FailureInfo]] = field(default_factory=list)
    """For the log."""


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    attempt_id: UUID
    status: AttemptStatus
    error: FailureInfo | None = None


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Made for one turn. `fresh` are the tasks that this turn stores; `ended` those whose dependents are to be settled."""

    state: State
    sql: Statements
    bus: Bus
    now: datetime
    clock: float
    followup: Followup = field(default_factory=Followup)
    fresh: dict[UUID, NewRow] = field(default_factory=dict)
    ended: list[tuple[UUID, TaskStatus]] = field(default_factory=list)
    attempt_ends: list[AttemptEnd] = field(default_factory=list)

    def announce(self, task: Task, status: TaskStatus, **details: Any) -> None:
        self.followup.facts.append(task_fact(task, status, self.now, **details))
        if status is TaskStatus.FAILED and (error := details.get("error")) is not None:
            self.followup.failures.append((task, error))

    async def load(self, task_id: UUID) -> Task:
        row = await self.sql.one("live_tasks", [task_id])
        if row is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        return task_from(row)

    async def enqueue(self, task_ids: list[UUID], reason: str) -> None:
        for row in await self.sql.all("live_tasks", task_ids):
            task = task_from(row)
            self.state.queue.add(task, self.now)
            self.announce(task, TaskStatus.QUEUED, reason=reason)
