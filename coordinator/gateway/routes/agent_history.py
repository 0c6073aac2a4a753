"""What is kept about an agent: how it was found each time that it was asked."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import AgentNotFound, InvalidId
from bus.messages.health import AgentHealth, HealthPage, ListHealth
from coordinator.gateway import verbs
from coordinator.gateway.routes.declared import AgentIdPath, Caller, Door, answer, needs

router = APIRouter(prefix="/api/agents/{agent_id}", tags=["agents"])


@router.get(
    "/health",
    summary="How an agent was found, newest first",
    response_model=AgentHealth,
    **needs(Permission.AGENTS_VIEW, InvalidId, AgentNotFound),
)
async def agent_health(agent_id: AgentIdPath, query: Annotated[HealthPage, Query()], gateway: Door, caller: Caller) -> Response:
    """The last health check and those before it: every agent is asked every ten seconds.

    `next_before` of one page is `before` of the next; it is null on the last.
    """
    body = ListHealth(agent_id=agent_id, limit=query.limit, before=query.before)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "health", body, AgentHealth, caller))
