"""Schedules that come due: the leader submits their tasks, as every door does, and moves them on to their next time.

The task is published first and the schedule is moved after it. The task's id is made of schedule and due time: a leader that dies
between the two leaves it to the next one, whose publish brings the same task once more, and that is taken in once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from bus import subjects, telemetry
from bus.client import Bus
from bus.codec import explain
from bus.errors import AlreadyEnded, Conflict, HiveError, NoLeader, PermissionDenied, TaskNotFound
from bus.messages import EventType, Overlap, ScheduleChange, ScheduleProblem, TaskStatus
from bus.submit import accepted, publish_task, require_rights
from coordinator.leading.facts import Fact, schedule_fact
from coordinator.schedules.rows import Standing, standing_from
from coordinator.schedules.schedule import due, task_id_of
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 0.5
MOST: Final = 100
"""Schedules of one look; what is left comes with the next, half a second later."""

Cancel = Callable[[UUID], Awaitable[None]]
"""Ends a task, as its owner's cancel does."""


@dataclass(slots=True)
class _Progress:
    """What becomes of one schedule in one look."""

    standing: Standing
    now: datetime
    last_task_id: UUID | None
    last_due: datetime | None = None
    problem: ScheduleProblem | None = None
    pause: bool = False
    facts: list[Fact] = field(default_factory=list)

    def tell(self, event: EventType, at: datetime, *, task_id: UUID | None = None, error: HiveError | None = None) -> None:
        """Of the due time `at`: a task, or the error that says why none."""
        self.last_due, self.problem = at, None
        if error is not None:
            self.problem = ScheduleProblem(code=error.code, message=error.message, at=self.now)
        record = self.standing.record
        change = ScheduleChange(
            schedule_id=record.id, name=record.name, owner=record.owner, due_at=at, task_id=task_id, problem=self.problem
        )
        self.facts.append(schedule_fact(event, record.tenant, change, self.now))


class Firing:
    """Made for a term."""

    def __init__(self, bus: Bus, statements: Statements, epoch: int, cancel: Cancel) -> None:
        self._bus, self._sql, self._epoch, self._cancel = bus, statements, epoch, cancel

    async def run(self) -> None:
        while True:
            try:
                await self.look(datetime.now(UTC))
            except (HiveError, asyncpg.PostgresError, *AWAY) as error:  # nothing was moved: the next look finds it again
                logger.warning("schedules_wait", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, now: datetime) -> None:
        """Submits whatever has come due by `now`. StoreFull, BusUnavailable and what asyncpg raises, with the rest left as it is."""
        for row in await self._sql.all("due_schedules", now, MOST):
            try:
                standing = standing_from(row)
            except ValidationError as error:  # of a version that took what this one does not: it must not hold up the others
                await self._give_up(row, explain(error), now)
            else:
                await self._come_due(standing, now)

    async def _come_due(self, standing: Standing, now: datetime) -> None:
        record = standing.record
        if record.next_due is None:
            return
        progress = _Progress(standing, now, record.last_task_id)
        try:
            came = due(standing.timing, record.catch_up, record.next_due, now)
            _require_standing(standing)
        except HiveError as error:  # its key was revoked, or its time zone is gone: nothing will come of it until somebody acts
            progress.tell(EventType.SCHEDULE_FAILED, record.next_due, error=error)
            progress.pause = True
            await self._move(progress, None)
            return
        for at in came.times:
            await self._bring(progress, at)
        if not came.times:
            missed = NoLeader(
                f"No coordinator led at {record.next_due:%Y-%m-%d %H:%M} UTC, and `catch_up` is {record.catch_up}."
            )
            progress.tell(EventType.SCHEDULE_SKIPPED, record.next_due, error=missed)
        await self._move(progress, came.next_due)

    async def _bring(self, progress: _Progress, at: datetime) -> None:
        standing, overlap, last = progress.standing, progress.standing.record.overlap, progress.last_task_id
        task_id = task_id_of(standing.record.id, at)
        if overlap is not Overlap.ALLOW and last is not None and last != task_id and await self._goes_on(last):
            if overlap is Overlap.SKIP:
                skipped = Conflict(f"The task {last} of the time before has not ended, and `overlap` is {overlap}.")
                progress.tell(EventType.SCHEDULE_SKIPPED, at, error=skipped)
                return
            await self._end(last)
        body = standing.request.model_dump_json(exclude_defaults=True).encode()
        await publish_task(self._bus, accepted(task_id, standing.request, standing.claims, at), body)
        progress.last_task_id = task_id
        progress.tell(EventType.SCHEDULE_FIRED, at, task_id=task_id)

    async def _goes_on(self, task_id: UUID) -> bool:
        """Whether it has not ended: by the record, or where that does not have it, by the stream, from which it may come yet."""
        status = await self._status(task_id)
        if status is None and await self._bus.last(subjects.TASKS, subjects.submits_of_task(task_id)) is not None:
            status = await self._status(task_id) or TaskStatus.QUEUED
        return status is not None and not status.terminal

    async def _status(self, task_id: UUID) -> TaskStatus | None:
        row = await self._sql.one("task_statuses", [task_id], None)
        return None if row is None else TaskStatus(row["status"])

    async def _end(self, task_id: UUID) -> None:
        try:
            await self._cancel(task_id)
        except (AlreadyEnded, TaskNotFound):  # meanwhile
            return

    async def _give_up(self, row: Any, error: HiveError, now: datetime) -> None:
        problem = ScheduleProblem(code=error.code, message=error.message, at=now).model_dump_json()
        logger.error("schedule_unreadable", schedule_id=str(row["id"]), error=error.message)
        await self._sql.one("move_schedule", self._epoch, row["id"], row["next_due"], None, False, None, None, problem)

    async def _move(self, progress: _Progress, next_due: datetime | None) -> None:
        """On to the next time, unless this leader is none any more or its owner has changed it; then the events of what came."""
        record = progress.standing.record
        moved = await self._sql.one(
            "move_schedule",
            self._epoch,
            record.id,
            record.next_due,
            next_due,
            record.enabled and not progress.pause,
            progress.last_due,
            progress.last_task_id,
            progress.problem.model_dump_json() if progress.problem else None,
        )
        for fact in progress.facts if moved is not None else ():
            await self._bus.publish(fact.subject, fact.body.encode(), headers={subjects.HEADER_MSG_ID: fact.message_id})
            logger.info("schedule_came_due", schedule_id=str(record.id), subject=fact.subject)


def _require_standing(standing: Standing) -> None:
    """PermissionDenied once the key is revoked, or may not do any more what the schedule asks for."""
    if standing.key_revoked:
        raise PermissionDenied(
            "The key that the schedule was made with was revoked, so it is paused. Resume it with a key that holds, or remove it."
        )
    require_rights(standing.request, standing.claims)
