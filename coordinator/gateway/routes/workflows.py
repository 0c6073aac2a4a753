"""Workflows: n8n's documents, their versions, and running them by hand."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    Conflict,
    InvalidCron,
    InvalidId,
    InvalidJson,
    InvalidWorkflow,
    PayloadTooLarge,
    TooManyExecutions,
    UnknownTimeZone,
    UnsupportedMediaType,
    WebhookTaken,
    WorkflowCycle,
    WorkflowNotFound,
    WorkflowTooLarge,
)
from bus.limits.rates import Limited
from bus.messages import NoReply
from bus.messages.workflows import (
    ActivateWorkflow,
    ChangeWorkflow,
    CreateWorkflow,
    ExecuteWish,
    ExecuteWorkflow,
    ExecutionRecord,
    ListWorkflows,
    UpdateWorkflow,
    WorkflowList,
    WorkflowRecord,
    WorkflowRef,
    WorkflowVersions,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import workflows as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/workflows", tags=["workflows"], route_class=JsonRoute)

_BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType, InvalidWorkflow, WorkflowTooLarge)
_ACTIVE = (InvalidWorkflow, WorkflowCycle, InvalidCron, UnknownTimeZone, WebhookTaken)
_WorkflowId = Annotated[UUID, Path(description="the workflow's id", examples=["8f0d6a0e-0d58-4f7c-a3b5-7b0f0a9f7c11"])]


@router.post(
    "",
    summary="Store a workflow",
    status_code=201,
    response_model=WorkflowRecord,
    **needs(Permission.WORKFLOWS_CREATE, *_BODY, limit=Limited.WORKFLOWS_CREATE),
)
async def create(
    wish: Annotated[CreateWorkflow, Body(openapi_examples=examples.WORKFLOWS)], gateway: Door, caller: Caller
) -> Response:
    """Any n8n JSON, also what its canvas copies. It is stored inactive; `problems` tells what does not run as in n8n."""
    made = await verbs.order(gateway.bus, subjects.SERVICE_WORKFLOWS, "create", wish, WorkflowRecord, caller)
    return answer(made, 201, {"Location": f"/api/workflows/{made.id}"})


@router.get("", summary="List workflows, newest first", response_model=WorkflowList, **needs(Permission.WORKFLOWS_VIEW))
async def list_workflows(query: Annotated[ListWorkflows, Query()], gateway: Door, caller: Caller) -> Response:
    """Without their documents."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "list", query, WorkflowList, caller))


@router.get(
    "/{workflow_id}",
    summary="Get a workflow",
    response_model=WorkflowRecord,
    **needs(Permission.WORKFLOWS_VIEW, InvalidId, WorkflowNotFound),
)
async def get_workflow(workflow_id: _WorkflowId, gateway: Door, caller: Caller) -> Response:
    """With its document, just as it was given."""
    body = WorkflowRef(id=workflow_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "get", body, WorkflowRecord, caller))


@router.put(
    "/{workflow_id}",
    summary="Store a new version of a workflow",
    response_model=WorkflowRecord,
    **needs(Permission.WORKFLOWS_EDIT, InvalidId, *_BODY, *_ACTIVE, WorkflowNotFound, Conflict),
)
async def update(
    workflow_id: _WorkflowId,
    wish: Annotated[UpdateWorkflow, Body(openapi_examples=examples.WORKFLOW_CHANGES)],
    gateway: Door,
    caller: Caller,
) -> Response:
    """What is left out stays. Executions that run go on with the version that they began with."""
    changed = ChangeWorkflow(id=workflow_id, **{name: getattr(wish, name) for name in wish.model_fields_set})
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_WORKFLOWS, "update", changed, WorkflowRecord, caller))


@router.delete(
    "/{workflow_id}",
    summary="Remove a workflow",
    status_code=204,
    response_class=Response,
    **needs(Permission.WORKFLOWS_DELETE, InvalidId, WorkflowNotFound),
)
async def remove(workflow_id: _WorkflowId, gateway: Door, caller: Caller) -> Response:
    """With its versions. The record of its executions stays."""
    await verbs.order(gateway.bus, subjects.SERVICE_WORKFLOWS, "delete", WorkflowRef(id=workflow_id), NoReply, caller)
    return Response(status_code=204)


@router.get(
    "/{workflow_id}/versions",
    summary="List the versions of a workflow, newest first",
    response_model=WorkflowVersions,
    **needs(Permission.WORKFLOWS_VIEW, InvalidId, WorkflowNotFound),
)
async def versions(workflow_id: _WorkflowId, gateway: Door, caller: Caller) -> Response:
    """Who saved which, and when."""
    body = WorkflowRef(id=workflow_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "versions", body, WorkflowVersions, caller))


@router.post(
    "/{workflow_id}/activate",
    summary="Let a workflow's triggers begin",
    response_model=WorkflowRecord,
    **needs(Permission.WORKFLOWS_EDIT, InvalidId, *_ACTIVE, WorkflowNotFound),
)
async def activate(workflow_id: _WorkflowId, gateway: Door, caller: Caller) -> Response:
    """From now on its webhooks are open and its schedules fire."""
    body = ActivateWorkflow(id=workflow_id, active=True)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "activate", body, WorkflowRecord, caller))


@router.post(
    "/{workflow_id}/deactivate",
    summary="Let a workflow's triggers end",
    response_model=WorkflowRecord,
    **needs(Permission.WORKFLOWS_EDIT, InvalidId, WorkflowNotFound),
)
async def deactivate(workflow_id: _WorkflowId, gateway: Door, caller: Caller) -> Response:
    """Executions that run go on."""
    body = ActivateWorkflow(id=workflow_id, active=False)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "activate", body, WorkflowRecord, caller))


@router.post(
    "/{workflow_id}/execute",
    summary="Run a workflow by hand",
    status_code=201,
    response_model=ExecutionRecord,
    **needs(
        Permission.EXECUTIONS_START,
        InvalidId,
        InvalidJson,
        PayloadTooLarge,
        UnsupportedMediaType,
        InvalidWorkflow,
        WorkflowCycle,
        WorkflowNotFound,
        TooManyExecutions,
        limit=Limited.EXECUTIONS_START,
    ),
)
async def execute(
    workflow_id: _WorkflowId,
    wish: Annotated[ExecuteWish, Body(openapi_examples=examples.EXECUTIONS)],
    gateway: Door,
    caller: Caller,
    wait: Annotated[float, Query(ge=0, le=300, description="seconds to wait for its end")] = 0,
) -> Response:
    """Active or not, with pinned data, and with the rights of this key."""
    order = ExecuteWorkflow(
        id=workflow_id,
        execution_id=uuid4(),
        wait_seconds=wait,
        items=wish.items,
        start=wish.start,
        destination=wish.destination,
    )
    seconds = verbs.ORDER_SECONDS + wait
    made = await verbs.order(
        gateway.bus, subjects.SERVICE_WORKFLOWS, "execute", order, ExecutionRecord, caller, seconds=seconds
    )
    return answer(made, 201, {"Location": f"/api/executions/{made.id}"})
