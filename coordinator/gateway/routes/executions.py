"""Executions of workflows: what ran, with what came of each node, in n8n's shape."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    Conflict,
    ExecutionEnded,
    ExecutionNotFound,
    InvalidId,
    InvalidWorkflow,
    TooManyExecutions,
    WorkflowCycle,
    WorkflowNotFound,
)
from bus.limits.rates import Limited
from bus.messages.workflows import ExecutionList, ExecutionRecord, ExecutionRef, ListExecutions, RetryExecution
from coordinator.gateway import verbs
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/executions", tags=["executions"])

_ExecutionId = Annotated[UUID, Path(description="the execution's id", examples=["0b1f6a52-6a0b-4f5e-9d53-0c7c6a1f2b99"])]

_Node = Annotated[str | None, Query(description="the node to begin with, by its name", min_length=1, max_length=1000)]


@router.get("", summary="List executions, newest first", response_model=ExecutionList, **needs(Permission.EXECUTIONS_VIEW))
async def list_executions(query: Annotated[ListExecutions, Query()], gateway: Door, caller: Caller) -> Response:
    """Without their run data; of one workflow, or with certain statuses."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_EXECUTIONS, "list", query, ExecutionList, caller))


@router.get(
    "/{execution_id}",
    summary="Get an execution",
    response_model=ExecutionRecord,
    **needs(Permission.EXECUTIONS_VIEW, InvalidId, ExecutionNotFound),
)
async def get_execution(execution_id: _ExecutionId, gateway: Door, caller: Caller) -> Response:
    """With its run data as n8n gives them: `data.resultData.runData[node][run]`, each with `data.main[output]`."""
    body = ExecutionRef(id=execution_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_EXECUTIONS, "get", body, ExecutionRecord, caller))


@router.post(
    "/{execution_id}/stop",
    summary="Stop an execution",
    response_model=ExecutionRecord,
    **needs(Permission.EXECUTIONS_STOP, InvalidId, ExecutionNotFound, ExecutionEnded),
)
async def stop(execution_id: _ExecutionId, gateway: Door, caller: Caller) -> Response:
    """It ends between two nodes; what an effect has done outside is not undone."""
    body = ExecutionRef(id=execution_id)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_EXECUTIONS, "stop", body, ExecutionRecord, caller))


@router.post(
    "/{execution_id}/retry",
    summary="Try an execution again, from a node",
    status_code=201,
    response_model=ExecutionRecord,
    **needs(
        Permission.EXECUTIONS_START,
        InvalidId,
        InvalidWorkflow,
        WorkflowCycle,
        ExecutionNotFound,
        WorkflowNotFound,
        Conflict,
        TooManyExecutions,
        limit=Limited.EXECUTIONS_START,
    ),
)
async def retry(execution_id: _ExecutionId, gateway: Door, caller: Caller, node: _Node = None) -> Response:
    """A new execution of the workflow as it is now, from the node that failed, with what ran before it.

    With `node`, from the last run of that node, also of an execution that did not fail: what ran after it is done again.
    """
    body = RetryExecution(id=execution_id, execution_id=uuid4(), node=node)
    made = await verbs.order(gateway.bus, subjects.SERVICE_EXECUTIONS, "retry", body, ExecutionRecord, caller)
    return answer(made, 201, {"Location": f"/api/executions/{made.id}"})
