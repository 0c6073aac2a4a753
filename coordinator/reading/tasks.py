"""What any coordinator can tell about tasks without leading: they are in the record."""

import json
from uuid import UUID

from bus import auth, subjects
from bus.auth import Permission
from bus.client import Bus
from bus.errors import Conflict, DatabaseUnavailable, HiveError, TaskNotFound
from bus.messages import (
    Claims,
    ListTasks,
    NoReply,
    QueuePlaces,
    TaskClass,
    TaskIds,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
    TaskStatus,
)
from bus.messages.places import QueuePlace
from bus.messages.tasks import SubmittedTask
from bus.service import Call, Service
from bus.tenancy import knows, scope
from coordinator.endpoints import service, verb
from coordinator.reading.cursor import read_cursor, write_cursor
from coordinator.store.database import Statements, available
from coordinator.store.rows import asked_of, record_from
from coordinator.submits import Poison, interpret
from coordinator.tasks import Task

POSITION_SECONDS = 0.5
"""Longer than a leader needs; without one the position is unknown and nobody should wait for it."""


class Reads:
    def __init__(self, bus: Bus, statements: Statements) -> None:
        self._bus, self._sql = bus, statements

    def service(self) -> Service:
        return service(
            subjects.SERVICE_TASKS,
            "Tasks as they are recorded",
            verb("get", TaskRef, self._get, None, "One task by its id"),
            verb("submitted", TaskRef, self._submitted, None, "One task, and the hash of what was asked for, for doors"),
            verb("list", ListTasks, self._list, None, "Tasks, newest first"),
            verb("erase", TaskRef, self._erase, None, "Forget an ended task"),
        )

    async def _get(self, call: Call[TaskRef]) -> TaskRecord:
        record = await self.find(call.body.id, call.claims)
        auth.require(call.claims, Permission.TASKS_VIEW, owner=record.owner)
        return record

    async def _submitted(self, call: Call[TaskRef]) -> SubmittedTask:
        found = await self._find(call.body.id, call.claims)
        auth.require(call.claims, Permission.TASKS_VIEW, owner=found.record.owner)
        return found

    async def find(self, task_id: UUID, claims: Claims) -> TaskRecord:
        """TaskNotFound, also where it is of a tenant that these claims know nothing of."""
        [placed] = await self._with_positions(((await self._find(task_id, claims)).record,))
        return placed

    async def _find(self, task_id: UUID, claims: Claims) -> SubmittedTask:
        """PostgreSQL, then the stream, then PostgreSQL again: between the two looks it may have been moved, never lost.

        While PostgreSQL is away the stream still knows what was acknowledged meanwhile.
        """
        try:
            found = (
                await self._stored(task_id, claims)
                or await self._acknowledged(task_id, claims)
                or await self._stored(task_id, claims)
            )
        except DatabaseUnavailable:
            found = await self._acknowledged(task_id, claims)
            if found is None:
                raise
        if found is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        return found

    async def _stored(self, task_id: UUID, claims: Claims) -> SubmittedTask | None:
        with available():
            row = await self._sql.one("get_task", task_id, scope(claims))
            return None if row is None else SubmittedTask(record=record_from(row), body_hash=row["body_hash"])

    async def _acknowledged(self, task_id: UUID, claims: Claims) -> SubmittedTask | None:
        received = await self._bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
        if received is None:
            return None
        submit = interpret(received)
        if not knows(claims, submit.task.tenant):
            return None
        request = None if isinstance(submit, Poison) else submit.request
        body_hash = received.headers.get(subjects.HEADER_BODY_HASH)
        return SubmittedTask(record=_acknowledged_record(submit.task, request), body_hash=body_hash)

    async def _with_positions(self, records: tuple[TaskRecord, ...]) -> tuple[TaskRecord, ...]:
        """Those that are queued get their place in the queue, all by one question to the leader."""
        queued = tuple(record.id for record in records if record.status is TaskStatus.QUEUED)
        if not queued:
            return records
        subject = subjects.service_verb(subjects.SERVICE_QUEUE, "positions")
        try:
            asked = TaskIds(ids=queued)
            answer = await self._bus.request(subject, asked, QueuePlaces, timeout=POSITION_SECONDS, patient=False)
        except HiveError:
            return records
        return tuple(_placed(record, answer.places.get(record.id)) for record in records)

    async def _list(self, call: Call[ListTasks]) -> TaskList:
        asked, owner = call.body, auth.whose(call.claims, call.body.owner)
        statuses = [TaskStatus.FAILED.value] if asked.dead_letters else [status.value for status in asked.status]
        before_at, before_id = read_cursor(asked.cursor)
        kind = (statuses or None, asked.agent_id, asked.model, owner)
        pages = (asked.since, asked.before, asked.limit + 1)
        with available():
            rows = await self._sql.planned("list_tasks", *kind, before_at, before_id, *pages, scope(call.claims))
        records = await self._with_positions(tuple(record_from(row) for row in rows[: asked.limit]))
        more = len(rows) > asked.limit
        return TaskList(tasks=records, next_cursor=write_cursor(records[-1].created_at, records[-1].id) if more else None)

    async def _erase(self, call: Call[TaskRef]) -> NoReply:
        """Prompt, output, attempts and record, here and on the streams. Its events, which hold no text, expire."""
        record = await self.find(call.body.id, call.claims)
        auth.require(call.claims, Permission.TASKS_CANCEL, owner=record.owner)
        await self._refuse_unread(record.id)
        with available():
            if await self._sql.one("delete_task", record.id) is None:
                raise Conflict(f"The task {record.id} is {record.status}. Cancel it first; only an ended task can be erased.")
        for stream, subject in (
            (subjects.TASKS, subjects.submits_of_task(record.id)),
            (subjects.OUTPUT, subjects.outputs_of_task(record.id)),
        ):
            if last := await self._bus.last(stream, subject):
                await self._bus.purge(stream, subject, last.sequence)
        return NoReply()

    async def _refuse_unread(self, task_id: UUID) -> None:
        """Conflict while a submit of this id is ahead of the leader: without the row it would be taken for a new task.

        Such is a second submit, and one that was taken in early because another task depends on it.
        """
        found = [await self._bus.last(subjects.TASKS, subjects.submit("*", each, task_id)) for each in TaskClass]
        with available():
            row = await self._sql.one("positions")
        positions: dict[str, int] = json.loads(row["positions"]) if row else {}
        for task_class, submit in zip(TaskClass, found, strict=True):
            if submit is not None and submit.sequence > positions.get(task_class.value, 0):
                raise Conflict(f"A submit of task {task_id} still waits to be read. Try again in a moment.")


def _acknowledged_record(task: Task, request: TaskRequest | None) -> TaskRecord:
    record = TaskRecord(
        id=task.id,
        tenant=task.tenant,
        owner=task.owner,
        status=TaskStatus.PENDING if request and request.depends_on else TaskStatus.QUEUED,
        priority=task.priority,
        title=task.title,
        model=task.model,
        timeout_seconds=task.timeout_seconds,
        max_attempts=task.attempts_allowed,
        created_at=task.created_at,
    )
    return record if request is None else record.model_copy(update=asked_of(request))


def _placed(record: TaskRecord, place: QueuePlace | None) -> TaskRecord:
    if place is None:
        return record
    return record.model_copy(update={"position": place.position, "eta_seconds": place.eta_seconds, "rise": place.rise})
