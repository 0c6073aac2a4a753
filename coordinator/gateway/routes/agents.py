"""Agents: who is there, and which hosts the local sidecar speaks for."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    AgentNotFound,
    BackendUnreachable,
    Conflict,
    InvalidId,
    InvalidJson,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from bus.limits.rates import Limited
from bus.messages import AddUpstream, AgentList, AgentRecord, AgentRef, NoReply, Upstream
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import agents as examples
from coordinator.gateway.routes.declared import AgentIdPath, Caller, Door, answer, needs

router = APIRouter(prefix="/api/agents", tags=["agents"], route_class=JsonRoute)

ADD_SECONDS = 30.0
"""A host is asked what it is before it is added, and one that does not answer takes its time not to."""


@router.get("", summary="List agents", response_model=AgentList, **needs(Permission.AGENTS_VIEW))
async def list_agents(gateway: Door) -> Response:
    """All that were ever seen and not removed, offline ones included: as the leader last said, `age_seconds` ago.

    Any replica answers, also while nobody leads.
    """
    return answer(gateway.overview.agent_list())


@router.get(
    "/{agent_id}",
    summary="Get an agent",
    response_model=AgentRecord,
    **needs(Permission.AGENTS_VIEW, InvalidId, AgentNotFound),
)
async def get_agent(agent_id: AgentIdPath, gateway: Door) -> Response:
    """Its status, hardware, slots and models."""
    return answer(await gateway.overview.agent(agent_id))


@router.post(
    "",
    summary="Put a host under the local sidecar",
    status_code=201,
    response_model=Upstream,
    **needs(
        Permission.AGENTS_MANAGE,
        InvalidJson,
        PayloadTooLarge,
        UnsupportedMediaType,
        BackendUnreachable,
        Conflict,
        limit=Limited.AGENTS_REGISTER,
    ),
)
async def add_agent(
    upstream: Annotated[AddUpstream, Body(openapi_examples=examples.UPSTREAMS)], gateway: Door, caller: Caller
) -> Response:
    """Nothing is installed there: the sidecar of this hive speaks for it. A dead address says why it is refused."""
    added = await verbs.order(gateway.bus, subjects.SERVICE_UPSTREAMS, "add", upstream, Upstream, caller, seconds=ADD_SECONDS)
    return answer(added, 201)


@router.delete(
    "/{agent_id}",
    summary="Remove an agent",
    status_code=204,
    response_class=Response,
    **needs(Permission.AGENTS_MANAGE, InvalidId, AgentNotFound, Conflict),
)
async def remove_agent(agent_id: AgentIdPath, gateway: Door, caller: Caller) -> Response:
    """Taken from the local sidecar, where that speaks for it, and forgotten. What runs there is tried elsewhere.

    409 while a sidecar of its own goes on speaking for it: stop that one first.
    """
    body = AgentRef(agent_id=agent_id)
    await verbs.order(gateway.bus, subjects.SERVICE_AGENTS, "remove", body, NoReply, caller, seconds=ADD_SECONDS)
    return Response(status_code=204)
