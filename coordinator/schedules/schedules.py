"""The verbs of schedules. Any coordinator answers them: what is due is PostgreSQL's to tell, and the leader's to submit (firing.py).

A schedule's tasks are its owner's, with the rights of the key that it was made with or last changed by its owner with. What that key
may not use is refused here; once it is revoked the schedule is paused at its next time.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from pydantic import ValidationError

from bus import auth, subjects
from bus.auth import Permission
from bus.client import Bus
from bus.codec import encode, explain
from bus.errors import Conflict, PayloadTooLarge, PermissionDenied, ScheduleNotFound, TooManySchedules, UnknownModel
from bus.messages import (
    ChangeSchedule,
    Claims,
    CreateSchedule,
    ListSchedules,
    NextTimes,
    NoReply,
    RunSchedule,
    ScheduleList,
    ScheduleRecord,
    ScheduleRef,
    TaskRecord,
    TaskRequest,
    Timing,
)
from bus.model_names import same_model
from bus.service import Call, Service
from bus.submit import accepted, publish_task, require_rights, unknown_model
from bus.tenancy import is_own, scope
from coordinator.endpoints import service, verb
from coordinator.reading.cursor import read_cursor, write_cursor
from coordinator.schedules.rows import Standing, record_from, standing_from
from coordinator.schedules.schedule import next_times, require_due
from coordinator.store.database import Statements, available
from coordinator.submits import MAX_BODY_BYTES

_TIMED = ("cron", "time_zone", "starts_at", "ends_at", "enabled")


class Schedules:
    """`per_owner`: how many of them one user may have."""

    def __init__(self, bus: Bus, statements: Statements, per_owner: int) -> None:
        self._bus, self._sql, self._per_owner = bus, statements, per_owner

    def service(self) -> Service:
        make = Permission.TASKS_CREATE
        return service(
            subjects.SERVICE_SCHEDULES,
            "Tasks that are submitted at each due time of a cron expression",
            verb("create", CreateSchedule, self._create, make, "A new schedule"),
            verb("list", ListSchedules, self._list, None, "Schedules, newest first, without their tasks"),
            verb("get", ScheduleRef, self._get, None, "One schedule with its task"),
            verb("update", ChangeSchedule, self._update, make, "Change it, pause it, resume it"),
            verb("delete", ScheduleRef, self._delete, None, "Remove it; its tasks stay"),
            verb("run", RunSchedule, self._run, make, "Submit its task now"),
            verb("preview", Timing, self._preview, None, "The next five due times of an expression"),
        )

    async def _create(self, call: Call[CreateSchedule]) -> ScheduleRecord:
        asked, claims = call.body, call.claims
        next_due = require_due(asked, datetime.now(UTC))
        await self._require_usable(asked.task, claims)
        with available():
            row = await self._sql.one(
                "insert_schedule", uuid4(), claims.tenant, claims.sub, *_columns(asked, claims, next_due), self._per_owner
            )
            if row is None and await self._sql.one("find_schedule", claims.tenant, claims.sub, asked.name) is None:
                raise TooManySchedules(
                    f"{claims.sub} has {self._per_owner} schedules, which are the most (HIVE_SCHEDULES_PER_OWNER). Remove one first."
                )
        if row is None:
            raise _name_taken(asked.name)
        return record_from(row)

    async def _list(self, call: Call[ListSchedules]) -> ScheduleList:
        asked, owner = call.body, auth.whose(call.claims, call.body.owner)
        with available():
            rows = await self._sql.all("list_schedules", owner, *read_cursor(asked.cursor), asked.limit + 1, scope(call.claims))
        records = tuple(record_from(row) for row in rows[: asked.limit])
        more = len(rows) > asked.limit
        return ScheduleList(
            schedules=records, next_cursor=write_cursor(records[-1].created_at, records[-1].id) if more else None
        )

    async def _get(self, call: Call[ScheduleRef]) -> ScheduleRecord:
        return (await self._find(call.body.id, call.claims, Permission.TASKS_VIEW)).record

    async def _update(self, call: Call[ChangeSchedule]) -> ScheduleRecord:
        found = await self._find(call.body.id, call.claims, Permission.TASKS_CANCEL)
        wished = _changed(found, call.body)
        # Whoever else changes it lends it no rights of their own, and takes none away.
        claims = call.claims if is_own(call.claims, found.record.tenant, found.record.owner) else found.claims
        if claims is found.claims and found.key_revoked and wished.enabled:
            raise PermissionDenied(f"The key that it was made with was revoked. Only {found.record.owner} can resume it.")
        await self._require_usable(wished.task, claims)
        next_due = found.record.next_due
        if any(getattr(wished, name) != getattr(found.record, name) for name in _TIMED):
            next_due = require_due(wished, datetime.now(UTC))
        with available():
            try:
                row = await self._sql.one(
                    "update_schedule", found.record.id, found.record.updated_at, *_columns(wished, claims, next_due)
                )
            except asyncpg.UniqueViolationError:
                raise _name_taken(wished.name) from None
        if row is None:
            raise Conflict("Somebody else has just changed the schedule. Look at it, and try again.")
        return record_from(row)

    async def _delete(self, call: Call[ScheduleRef]) -> NoReply:
        found = await self._find(call.body.id, call.claims, Permission.TASKS_CANCEL)
        with available():
            await self._sql.run("delete_schedule", found.record.id)
        return NoReply()

    async def _run(self, call: Call[RunSchedule]) -> TaskRecord:
        """Also while it is paused, and whatever `overlap` says: somebody wants it now. Its next time stays as it is."""
        found = await self._find(call.body.id, call.claims, Permission.TASKS_CANCEL)
        if found.key_revoked:
            raise PermissionDenied("The key that it was made with was revoked. Change it with a key that holds, then run it.")
        task = accepted(call.body.task_id, found.request, found.claims, datetime.now(UTC))
        await publish_task(self._bus, task, encode(found.request))
        with available():
            await self._sql.run("schedule_ran", found.record.id, task.id)
        return task

    async def _preview(self, call: Call[Timing]) -> NextTimes:
        return NextTimes(times=next_times(call.body, datetime.now(UTC)))

    async def _find(self, schedule_id: UUID, claims: Claims, permission: Permission) -> Standing:
        with available():
            row = await self._sql.one("get_schedule", schedule_id, scope(claims))
        if row is None:
            raise ScheduleNotFound(f"There is no schedule {schedule_id}. `hive schedule list` shows them.")
        auth.require(claims, permission, owner=row["owner"])
        return standing_from(row)

    async def _require_usable(self, request: TaskRequest, claims: Claims) -> None:
        """PayloadTooLarge, PermissionDenied and UnknownModel, as for a submit."""
        if len(encode(request)) > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"The task has more than {MAX_BODY_BYTES:,} bytes. Shorten the prompt or split the work.")
        require_rights(request, claims)
        if request.model is None:
            return
        with available():
            names = [row["name"] for row in await self._sql.all("models")]
        if not any(same_model(request.model, name) for name in names):
            known = [name for name in names if auth.allows_model(claims, name)]
            raise UnknownModel(unknown_model(request.model, known, restricted=bool(claims.models)))


def _changed(found: Standing, wish: ChangeSchedule) -> CreateSchedule:
    """As it would be asked for anew. InvalidRequest where that makes no sense; null is a wish for `starts_at` and `ends_at` alone."""
    record = found.record
    before = {name: getattr(record, name) for name in CreateSchedule.model_fields if name != "task"} | {"task": found.request}
    wished = {name: getattr(wish, name) for name in wish.model_fields_set - {"id"}}
    kept = {name: value for name, value in wished.items() if value is not None or name in ("starts_at", "ends_at")}
    try:
        return CreateSchedule.model_validate(before | kept)
    except ValidationError as error:
        raise explain(error) from None


def _columns(asked: CreateSchedule, claims: Claims, next_due: datetime | None) -> tuple[Any, ...]:
    """From `claims` to `next_due`, as the statements take them."""
    return (
        claims.model_dump_json(),
        asked.name,
        asked.cron,
        asked.time_zone,
        asked.task.model_dump_json(exclude_unset=True),
        asked.enabled,
        asked.catch_up.value,
        asked.overlap.value,
        asked.starts_at,
        asked.ends_at,
        next_due if asked.enabled else None,
    )


def _name_taken(name: str) -> Conflict:
    return Conflict(f"There is a schedule {name!r} already. Choose another name, or change that one.")
