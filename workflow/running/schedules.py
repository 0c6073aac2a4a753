"""Starts executions at the due times of schedule nodes: each time once, however many engines look.

One engine has the row at a time. It stores the executions, whose ids follow from the due times, moves the row on, and only then runs
them: an engine that dies in between leaves a row that is found again, and executions that are taken up, and nothing twice.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import asyncpg

from bus import telemetry
from bus.database import AWAY, NamedStatements
from bus.errors import DatabaseUnavailable, HiveError, PermissionDenied
from workflow.core.ending import trigger_failed
from workflow.core.execution import Mode
from workflow.core.failure import Failure
from workflow.running import due
from workflow.running.engine import Engine
from workflow.running.store import Lost
from workflow.sql import queries

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 1.0
AGAIN: Final = timedelta(minutes=1)
"""After a time that failed."""


class Schedules:
    def __init__(self, pool: asyncpg.Pool, engine: Engine, time_zone: str) -> None:
        self._statements = NamedStatements(pool, queries())
        self._pool, self._engine, self._zone = pool, engine, time_zone

    async def run(self) -> None:
        while True:
            try:
                await self.look(datetime.now(UTC))
                next_at = await self._next()
            except (*AWAY, asyncpg.PostgresError, DatabaseUnavailable) as error:
                logger.warning("schedules_wait_for_database", reason=type(error).__name__)
                next_at = None
            left = LOOK_SECONDS if next_at is None else (next_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(min(LOOK_SECONDS, max(0.01, left)))

    async def look(self, now: datetime) -> None:
        """Fires what has come due by `now`. What one row raises holds up no other: it is tried again in a minute. AWAY and
        DatabaseUnavailable, with the rest left as it is."""
        for row in await self._statements.all("due_schedules", now):
            try:
                await self._fire(row, now)
            except (*AWAY, DatabaseUnavailable):
                raise
            except Exception as error:
                self._log_failed(row, error)
                await self._tell_failed(row, error, now)
                await self._move(self._statements, row, now + AGAIN)

    def _log_failed(self, row: Mapping[str, Any], error: Exception) -> None:
        where = {"workflow_id": str(row["workflow_id"]), "node": row["node"]}
        if isinstance(error, HiveError):
            logger.warning("schedule_failed", **where, reason=error.message)
        else:  # a node that is gone from the document, a time that no calendar has: its place in the code is needed
            logger.exception("schedule_failed", **where, reason=type(error).__name__)

    async def _tell_failed(self, row: Mapping[str, Any], error: Exception, now: datetime) -> None:
        """The error workflow, once for a version of the workflow; where that fails too, the log has said it."""
        try:
            plan = await self._engine.library.plan(row["workflow_id"], row["version"])
            failure = Failure.of(error, row["node"])
            effect = trigger_failed(plan.graph.workflow, row["node"], failure, int(now.timestamp() * 1000))
            if effect is None:
                return
            keyed = effect.model_copy(update={"key": f"{effect.key}.{row['version']}"})
            failed = self._engine.prepare(plan, uuid4(), mode=Mode.TRIGGER)
            held = await self._engine.carrier.error_execution(failed, keyed)
            if held is not None:
                await self._engine.store.save(held)
                self._engine.start(held)
        except Lost:  # it was told before
            return
        except (*AWAY, DatabaseUnavailable):
            raise
        except Exception as other:
            logger.warning("schedule_failure_not_told", workflow_id=str(row["workflow_id"]), reason=repr(other)[:500])

    async def _next(self) -> datetime | None:
        found = await self._statements.one("next_schedule")
        at: datetime | None = found["at"] if found is not None else None
        return at

    async def _fire(self, row: Mapping[str, Any], now: datetime) -> None:
        plan = await self._engine.library.plan(row["workflow_id"], row["version"])
        workflow = plan.graph.workflow
        node = workflow.by_name[row["node"]]
        times, following = due.came_due(workflow, node, row["next_due"], now, self._zone)
        zone = workflow.time_zone or self._zone
        try:
            self._engine.keys.require(plan.origin.claims)
        except PermissionDenied as error:
            logger.warning("schedule_skipped", workflow_id=str(row["workflow_id"]), node=row["node"], reason=error.message)
            await self._move(self._statements, row, following)
            return
        made = []
        async with self._pool.acquire() as connection, connection.transaction():
            statements = NamedStatements(connection, queries())
            if await statements.one("lock_schedule", row["workflow_id"], row["node"], row["next_due"]) is None:
                return
            for at in times:
                execution_id = due.execution_id_of(row["workflow_id"], node.name, at)
                item = due.due_item(node, at, zone)
                held = self._engine.prepare(plan, execution_id, mode=Mode.TRIGGER, start=node.name, items=(item,))
                with suppress(Lost):
                    await self._engine.store.save(held)
                    made.append(held)
            await self._move(statements, row, following)
        for held in made:
            self._engine.start(held)

    async def _move(self, statements: NamedStatements, row: Mapping[str, Any], following: datetime | None) -> None:
        arguments = (row["workflow_id"], row["node"], row["next_due"])
        if following is None:
            await statements.one("end_schedule", *arguments)
        else:
            await statements.one("move_schedule", *arguments, following)
