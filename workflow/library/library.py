"""The workflows that are kept: their documents and versions, what is active, and plans that are made once a version."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from bus.database import NamedStatements, available
from bus.errors import Conflict, WorkflowNotFound
from bus.messages import Claims
from bus.messages.readings import WorkflowsCreated
from bus.messages.workflows import (
    ChangeWorkflow,
    CreateWorkflow,
    ListWorkflows,
    WorkflowList,
    WorkflowProblem,
    WorkflowRecord,
    WorkflowTool,
    WorkflowTools,
    WorkflowVersion,
    WorkflowVersionRecord,
    WorkflowVersionRef,
    WorkflowVersions,
)
from workflow.core.graph import Graph, plan
from workflow.core.remembering import merged
from workflow.doors.calling import may_call
from workflow.doors.tools import called_trigger, input_schema
from workflow.doors.webhooks import Table
from workflow.library.activation import listen, silence
from workflow.library.current import Routes
from workflow.library.listings import cursor, listed, read_cursor
from workflow.library.needing import Needing, shown, stored
from workflow.library.plans import Plan, Plans, no_workflow
from workflow.n8n.check import check
from workflow.n8n.limits import check_depth
from workflow.n8n.parse import parse
from workflow.n8n.tools import needs_of
from workflow.nodes.registry import Registry
from workflow.running.held import Origin
from workflow.running.rows import encode
from workflow.sql import queries

MAX_TOOLS: Final = 128
"""More than a model can choose among, and fewer than plans are kept."""


class Library:
    """`told` is called with the id of a workflow that changed, and its tenant, after it was committed."""

    def __init__(
        self, pool: asyncpg.Pool, registry: Registry, time_zone: str, told: Callable[[UUID, str], Awaitable[None]]
    ) -> None:
        self._pool, self._registry, self._zone, self._told = pool, registry, time_zone, told
        self._statements = NamedStatements(pool, queries())
        self._plans = Plans(self._statements)
        self._routes = Routes(self._statements)
        self._needing = Needing(pool)

    def forget(self, workflow_id: UUID | None = None) -> None:
        """What is known of it may have changed; None: of all of them."""
        self._routes.forget()
        self._plans.forget(workflow_id)

    async def create(self, wish: CreateWorkflow, claims: Claims) -> WorkflowRecord:
        """InvalidWorkflow, WorkflowTooLarge for what can never be one; what only does not run is told in `problems`."""
        document, name = _checked(wish.n8n_data), wish.name
        name = name or str(wish.n8n_data.get("name") or "Workflow").replace("\x00", "")
        head = (uuid4(), name[:255], wish.description, _n8n_id(document), _text(document), _mcp_tools(document))
        with available():
            async with self._pool.acquire() as connection, connection.transaction():
                statements = NamedStatements(connection, queries())
                row = await statements.one("insert_workflow", *head, claims.sub, claims.tenant, claims.model_dump_json())
                if row is None:
                    raise RuntimeError("an insert gave no row")
                await statements.run("insert_version", row["id"], 1, row["name"], row["n8n_data"], claims.sub)
                await statements.run("count_created")  # last: others who create wait for its row until the commit
        return await self._record(row)

    async def created_today(self) -> WorkflowsCreated:
        with available():
            row = await self._statements.one("created_today")
        if row is None:
            raise RuntimeError("a row of expressions gave no row")
        return WorkflowsCreated(day=row["day"], created=row["created"])

    async def change(self, wish: ChangeWorkflow, claims: Claims) -> WorkflowRecord:
        """A new version. Conflict when `version` is not the one that is changed."""
        before = await self._row(wish.id, claims)
        if wish.version is not None and wish.version != before["version"]:
            raise Conflict(f"The workflow is at version {before['version']} and not {wish.version}: somebody saved meanwhile.")
        document = json.loads(before["n8n_data"]) if wish.n8n_data is None else _checked(wish.n8n_data)
        name, description = wish.name or before["name"], wish.description or before["description"]
        arguments = (
            wish.id,
            before["version"],
            name,
            description,
            _n8n_id(document),
            _text(document),
            _mcp_tools(document),
            claims.model_dump_json(),
        )
        with available():
            async with self._pool.acquire() as connection, connection.transaction():
                statements = NamedStatements(connection, queries())
                row = await statements.one("update_workflow", *arguments)
                if row is None:
                    raise Conflict("Somebody else saved the workflow at the same time. Read it again, and save then.")
                await statements.run("insert_version", wish.id, row["version"], name, row["n8n_data"], claims.sub)
                if row["active"]:
                    await listen(statements, wish.id, document, self._registry, self._zone)
        await self._changed(wish.id, claims.tenant)
        return await self._record(row)

    async def activate(self, workflow_id: UUID, active: bool, claims: Claims) -> WorkflowRecord:
        """Its webhooks and schedules begin, or end. InvalidWorkflow for one that must not start; WebhookTaken."""
        before = await self._row(workflow_id, claims)
        with available():
            async with self._pool.acquire() as connection, connection.transaction():
                statements = NamedStatements(connection, queries())
                row = await statements.one("set_active", workflow_id, active)
                if row is None:
                    raise no_workflow(workflow_id)
                if active:
                    await listen(statements, workflow_id, json.loads(before["n8n_data"]), self._registry, self._zone)
                else:
                    await silence(statements, workflow_id)
        await self._changed(workflow_id, claims.tenant)
        return await self._record(row)

    async def delete(self, workflow_id: UUID, claims: Claims) -> None:
        await self._row(workflow_id, claims)
        with available():
            if await self._statements.one("delete_workflow", workflow_id) is None:
                raise no_workflow(workflow_id)
        await self._changed(workflow_id, claims.tenant)

    async def get(self, workflow_id: UUID, claims: Claims) -> WorkflowRecord:
        return await self._record(await self._row(workflow_id, claims))

    async def list(self, query: ListWorkflows, claims: Claims) -> WorkflowList:
        """Of the asker's tenant."""
        at, last = read_cursor(query.cursor)
        with available():
            arguments = (query.active, at, last, query.limit + 1, claims.tenant, query.owner, query.search)
            rows = await self._statements.all("list_workflows", *arguments)
        records = [listed(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        return WorkflowList(
            workflows=tuple(records), next_cursor=cursor(records[-1].created_at, records[-1].id) if more else None
        )

    async def standing(self, workflow_id: UUID) -> tuple[int, bool] | None:
        """The version that counts and whether it is active, as the record has it now. None where there is no such workflow."""
        with available():
            row = await self._statements.one("current_version", workflow_id)
        return None if row is None else (row["version"], row["active"])

    async def versions(self, workflow_id: UUID, claims: Claims) -> WorkflowVersions:
        await self._row(workflow_id, claims)
        with available():
            rows = await self._statements.all("list_versions", workflow_id)
        return WorkflowVersions(versions=tuple(WorkflowVersion(**row) for row in rows))

    async def version(self, wanted: WorkflowVersionRef, claims: Claims) -> WorkflowVersionRecord:
        """WorkflowNotFound, also for a version that it never had."""
        await self._row(wanted.id, claims)
        with available():
            row = await self._statements.one("get_version", wanted.id, wanted.version)
        if row is None:
            raise WorkflowNotFound(f"The workflow {wanted.id} has no version {wanted.version}.")
        return WorkflowVersionRecord(**{**row, "n8n_data": json.loads(row["n8n_data"])})

    async def tools(self, claims: Claims) -> WorkflowTools:
        """The active workflows that `claims` may call, MAX_TOOLS at most."""
        with available():
            rows = await self._statements.all("callable_workflows", claims.tenant, claims.sub, MAX_TOOLS)
        found = [await self._tool(row, claims) for row in rows]
        return WorkflowTools(tools=tuple(tool for tool in found if tool is not None))

    async def _tool(self, row: Any, claims: Claims) -> WorkflowTool | None:
        """None for what no call can start, was deleted meanwhile, or is not open to them."""
        try:
            plan = await self.plan(row["id"], row["version"])
        except WorkflowNotFound:
            return None
        workflow = plan.graph.workflow
        trigger = called_trigger(workflow)
        if trigger is None or not may_call(workflow, plan.origin.claims, claims):
            return None
        return WorkflowTool(**row, input_schema=input_schema(trigger))

    async def plan(self, workflow_id: UUID, version: int | None = None) -> Plan:
        """The current version unless one is named. WorkflowNotFound."""
        return await self._plans.of(workflow_id, version)

    async def graph_of(self, origin: Origin) -> Graph:
        """What an execution runs: the document that it was given, else its workflow in its version. WorkflowNotFound where that was deleted."""
        if origin.document is not None:
            return plan(parse(origin.document))
        if origin.workflow_id is None:
            raise WorkflowNotFound("The execution's workflow was deleted.")
        return (await self.plan(origin.workflow_id, origin.version)).graph

    async def plan_for(self, workflow_id: UUID, claims: Claims) -> Plan:
        """The current version. WorkflowNotFound, also where it is of another tenant."""
        found = await self.plan(workflow_id)
        if found.origin.claims.tenant != claims.tenant:
            raise no_workflow(workflow_id)
        return found

    async def resolve(self, reference: str, saver: Claims) -> UUID:
        """A workflow by its id here, or by the id that its document had in n8n. WorkflowNotFound.

        Anybody can write an id of n8n into a document, so it means those alone that `saver` saved.
        """
        try:
            return UUID(reference)
        except ValueError:
            with available():
                row = await self._statements.one("workflow_by_n8n_id", reference, saver.tenant, saver.sub)
        if row is None:
            raise WorkflowNotFound(
                f"There is no workflow {reference!r}. An id of n8n finds what {saver.sub} saved; name another's by its id in Hive."
            )
        found: UUID = row["id"]
        return found

    async def save_static_data(self, workflow_id: UUID, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """What an execution changed of what it had read `before`; others may have saved meanwhile."""
        with available():
            async with self._pool.acquire() as connection, connection.transaction():
                statements = NamedStatements(connection, queries())
                row = await statements.one("lock_static_data", workflow_id)
                if row is not None:
                    now = {} if row["static_data"] is None else json.loads(row["static_data"])
                    await statements.run("save_static_data", workflow_id, encode(merged(before, after, now)))

    async def table(self, *, fresh: bool = False) -> Table:
        return await self._routes.table(fresh=fresh)

    async def _row(self, workflow_id: UUID, claims: Claims) -> Any:
        """WorkflowNotFound, also where it is of another tenant: whose it is, is nobody else's to know."""
        with available():
            row = await self._statements.one("get_workflow", workflow_id, claims.tenant)
        if row is None:
            raise no_workflow(workflow_id)
        return row

    async def _changed(self, workflow_id: UUID, tenant: str) -> None:
        self.forget(workflow_id)
        await self._told(workflow_id, tenant)

    async def _record(self, row: Any) -> WorkflowRecord:
        document = json.loads(row["n8n_data"])
        workflow = parse(document)
        servers = await self._needing.servers(needs_of(workflow), row["tenant"])
        report = check(workflow, self._registry, servers)
        return WorkflowRecord(
            **{
                name: row[name]
                for name in (
                    "id",
                    "name",
                    "description",
                    "created_by",
                    "tenant",
                    "version",
                    "active",
                    "created_at",
                    "updated_at",
                )
            },
            n8n_data=document,
            mcp_tools=shown(report.needs, servers),
            problems=tuple(
                WorkflowProblem(code=each.code, message=each.message, severity=each.severity.value, node=each.node)
                for each in report.problems
            ),
        )


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    check_depth(document)
    parse(document)
    return document


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document)


def _mcp_tools(document: Mapping[str, Any]) -> str | None:
    return stored(needs_of(parse(document)))


def _n8n_id(document: Mapping[str, Any]) -> str | None:
    found = document.get("id")
    return str(found).replace("\x00", "") if isinstance(found, str | int) and found != "" else None
