"""Models: where each is, and having it pulled, loaded, unloaded or deleted. Names hold `:` and `/`, and stand in the path as they are.

A model whose whole name is that of another route here (`jobs`) is reached by its tag: `jobs:latest`.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    AgentNotFound,
    AgentUnable,
    AlreadyEnded,
    Conflict,
    InvalidId,
    InvalidJson,
    JobNotFound,
    ModelNotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from bus.messages import Claims, NoReply
from bus.messages.base import Slug
from bus.messages.models import (
    JobList,
    JobRef,
    ListJobs,
    ModelJob,
    ModelList,
    ModelName,
    ModelOrder,
    ModelRecord,
    ModelRef,
    OrderedJobs,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import models as examples
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/models", tags=["models"], route_class=JsonRoute)

ACCEPTED = 202
_ORDER_ERRORS = (InvalidJson, PayloadTooLarge, UnsupportedMediaType, AgentNotFound, AgentUnable)
ModelPath = Annotated[ModelName, Path(description="the model's name, with its tag", examples=["llama3.2:3b"])]
JobPath = Annotated[UUID, Path(description="the job's id")]
OrderBody = Annotated[ModelOrder, Body(openapi_examples=examples.MODEL_ORDERS)]


async def _order(gateway: Gateway, verb: str, order: ModelOrder, caller: Claims) -> Response:
    found = await verbs.order(gateway.bus, subjects.SERVICE_MODELS, verb, order, OrderedJobs, caller)
    return answer(found, ACCEPTED)


@router.get("", summary="List models", response_model=ModelList, **needs(Permission.MODELS_VIEW))
async def list_models(gateway: Door, caller: Caller) -> Response:
    """Every model that an agent has: where, where it is in memory, what it takes there, and who else could pull it.

    Any replica answers, also while nobody leads. A key that may use only some models sees only these.
    """
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "list", NoReply(), ModelList, caller))


@router.get("/jobs", summary="List what is done with models", response_model=JobList, **needs(Permission.MODELS_VIEW))
async def list_jobs(
    gateway: Door,
    caller: Caller,
    model: Annotated[ModelName | None, Query(description="only with this model")] = None,
    agent_id: Annotated[Slug | None, Query(description="only on this agent")] = None,
    active: Annotated[bool, Query(description="only what has not ended")] = False,
) -> Response:
    """Pulls, loads, unloads and deletions with their progress, newest first; told for a day."""
    body = ListJobs(model=model, agent_id=agent_id, active=active)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "jobs", body, JobList, caller))


@router.get(
    "/jobs/{job_id}",
    summary="Get a job",
    response_model=ModelJob,
    **needs(Permission.MODELS_VIEW, InvalidId, JobNotFound),
)
async def get_job(job_id: JobPath, gateway: Door, caller: Caller) -> Response:
    """How far it is, and why it failed."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "job", JobRef(id=job_id), ModelJob, caller))


@router.delete(
    "/jobs/{job_id}",
    summary="Cancel a job",
    response_model=ModelJob,
    **needs(Permission.MODELS_MANAGE, InvalidId, JobNotFound, AlreadyEnded, Conflict),
)
async def cancel_job(job_id: JobPath, gateway: Door, caller: Caller) -> Response:
    """A pull, or what has not begun. What is half pulled is no model, and the next pull of it goes on from there.

    Refused for what models.yaml wishes: it would be ordered again.
    """
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_MODELS, "cancel", JobRef(id=job_id), ModelJob, caller))


@router.post(
    "/pull",
    summary="Pull a model",
    status_code=ACCEPTED,
    response_model=OrderedJobs,
    **needs(Permission.MODELS_MANAGE, *_ORDER_ERRORS),
)
async def pull_model(order: OrderBody, gateway: Door, caller: Caller) -> Response:
    """A job an agent, which goes on by itself. A pull that is under way already is joined."""
    return await _order(gateway, "pull", order, caller)


@router.post(
    "/load",
    summary="Load a model",
    status_code=ACCEPTED,
    response_model=OrderedJobs,
    **needs(Permission.MODELS_MANAGE, *_ORDER_ERRORS),
)
async def load_model(order: OrderBody, gateway: Door, caller: Caller) -> Response:
    """Into memory, so that the first task with it need not wait."""
    return await _order(gateway, "load", order, caller)


@router.post(
    "/unload",
    summary="Unload a model",
    status_code=ACCEPTED,
    response_model=OrderedJobs,
    **needs(Permission.MODELS_MANAGE, *_ORDER_ERRORS),
)
async def unload_model(order: OrderBody, gateway: Door, caller: Caller) -> Response:
    """Refused where attempts run with it. A model that models.yaml wishes there is loaded again."""
    return await _order(gateway, "unload", order, caller)


@router.get(
    "/{name:path}",
    summary="Get a model",
    response_model=ModelRecord,
    **needs(Permission.MODELS_VIEW, InvalidId, ModelNotFound),
)
async def get_model(name: ModelPath, gateway: Door, caller: Caller) -> Response:
    """Where it is, and of every other agent whether it could pull it, and why not."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "get", ModelRef(name=name), ModelRecord, caller))


@router.delete(
    "/{name:path}",
    summary="Delete a model",
    status_code=ACCEPTED,
    response_model=OrderedJobs,
    **needs(Permission.MODELS_MANAGE, InvalidId, AgentNotFound, AgentUnable, Conflict),
)
async def delete_model(
    name: ModelPath,
    gateway: Door,
    caller: Caller,
    agent_id: Annotated[list[Slug], Query(description="the agents to take it from; repeat for more", min_length=1)],
) -> Response:
    """From the disk of the agents. Refused where attempts run with it, and for a model that models.yaml wishes."""
    return await _order(gateway, "delete", ModelOrder(model=name, agents=tuple(agent_id)), caller)
