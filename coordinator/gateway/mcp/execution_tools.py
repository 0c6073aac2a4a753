"""Tools for executions: look, read what a node gave, stop."""

from typing import Any, Final

from pydantic import Field

from bus import subjects
from bus.auth import Permission
from bus.messages.base import Record, Text
from bus.messages.workflows import ExecutionList, ExecutionRecord, ExecutionRef, ListExecutions
from coordinator.gateway import verbs
from coordinator.gateway.mcp.execution_events import hearing
from coordinator.gateway.mcp.execution_view import ExecutionState, NodeOutput, node_output
from coordinator.gateway.mcp.tool import STEP_SECONDS, Call, Tool, WaitSeconds


class GetExecution(ExecutionRef):
    wait_seconds: WaitSeconds = 0


class GetNodeOutput(ExecutionRef):
    node: Text = Field(description="its name")
    run: int | None = Field(default=None, ge=0, description="left out: the last one")
    output: int = Field(default=0, ge=0)
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=20, ge=1, le=500)


class ExecutionStates(Record):
    executions: tuple[ExecutionState, ...]
    next_cursor: str | None = None


async def _list(call: Call[ListExecutions]) -> ExecutionStates:
    found = await verbs.ask(call.gateway.bus, subjects.SERVICE_EXECUTIONS, "list", call.arguments, ExecutionList, call.claims)
    return ExecutionStates(executions=tuple(map(ExecutionState.of, found.executions)), next_cursor=found.next_cursor)


async def record_of(call: Call[Any]) -> ExecutionRecord:
    body = ExecutionRef(id=call.arguments.id)
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_EXECUTIONS, "get", body, ExecutionRecord, call.claims)


async def _get(call: Call[GetExecution]) -> ExecutionState:
    seconds, waited = call.arguments.wait_seconds, 0.0
    async with hearing(call.gateway.bus, call.claims.tenant, call.arguments.id) as heard:
        record = await record_of(call)
        while waited < seconds and not record.status.ended and not call.gateway.stopping.is_set():
            await call.progress(waited, seconds, heard.words)
            step = min(STEP_SECONDS, seconds - waited)
            await heard.within(step)
            waited += step
            record = await record_of(call)
    return ExecutionState.of(record)


async def _output(call: Call[GetNodeOutput]) -> NodeOutput:
    wish = call.arguments
    return node_output(await record_of(call), wish.node, wish.run, wish.output, wish.offset, wish.limit)


async def _cancel(call: Call[ExecutionRef]) -> ExecutionState:
    return ExecutionState.of(
        await verbs.order(call.gateway.bus, subjects.SERVICE_EXECUTIONS, "stop", call.arguments, ExecutionRecord, call.claims)
    )


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="list_executions",
        title="List executions",
        description="Newest first, without what their nodes gave; of one workflow, or with certain statuses.",
        arguments=ListExecutions,
        result=ExecutionStates,
        handler=_list,
        permission=Permission.EXECUTIONS_VIEW,
        reads=True,
    ),
    Tool(
        name="get_execution",
        title="Get an execution",
        description="How it stands, which nodes ran, and the first items of the last one. With wait_seconds it waits for the end.",
        arguments=GetExecution,
        result=ExecutionState,
        handler=_get,
        permission=Permission.EXECUTIONS_VIEW,
        reads=True,
    ),
    Tool(
        name="get_node_output",
        title="Get what a node gave",
        description="Items of one output of one run of a node, some at a time.",
        arguments=GetNodeOutput,
        result=NodeOutput,
        handler=_output,
        permission=Permission.EXECUTIONS_VIEW,
        reads=True,
    ),
    Tool(
        name="cancel_execution",
        title="Stop an execution",
        description="It ends between two nodes; what an effect has done outside is not undone.",
        arguments=ExecutionRef,
        result=ExecutionState,
        handler=_cancel,
        permission=Permission.EXECUTIONS_STOP,
        destroys=True,
        idempotent=True,
    ),
)
