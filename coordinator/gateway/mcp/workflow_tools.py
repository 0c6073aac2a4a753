"""Tools for workflows: store, change, publish and run them."""

import asyncio
from typing import Any, Final
from uuid import UUID, uuid4

from bus import subjects
from bus.auth import Permission
from bus.limits.rates import Limited
from bus.messages.workflows import (
    ActivateWorkflow,
    CallWorkflowTool,
    ChangeWorkflow,
    CreateWorkflow,
    ExecuteWish,
    ExecuteWorkflow,
    ExecutionRecord,
    ListWorkflows,
    WorkflowList,
    WorkflowRecord,
    WorkflowRef,
)
from bus.together import let_go
from coordinator.gateway import verbs
from coordinator.gateway.mcp.execution_events import hearing
from coordinator.gateway.mcp.execution_view import ExecutionState
from coordinator.gateway.mcp.tool import STEP_SECONDS, Call, Tool, WaitSeconds


class RunWorkflow(ExecuteWish):
    id: UUID
    wait_seconds: WaitSeconds = 0


async def _create(call: Call[CreateWorkflow]) -> WorkflowRecord:
    return await _order(call, "create", call.arguments)


async def _get(call: Call[WorkflowRef]) -> WorkflowRecord:
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_WORKFLOWS, "get", call.arguments, WorkflowRecord, call.claims)


async def _list(call: Call[ListWorkflows]) -> WorkflowList:
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_WORKFLOWS, "list", call.arguments, WorkflowList, call.claims)


async def _update(call: Call[ChangeWorkflow]) -> WorkflowRecord:
    return await _order(call, "update", call.arguments)


async def _activate(call: Call[ActivateWorkflow]) -> WorkflowRecord:
    """May be given twice."""
    return await verbs.ask(
        call.gateway.bus, subjects.SERVICE_WORKFLOWS, "activate", call.arguments, WorkflowRecord, call.claims
    )


async def _order(call: Call[Any], verb: str, body: CreateWorkflow | ChangeWorkflow) -> WorkflowRecord:
    return await verbs.order(call.gateway.bus, subjects.SERVICE_WORKFLOWS, verb, body, WorkflowRecord, call.claims)


async def _run(call: Call[RunWorkflow]) -> ExecutionState:
    wish = call.arguments
    body = ExecuteWorkflow(execution_id=uuid4(), **{name: getattr(wish, name) for name in type(wish).model_fields})
    return ExecutionState.of(await watched(call, "execute", body, wish.wait_seconds))


async def watched(call: Call[Any], verb: str, body: ExecuteWorkflow | CallWorkflowTool, wait_seconds: float) -> ExecutionRecord:
    """Starts an execution, and waits for its end as long as was asked; meanwhile the client is told which nodes have ended."""
    bus, claims, seconds = call.gateway.bus, call.claims, verbs.ORDER_SECONDS + wait_seconds
    async with hearing(bus, claims.tenant, body.execution_id) as heard:
        order = verbs.order(bus, subjects.SERVICE_WORKFLOWS, verb, body, ExecutionRecord, claims, seconds=seconds)
        asking, steps = asyncio.create_task(order), 0
        try:
            while not (await asyncio.wait({asking}, timeout=STEP_SECONDS))[0]:
                steps += 1
                await call.progress(steps * STEP_SECONDS, wait_seconds, heard.words)
            return asking.result()
        finally:
            let_go((asking,))


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="list_workflows",
        title="List workflows",
        description="Newest first, without their documents.",
        arguments=ListWorkflows,
        result=WorkflowList,
        handler=_list,
        permission=Permission.WORKFLOWS_VIEW,
        reads=True,
    ),
    Tool(
        name="get_workflow",
        title="Get a workflow",
        description="With its document in n8n's JSON, and what of it does not run as in n8n.",
        arguments=WorkflowRef,
        result=WorkflowRecord,
        handler=_get,
        permission=Permission.WORKFLOWS_VIEW,
        reads=True,
    ),
    Tool(
        name="create_workflow",
        title="Store a workflow",
        description="Takes any n8n JSON. It is stored inactive; `problems` tells what does not run as in n8n.",
        arguments=CreateWorkflow,
        result=WorkflowRecord,
        handler=_create,
        permission=Permission.WORKFLOWS_CREATE,
        limit=Limited.WORKFLOWS_CREATE,
    ),
    Tool(
        name="update_workflow",
        title="Store a new version of a workflow",
        description="What is left out stays. With `version` it is refused when somebody else saved meanwhile.",
        arguments=ChangeWorkflow,
        result=WorkflowRecord,
        handler=_update,
        permission=Permission.WORKFLOWS_EDIT,
        destroys=True,
    ),
    Tool(
        name="activate_workflow",
        title="Publish a workflow, or take it back",
        description="An active workflow's webhooks are open, its schedules fire, and it is a tool of its own for those who may call it.",
        arguments=ActivateWorkflow,
        result=WorkflowRecord,
        handler=_activate,
        permission=Permission.WORKFLOWS_EDIT,
        idempotent=True,
    ),
    Tool(
        name="run_workflow",
        title="Run a workflow by hand",
        description="Active or not, with pinned data, and with the rights of this key. Answers at once with the execution's id, or, with "
        "wait_seconds, when it has ended. For what takes longer, ask get_execution.",
        arguments=RunWorkflow,
        result=ExecutionState,
        handler=_run,
        permission=Permission.EXECUTIONS_START,
        limit=Limited.EXECUTIONS_START,
        destroys=True,
    ),
)
