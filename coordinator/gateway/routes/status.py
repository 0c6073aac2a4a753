"""The hive as a whole: status, performance, and what describes the buses' own contract."""

from fastapi import APIRouter, Response
from pydantic import JsonValue, RootModel

from bus import subjects
from bus.auth import Permission
from bus.messages import AgentList, ClusterPerformance, ClusterStatus, NoReply
from coordinator.gateway import verbs
from coordinator.gateway.examples import cluster as examples
from coordinator.gateway.examples.answers import shown
from coordinator.gateway.routes.declared import Caller, Door, answer, needs, needs_any_key

router = APIRouter(tags=["status"])


class AsyncApiDocument(RootModel[dict[str, JsonValue]]):
    """AsyncAPI's own format (https://www.asyncapi.com), as the monitor gives it."""


@router.get("/api/status/cluster", summary="The hive in numbers", response_model=ClusterStatus, **needs(Permission.AGENTS_VIEW))
async def cluster_status(gateway: Door) -> Response:
    """Agents by status, waiting tasks by class, slots, throughput: as the leader last said, `age_seconds` ago.

    Any replica answers, also while nobody leads.
    """
    return answer(gateway.overview.status())


@router.get(
    "/api/status/agents", summary="All agents and how they are", response_model=AgentList, **needs(Permission.AGENTS_VIEW)
)
async def agents_status(gateway: Door) -> Response:
    """The same as `GET /api/agents`."""
    return answer(gateway.overview.agent_list())


@router.get(
    "/api/metrics/performance",
    summary="How fast, and how well",
    response_model=ClusterPerformance,
    **needs(Permission.METRICS_VIEW),
)
async def performance(gateway: Door, caller: Caller) -> Response:
    """The latest metrics of every agent, and how well tasks ended: by agent, model and user, and executions by workflow.

    Counted are all ends that the stream of events still holds, which are those of three days.
    """
    body = NoReply()
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_METRICS, "performance", body, ClusterPerformance, caller))


@router.get(
    "/asyncapi",
    summary="The bus's contract as AsyncAPI",
    response_model=AsyncApiDocument,
    **needs_any_key(also=shown(examples.ASYNCAPI)),
)
async def asyncapi(gateway: Door, caller: Caller) -> Response:
    """Every subject with its messages, made from the code that serves them."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_DOCS, "asyncapi", NoReply(), AsyncApiDocument, caller))
