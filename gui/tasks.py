"""Folds what is heard about tasks into rows. Pure: whatever order things arrive in, the highest rank wins."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from bus.messages import EventType, TaskEvent, TaskRecord, TaskStatus
from gui.frames import Minute, TaskRow
from gui.rows import Revision, Rows

MAX_HELD = 400
"""Newest tasks that a page can show; what runs is held beyond it."""
SLACK = 50
"""How many more before the oldest are dropped together."""
MINUTES = 60
_ORDER = {status: number for number, status in enumerate(TaskStatus)}


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def row_of_record(record: TaskRecord) -> TaskRow:
    usage, timings = record.usage, record.timings
    return TaskRow(
        id=str(record.id),
        status=record.status,
        priority=record.priority,
        owner=record.owner,
        rank=1000 * len(record.attempts) + _ORDER[record.status],
        created_ms=milliseconds(record.created_at),
        title=record.title,
        model=record.model or (record.attempts[-1].model if record.attempts else None),
        agent_id=record.assigned_agent_id,
        attempt=len(record.attempts),
        started_ms=milliseconds(record.started_at) if record.started_at else None,
        ended_ms=milliseconds(record.completed_at) if record.completed_at else None,
        tokens=usage.completion_tokens if usage else None,
        tokens_per_second=timings.generation_tokens_per_second if timings else None,
        error=record.error,
    )


def row_of_event(event: TaskEvent, before: TaskRow | None) -> TaskRow:
    """What the event says, and from `before` what it leaves out."""
    change, when = event.data, milliseconds(event.timestamp)
    active = change.status in (TaskStatus.ASSIGNED, TaskStatus.RUNNING)
    again = not change.status.terminal and not active
    started = None if again else before.started_ms if before else None
    return TaskRow(
        id=str(change.task_id),
        status=change.status,
        priority=change.priority,
        owner=change.owner,
        rank=change.rank,
        created_ms=before.created_ms if before else when,
        title=change.title or (before.title if before else None),
        model=change.model or (before.model if before else None),
        agent_id=None if again else change.agent_id or (before.agent_id if before else None),
        attempt=change.attempt,
        started_ms=when if started is None and event.type is EventType.TASK_STARTED else started,
        ended_ms=when if change.status.terminal else None,
        tokens=change.usage.completion_tokens if change.usage else None,
        tokens_per_second=change.timings.generation_tokens_per_second if change.timings else None,
        error=change.error,
    )


class TaskFold:
    """The newest tasks, what runs, and what ended in each of the last minutes."""

    def __init__(self, revision: Revision) -> None:
        self.rows: Rows[TaskRow] = Rows(revision)
        self._revision = revision
        self._minutes: deque[tuple[int, Minute]] = deque(maxlen=MINUTES)

    def apply_event(self, event: TaskEvent) -> None:
        before = self.rows.get(str(event.data.task_id))
        if before and event.data.rank < before.rank:
            return
        self._take(row_of_event(event, before), before)

    def apply_records(self, records: Iterable[TaskRecord]) -> None:
        """The coordinator's word, which mends what an event that was missed left wrong."""
        for record in records:
            row, before = row_of_record(record), self.rows.get(str(record.id))
            if before is None or row.rank >= before.rank:
                self._take(row, before)

    def _take(self, row: TaskRow, before: TaskRow | None) -> None:
        if row.status.terminal and not (before and before.status.terminal):
            self._count(row)
        if self.rows.put(row.id, row):
            self._bound()

    def _count(self, row: TaskRow) -> None:
        minute = (row.ended_ms or 0) // 60_000
        if self._minutes and minute <= self._minutes[-1][0] - MINUTES:
            return
        held = dict(self._minutes)
        old = held.get(minute, Minute())
        held[minute] = Minute(
            completed=old.completed + (row.status is TaskStatus.COMPLETED),
            failed=old.failed + (row.status is TaskStatus.FAILED),
            tokens=old.tokens + (row.tokens or 0),
        )
        self._minutes = deque(sorted(held.items())[-MINUTES:], maxlen=MINUTES)

    def minutes(self, now: datetime) -> tuple[Minute, ...]:
        """One for each of the last `MINUTES`, oldest first."""
        held, last = dict(self._minutes), milliseconds(now) // 60_000
        return tuple(held.get(minute, Minute()) for minute in range(last - MINUTES + 1, last + 1))

    def _bound(self) -> None:
        """Drop the oldest that ended; only when those do not suffice, the oldest that wait. What runs stays."""
        if len(self.rows) <= MAX_HELD + SLACK:
            return
        idle = [row for row in self.rows.values() if row.status not in (TaskStatus.ASSIGNED, TaskStatus.RUNNING)]
        idle.sort(key=lambda row: (not row.status.terminal, row.created_ms))
        for row in idle[: len(self.rows) - MAX_HELD]:
            self.rows.drop(row.id)
