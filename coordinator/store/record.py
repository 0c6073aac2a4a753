"""What one turn writes to PostgreSQL: collected while it decides, and sent as one statement at its end (docs/adr/0011).

A turn that must look something up on its way sends what it has so far, and goes on in a transaction.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg

from bus.messages import AttemptOutcome, AttemptStatus, Continuation, FailureInfo
from bus.messages.output import contents_of
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.facts import Fact
from coordinator.leading.state import State
from coordinator.store.database import Statements
from coordinator.store.rows import (
    EndRow,
    NewRow,
    attempt_end,
    continuation_from,
    dependency_edges,
    new_attempt,
    new_task,
    storable,
    task_end,
    task_failure,
    task_retry,
)
from coordinator.tasks import Task


class Deposed(Exception):
    """Another coordinator has taken a higher epoch: this one must stop writing."""


@dataclass(slots=True)
class _Writes:
    """Not sent yet. One list, or the like, for each argument of `commit_turn`."""

    ended_tasks: list[tuple[Any, ...]] = field(default_factory=list)
    retried_tasks: list[tuple[Any, ...]] = field(default_factory=list)
    placed_attempts: list[tuple[Any, ...]] = field(default_factory=list)
    running_attempts: list[tuple[UUID, UUID]] = field(default_factory=list)
    failed_tasks: list[tuple[Any, ...]] = field(default_factory=list)
    ended_attempts: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    partial_outputs: list[tuple[Any, ...]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class Record:
    """Made for one turn; `async with` commits, or leaves nothing of the turn behind."""

    def __init__(self, connection: asyncpg.Connection, state: State, now: datetime) -> None:
        self._connection, self._statements = connection, Statements(connection)
        self._state, self._now = state, now
        self._transaction: Any = None
        self._writes = _Writes()
        self.fresh: dict[UUID, NewRow] = {}
        """Tasks that this turn takes in."""
        self.on_lost: Callable[[Collection[UUID]], None] = lambda _lost: None
        """Told, after each write, the tasks whose row decided otherwise: nothing of what was written about them has happened."""
        self.requests: dict[UUID, str] = {}
        """As JSON, of the tasks that waited and were placed; known once it is written."""
        self.continuations: dict[UUID, Continuation] = {}
        """Of those, what their earlier attempts wrote."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._transaction is not None:
            await self._transaction.__aexit__(kind, error, traceback)

    # Writing

    def end(self, row: EndRow) -> None:
        self._writes.ended_tasks.append(task_end(row))

    def retry(self, task: Task, attempt_id: UUID, outcome: AttemptOutcome | None = None) -> None:
        """With what the attempt wrote, where it has told."""
        self._writes.retried_tasks.append(task_retry(task, attempt_id, outcome))

    def place(self, attempt: OpenAttempt) -> None:
        """Of a task that has its row already; that of a fresh one goes in with it."""
        self._writes.placed_attempts.append(new_attempt(attempt))

    def run_attempt(self, attempt: OpenAttempt) -> None:
        self._writes.running_attempts.append((attempt.id, attempt.task_id))

    def fail(self, task_id: UUID, error: FailureInfo) -> None:
        """A task that has no attempt."""
        self._writes.failed_tasks.append(task_failure(task_id, error))

    def end_attempt(
        self, attempt_id: UUID, status: AttemptStatus, error: FailureInfo | None = None, *, begins_at: int = 0
    ) -> None:
        """The first word about an attempt holds: a report that came in before the death of its agent was noticed."""
        self._writes.ended_attempts.setdefault(attempt_id, attempt_end(attempt_id, status, error, begins_at))

    def keep_output(self, outcome: AttemptOutcome) -> None:
        """Of work that did not complete, and whose task has ended: its owner may want what there was."""
        if any(content.units for content in contents_of(outcome.output)):
            self._writes.partial_outputs.append(
                (outcome.task_id, outcome.attempt_id, storable(outcome.output.model_dump_json()))
            )

    # Looking, in the middle of a turn

    async def all(self, name: str, *arguments: Any) -> list[Any]:
        await self.write_so_far()
        return await self._statements.all(name, *arguments)

    async def one(self, name: str, *arguments: Any) -> Any | None:
        await self.write_so_far()
        return await self._statements.one(name, *arguments)

    async def run(self, name: str, *arguments: Any) -> None:
        await self.write_so_far()
        await self._statements.run(name, *arguments)

    async def write_so_far(self) -> None:
        if self._transaction is None:
            transaction = self._connection.transaction()
            await transaction.__aenter__()
            self._transaction = transaction
            await self._write([], [])  # the epoch's row before any other, as every turn locks them
        if self._writes or any(not row.stored for row in self.fresh.values()):
            await self._write([], [])

    # The end

    async def close(self, facts: list[Fact]) -> int | None:
        """Everything that is not written yet, with the facts that follow from the turn; the id of their row in the outbox."""
        return await self._write(facts, self._state.sent)

    async def _write(self, facts: list[Fact], sent: list[int]) -> int | None:
        """Raises Deposed."""
        writes, self._writes = self._writes, _Writes()
        new = [row for row in self.fresh.values() if not row.stored]
        row = await self._statements.one(
            "commit_turn",
            self._state.epoch,
            json.dumps({**self._state.positions, "stores": self._state.stores}),
            self._now,
            sent,
            writes.ended_tasks,
            writes.retried_tasks,
            [new_task(row, self._now) for row in new],
            dependency_edges(new),
            [new_attempt(row.attempt) for row in new if row.attempt is not None],
            writes.placed_attempts,
            writes.running_attempts,
            writes.failed_tasks,
            list(writes.ended_attempts.values()),
            writes.partial_outputs,
            [fact.to_row() for fact in facts],
        )
        if row is None or not row["holds"]:
            raise Deposed
        for each in new:
            each.stored = True
        if lost := row["lost_tasks"]:
            for task_id in lost:
                self.fresh.pop(task_id, None)
            self.on_lost(lost)
        self.requests.update(zip(row["given_ids"] or (), row["given_requests"] or (), strict=True))
        written = zip(row["given_ids"] or (), row["given_outputs"] or (), row["given_usages"] or (), strict=True)
        for task_id, output, usage in written:
            if (left := continuation_from(output, usage)) is not None:
                self.continuations[task_id] = left
        outbox_id: int | None = row["outbox_id"]
        return outbox_id
