"""Executions as the record has them, for the doors."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from bus.database import NamedStatements, available
from bus.errors import ExecutionNotFound
from bus.messages import Claims
from bus.messages.workflows import ExecutionList, ExecutionRecord, ListExecutions
from workflow.core.codec import in_n8n_shape
from workflow.core.execution import Execution, Status
from workflow.doors.webhooks import Table, routes_of
from workflow.library.listings import cursor, read_cursor
from workflow.n8n.parse import parse_text
from workflow.running.rows import execution_of, record_of
from workflow.sql import queries


class Reading:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._statements = NamedStatements(pool, queries())

    async def execution(self, execution_id: UUID, tenant: str | None = None) -> tuple[Mapping[str, Any], Execution]:
        """Its row, and the execution as it was saved last. ExecutionNotFound, also where it is not of the `tenant` that is named."""
        with available():
            row = await self._statements.one("get_execution", execution_id, tenant)
            if row is None:
                raise _no_execution(execution_id)
            pieces = await self._statements.all("runs_of", [execution_id])
        return row, execution_of(row, [piece["runs"] for piece in pieces])

    async def execution_for(self, execution_id: UUID, claims: Claims) -> tuple[Mapping[str, Any], Execution]:
        """ExecutionNotFound, also where it is of another tenant."""
        return await self.execution(execution_id, claims.tenant)

    async def get(self, execution_id: UUID, claims: Claims) -> ExecutionRecord:
        row, execution = await self.execution_for(execution_id, claims)
        return record_of(row, in_n8n_shape(execution))

    async def has_ended(self, execution_id: UUID) -> bool:
        """Also where its workflow keeps no record of it."""
        with available():
            row = await self._statements.one("status_of", execution_id)
        return row is None or Status(row["status"]).ended

    async def list(self, query: ListExecutions, claims: Claims) -> ExecutionList:
        """Of the asker's tenant."""
        at, last = read_cursor(query.cursor)
        statuses = [status.value for status in query.status] or None
        with available():
            arguments = (query.workflow_id, statuses, at, last, query.limit + 1, claims.tenant, query.owner)
            rows = await self._statements.all("list_executions", *arguments)
        records = [record_of(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        return ExecutionList(
            executions=tuple(records), next_cursor=cursor(records[-1].created_at, records[-1].id) if more else None
        )

    async def test_table(self, claims: Claims) -> Table:
        """Webhooks of the tenant's workflows as they are saved, active or not: a test call reaches what is on the canvas."""
        with available():
            rows = await self._statements.all("workflows_with_webhooks", claims.tenant)
        return Table(route for row in rows for route in routes_of(row["id"], parse_text(row["n8n_data"]), test=True))


def _no_execution(execution_id: UUID) -> ExecutionNotFound:
    return ExecutionNotFound(f"There is no execution {execution_id}, or its workflow keeps none.")
