"""Folds what is heard about tasks into rows. Pure: what is heard late, or twice, changes nothing."""

from collections.abc import Iterable
from datetime import datetime

from bus.messages import EventType, TaskEvent, TaskRecord, TaskStatus
from bus.tenancy import HOME
from gui.frames import Minute, TaskRow
from gui.minutes import Minutes
from gui.rows import MAX_GONE, Revision, Rows
from gui.sight import Sight

MAX_HELD = 400
"""Newest tasks that a page can show; what runs is held beyond it."""
SLACK = 50
"""How many more before the oldest are dropped together."""
_WAITING = (TaskStatus.PENDING, TaskStatus.QUEUED)
_ACTIVE = (TaskStatus.ASSIGNED, TaskStatus.RUNNING)
_ORDER = {status: number for number, status in enumerate(TaskStatus)}


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def follows(before: TaskRow, after: TaskRow, at_ms: int) -> bool:
    """Whether `after` is a later state of the same task. Within one attempt a task can come back to the queue, and does not go back else."""
    if after.attempt != before.attempt:
        return after.attempt > before.attempt
    if before.status.terminal:
        return after.status == before.status or (after.status in _WAITING and at_ms > (before.ended_ms or 0))
    if after.status in _WAITING and before.status in _ACTIVE:
        return True
    if after.status in _ACTIVE and before.status in _WAITING:
        return after.attempt == 0
    return _ORDER[after.status] >= _ORDER[before.status]


def row_of_record(record: TaskRecord, before: TaskRow | None = None) -> TaskRow:
    """`before`: what was heard of it. A list of records has no attempts, and so not the model of a task that asked for any."""
    usage, timings = record.usage, record.timings
    return TaskRow(
        id=str(record.id),
        status=record.status,
        priority=record.priority,
        tenant=record.tenant,
        owner=record.owner,
        created_ms=milliseconds(record.created_at),
        title=record.title,
        model=record.model or (record.attempts[-1].model if record.attempts else before and before.model),
        agent_id=record.assigned_agent_id,
        attempt=len(record.attempts),
        started_ms=milliseconds(record.started_at) if record.started_at else None,
        ended_ms=milliseconds(record.completed_at) if record.completed_at else None,
        tokens=usage.completion_tokens if usage else None,
        tokens_per_second=timings.generation_tokens_per_second if timings else None,
        error=record.error,
    )


def row_of_event(event: TaskEvent, before: TaskRow | None, tenant: str = HOME) -> TaskRow:
    """What the event says, and from `before` what it leaves out."""
    change, when = event.data, milliseconds(event.timestamp)
    waits = change.status in _WAITING
    started = None if waits or before is None else before.started_ms
    return TaskRow(
        id=str(change.task_id),
        status=change.status,
        priority=change.priority,
        tenant=tenant,
        owner=change.owner,
        created_ms=before.created_ms if before else when,
        title=change.title or (before.title if before else None),
        model=change.model or (before.model if before else None),
        agent_id=None if waits else change.agent_id or (before.agent_id if before else None),
        attempt=change.attempt,
        started_ms=when if started is None and event.type is EventType.TASK_STARTED else started,
        ended_ms=when if change.status.terminal else None,
        tokens=change.usage.completion_tokens if change.usage else None,
        tokens_per_second=change.timings.generation_tokens_per_second if change.timings else None,
        error=change.error,
    )


class TaskFold:
    """The newest tasks, what runs, and what ended lately."""

    def __init__(self, revision: Revision) -> None:
        self.rows: Rows[TaskRow] = Rows(revision)
        self._minutes = Minutes()
        self._dropped: dict[str, TaskRow] = {}

    def apply_event(self, event: TaskEvent, tenant: str = HOME) -> None:
        before = self.rows.get(str(event.data.task_id))
        row = row_of_event(event, before, tenant)
        if before is None or follows(before, row, milliseconds(event.timestamp)):
            self._take(row, before)

    def apply_records(self, records: Iterable[TaskRecord], *, asked_at: int) -> None:
        """The coordinator's word, which mends what an event that was missed left wrong.

        `asked_at` is the revision when it was asked: over a row that has not changed since, its word wins whatever it says.
        """
        for record in records:
            before = self.rows.get(str(record.id))
            row = row_of_record(record, before)
            if before is None or self.rows.changed_at(row.id) <= asked_at or follows(before, row, row.ended_ms or 0):
                self._take(row, before)

    def minutes(self, now: datetime) -> tuple[Minute, ...]:
        return self._minutes.last(milliseconds(now))

    def _take(self, row: TaskRow, before: TaskRow | None) -> None:
        if row.status.terminal and not (before and before.status.terminal):
            self._minutes.count(row)
        if self.rows.put(row.id, row):
            self._bound()

    def _bound(self) -> None:
        """Drop the oldest that ended; only when those do not suffice, the oldest that wait. What runs stays."""
        if len(self.rows) <= MAX_HELD + SLACK:
            return
        idle = [row for row in self.rows.values() if row.status not in _ACTIVE]
        idle.sort(key=lambda row: (not row.status.terminal, row.created_ms))
        for row in idle[: len(self.rows) - MAX_HELD]:
            self.rows.drop(row.id)
            self._dropped[row.id] = row
        while len(self._dropped) > MAX_GONE:
            del self._dropped[next(iter(self._dropped))]

    def gone_since(self, revision: int, sight: Sight) -> tuple[str, ...]:
        """Ids of those that went, as far as they were shown."""
        dropped = ((key, self._dropped.get(key)) for key in self.rows.gone_since(revision))
        return tuple(key for key, row in dropped if row is not None and sight.sees(row))
