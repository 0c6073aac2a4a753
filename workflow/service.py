"""The verbs of the workflow room: `hive.svc.workflows.*`, `hive.svc.executions.*`, and `hive.svc.webhooks.*` for the doors."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from bus import subjects
from bus.auth import Permission
from bus.errors import DeadlineExceeded, ExecutionEnded, ExecutionNotFound
from bus.messages import Claims, NoReply
from bus.messages.node_types import NodeTypeList
from bus.messages.previews import PreviewExpressions, Previews
from bus.messages.readings import WorkflowsCreated
from bus.messages.workflows import (
    ActivateWorkflow,
    CallWorkflowTool,
    ChangeWorkflow,
    CreateWorkflow,
    Door,
    ExecuteWorkflow,
    ExecutionList,
    ExecutionRecord,
    ExecutionRef,
    ListExecutions,
    ListWorkflows,
    ResumeCall,
    RetryExecution,
    WebhookCall,
    WebhookReply,
    WorkflowList,
    WorkflowRecord,
    WorkflowRef,
    WorkflowTools,
    WorkflowVersionRecord,
    WorkflowVersionRef,
    WorkflowVersions,
)
from bus.service import MAX_RUNNING, Call, Endpoint, Service
from bus.version import hive_version
from workflow.doors.form_steps import FormSteps
from workflow.doors.webhook_heard import read
from workflow.library.cache import Cache
from workflow.library.library import Library
from workflow.mcp.registry import Registry
from workflow.nodes.listing import listed
from workflow.running.engine import Engine
from workflow.running.held import Held
from workflow.running.previewing import Previewing
from workflow.running.reading import Reading
from workflow.running.rows import record_of_held
from workflow.running.starting import Starting

STOP_SECONDS: Final = 8.0
LOOK_SECONDS: Final = 0.1
WAIT_LOOK_SECONDS: Final = 0.5


class Verbs:
    """`tell_stop` tells the other engines to stop an execution that is one of theirs."""

    def __init__(
        self,
        engine: Engine,
        library: Library,
        reading: Reading,
        starting: Starting,
        tell_stop: Callable[[UUID], Awaitable[None]],
        cache: Cache,
        mcp_servers: Registry,
        previewing: Previewing,
    ) -> None:
        self._engine, self._library, self._reading, self._starting = engine, library, reading, starting
        self._tell_stop, self._cache, self._mcp_servers = tell_stop, cache, mcp_servers
        self._previewing = previewing
        self._forms = FormSteps(engine, starting, reading)

    async def create(self, call: Call[CreateWorkflow]) -> WorkflowRecord:
        return await self._library.create(call.body, call.claims)

    async def change(self, call: Call[ChangeWorkflow]) -> WorkflowRecord:
        return await self._library.change(call.body, call.claims)

    async def get(self, call: Call[WorkflowRef]) -> WorkflowRecord:
        record = await self._library.get(call.body.id, call.claims)
        if not record.mcp_tools:  # what it says of servers may be another in a moment
            self._cache.show(record)
        return record

    async def list(self, call: Call[ListWorkflows]) -> WorkflowList:
        return await self._library.list(call.body, call.claims)

    async def versions(self, call: Call[WorkflowRef]) -> WorkflowVersions:
        return await self._library.versions(call.body.id, call.claims)

    async def version(self, call: Call[WorkflowVersionRef]) -> WorkflowVersionRecord:
        return await self._library.version(call.body, call.claims)

    async def node_types(self, call: Call[NoReply]) -> NodeTypeList:
        tools = await self._mcp_servers.with_tools(call.claims)
        return listed(self._engine.interpreter.registry, tools, self._starting.base_url)

    async def activate(self, call: Call[ActivateWorkflow]) -> WorkflowRecord:
        return await self._library.activate(call.body.id, call.body.active, call.claims)

    async def delete(self, call: Call[WorkflowRef]) -> NoReply:
        await self._library.delete(call.body.id, call.claims)
        return NoReply()

    async def created(self, call: Call[NoReply]) -> WorkflowsCreated:
        return await self._library.created_today()

    async def execute(self, call: Call[ExecuteWorkflow]) -> ExecutionRecord:
        """Waits for the end for as long as was asked; the record says whether it came."""
        execution_id = await self._starting.execute(call.body, call.claims, call.size)
        return await self._within(execution_id, call.body.wait_seconds, call.claims)

    async def tools(self, call: Call[NoReply]) -> WorkflowTools:
        return await self._library.tools(call.claims)

    async def call_tool(self, call: Call[CallWorkflowTool]) -> ExecutionRecord:
        """As `execute`, but of an active workflow and with its saver's rights."""
        execution_id = await self._starting.call_tool(call.body, call.claims, call.size)
        return await self._within(execution_id, call.body.wait_seconds, call.claims)

    async def _within(self, execution_id: UUID, seconds: float, claims: Claims) -> ExecutionRecord:
        held = self._engine.held.get(execution_id)
        if seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._end_of(execution_id, held)
        return await self._shown(execution_id, held, claims)

    async def _end_of(self, execution_id: UUID, held: Held | None) -> None:
        """Here; or in the record, where it is let go of or is another engine's."""
        if held is not None:
            await held.ended.wait()
            if held.execution.ended:
                return
        while not await self._reading.has_ended(execution_id):
            await asyncio.sleep(WAIT_LOOK_SECONDS)

    async def _shown(self, execution_id: UUID, held: Held | None, claims: Claims) -> ExecutionRecord:
        """One that ended here is shown to whoever started it, also where its workflow keeps no record. ExecutionNotFound."""
        try:
            return await self._reading.get(execution_id, claims)
        except ExecutionNotFound:
            if held is None or not held.execution.ended or held.origin.claims.tenant != claims.tenant:
                raise
            return record_of_held(held)

    async def get_execution(self, call: Call[ExecutionRef]) -> ExecutionRecord:
        return await self._reading.get(call.body.id, call.claims)

    async def list_executions(self, call: Call[ListExecutions]) -> ExecutionList:
        return await self._reading.list(call.body, call.claims)

    async def retry(self, call: Call[RetryExecution]) -> ExecutionRecord:
        execution_id = await self._starting.retry(call.body, call.claims)
        return await self._shown(execution_id, self._engine.held.get(execution_id), call.claims)

    async def preview(self, call: Call[PreviewExpressions]) -> Previews:
        return await self._previewing.preview(call.body, call.claims)

    async def stop(self, call: Call[ExecutionRef]) -> ExecutionRecord:
        """Answered once it has ended. ExecutionEnded for one that had ended before."""
        before = await self._reading.get(call.body.id, call.claims)
        if before.status.ended:
            raise ExecutionEnded(f"The execution is {before.status.value} already.")
        told = await self._starting.stop(call.body.id)
        if not told:
            await self._tell_stop(call.body.id)
        return await self._until_ended(call.body.id, call.claims, told=told)

    async def _until_ended(self, execution_id: UUID, claims: Claims, *, told: bool) -> ExecutionRecord:
        """`told`: it is ours. Else it may have been let go of, by its engine, just before that heard of it."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while True:
                    found = await self._reading.get(execution_id, claims)
                    if found.status.ended:
                        return found
                    await asyncio.sleep(LOOK_SECONDS)
                    told = told or await self._starting.stop(execution_id)
        except TimeoutError:
            raise DeadlineExceeded(
                f"The execution was told to stop and has not within {STOP_SECONDS:g} s. Look again."
            ) from None

    async def webhook(self, call: Call[WebhookCall]) -> WebhookReply:
        return await self._starting.call(read(call.body), call.claims, call.size)

    async def resume(self, call: Call[ResumeCall]) -> WebhookReply:
        heard = read(call.body)
        if heard.door is Door.FORM:
            return await self._forms.heard(heard)
        return await self._starting.resume(heard)


def services(verbs: Verbs, most_executions: int) -> tuple[Service, ...]:
    """All engines serve all of them; a request goes to one. `most_executions`: that run or wait; who calls for one more is to be told
    so at once, so as many calls, and more, are heard at the same time."""
    workflows = (
        _endpoint("create", CreateWorkflow, verbs.create, Permission.WORKFLOWS_CREATE, "Store a workflow"),
        _endpoint("update", ChangeWorkflow, verbs.change, Permission.WORKFLOWS_EDIT, "Store a new version"),
        _endpoint("get", WorkflowRef, verbs.get, Permission.WORKFLOWS_VIEW, "With its document"),
        _endpoint("list", ListWorkflows, verbs.list, Permission.WORKFLOWS_VIEW, "Without documents"),
        _endpoint("versions", WorkflowRef, verbs.versions, Permission.WORKFLOWS_VIEW, "Who saved what when"),
        _endpoint("version", WorkflowVersionRef, verbs.version, Permission.WORKFLOWS_VIEW, "One version with its document"),
        _endpoint(
            "node-types",
            NoReply,
            verbs.node_types,
            Permission.WORKFLOWS_VIEW,
            "What nodes the engines run, tools of MCP servers among them",
        ),
        _endpoint("activate", ActivateWorkflow, verbs.activate, Permission.WORKFLOWS_EDIT, "Let its triggers begin or end"),
        _endpoint("delete", WorkflowRef, verbs.delete, Permission.WORKFLOWS_DELETE, "Its executions stay"),
        _endpoint("created", NoReply, verbs.created, Permission.METRICS_VIEW, "How many were stored today"),
        _endpoint("execute", ExecuteWorkflow, verbs.execute, Permission.EXECUTIONS_START, "Run it by hand"),
        _endpoint("tools", NoReply, verbs.tools, Permission.EXECUTIONS_START, "Active ones that the caller may call"),
        _endpoint("call", CallWorkflowTool, verbs.call_tool, Permission.EXECUTIONS_START, "With its saver's rights"),
    )
    executions = (
        _endpoint("get", ExecutionRef, verbs.get_execution, Permission.EXECUTIONS_VIEW, "With its run data"),
        _endpoint("list", ListExecutions, verbs.list_executions, Permission.EXECUTIONS_VIEW, "Without run data"),
        _endpoint("stop", ExecutionRef, verbs.stop, Permission.EXECUTIONS_STOP, "End it between two nodes"),
        _endpoint("retry", RetryExecution, verbs.retry, Permission.EXECUTIONS_START, "Again from the node that failed"),
        _endpoint(
            "preview", PreviewExpressions, verbs.preview, Permission.EXECUTIONS_START, "What expressions give for an item"
        ),
    )
    webhooks = (
        # Who calls a webhook has no key; a test call needs one, which is looked at there.
        _endpoint("call", WebhookCall, verbs.webhook, None, "What came to /webhook/…"),
        _endpoint("resume", ResumeCall, verbs.resume, None, "What came to /webhook-waiting/… and /form-waiting/…"),
    )
    return (
        _service(subjects.SERVICE_WORKFLOWS, "Workflows and their versions", workflows),
        _service(subjects.SERVICE_EXECUTIONS, "Executions of workflows", executions),
        _service(subjects.SERVICE_WEBHOOKS, "Calls of webhooks", webhooks, most_executions + MAX_RUNNING),
    )


def _endpoint(
    verb: str,
    body: type[BaseModel],
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    permission: Permission | None,
    description: str,
) -> Endpoint:
    return Endpoint(verb=verb, body=body, handler=handler, permission=permission, description=description)


def _service(name: str, description: str, endpoints: tuple[Endpoint, ...], at_once: int = MAX_RUNNING) -> Service:
    return Service(name=name, version=hive_version(), description=description, endpoints=endpoints, at_once=at_once)
