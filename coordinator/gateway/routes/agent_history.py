"""What is kept about an agent: how it was found each time that it was asked, and how fast it was when it was measured."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    AgentNotFound,
    Conflict,
    InvalidId,
    InvalidJson,
    ModelNotOnAgent,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from bus.messages.benchmarks import (
    AgentBenchmark,
    BenchmarkAgent,
    BenchmarkList,
    BenchmarkPage,
    BenchmarkWish,
    ListBenchmarks,
)
from bus.messages.health import AgentHealth, HealthPage, ListHealth
from bus.messages.history import ListMetrics, MetricsHistory, MetricsPage
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import agents as examples
from coordinator.gateway.routes.declared import AgentIdPath, Caller, Door, answer, needs

router = APIRouter(prefix="/api/agents/{agent_id}", tags=["agents"], route_class=JsonRoute)


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


@router.get(
    "/metrics",
    summary="What was measured of an agent, newest first",
    response_model=MetricsHistory,
    **needs(Permission.METRICS_VIEW, InvalidId, AgentNotFound),
)
async def agent_metrics(
    agent_id: AgentIdPath, query: Annotated[MetricsPage, Query()], gateway: Door, caller: Caller
) -> Response:
    """Minutes, hours, or each measurement (`resolution`). An agent that was removed has its history for as long as it is kept.

    `next_before` of one page is `before` of the next; it is null on the last.
    """
    body = ListMetrics(agent_id=agent_id, **query.model_dump())
    found = await verbs.ask(gateway.bus, subjects.SERVICE_METRICS, "history", body, MetricsHistory, caller)
    if not found.points:
        await gateway.overview.agent(agent_id)
    return answer(found)


@router.post(
    "/benchmark",
    summary="Measure how fast an agent is",
    status_code=202,
    response_model=AgentBenchmark,
    **needs(
        Permission.AGENTS_MANAGE,
        *(InvalidId, InvalidJson, PayloadTooLarge, UnsupportedMediaType, AgentNotFound, ModelNotOnAgent, Conflict),
    ),
)
async def benchmark(
    agent_id: AgentIdPath,
    wish: Annotated[BenchmarkWish, Body(openapi_examples=examples.BENCHMARKS)],
    gateway: Door,
    caller: Caller,
) -> Response:
    """Begins, and goes on by itself: the list of benchmarks shows how far it is, and so do the events `agent.performance_update`.

    It takes all slots of the agent, for some minutes at most, and ends as `interrupted` when a task needs one. 409 while the agent works.
    """
    body = BenchmarkAgent(agent_id=agent_id, model=wish.model, reload=wish.reload)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_AGENTS, "benchmark", body, AgentBenchmark, caller), 202)


@router.get(
    "/benchmarks",
    summary="How fast an agent was each time, newest first",
    response_model=BenchmarkList,
    **needs(Permission.AGENTS_VIEW, InvalidId, AgentNotFound),
)
async def benchmarks(
    agent_id: AgentIdPath, query: Annotated[BenchmarkPage, Query()], gateway: Door, caller: Caller
) -> Response:
    """Those that are under way among them, with how far they are.

    `next_before` of one page is `before` of the next; it is null on the last.
    """
    body = ListBenchmarks(agent_id=agent_id, limit=query.limit, before=query.before)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "benchmarks", body, BenchmarkList, caller))
