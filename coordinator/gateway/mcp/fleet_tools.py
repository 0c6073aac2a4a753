"""Tools that tell of the hive: its agents, its models, and how it is doing."""

from typing import Any, Final

from bus import subjects
from bus.auth import Permission
from bus.messages import AgentList, AgentRecord, AgentRef, ClusterPerformance, ClusterStatus, NoReply
from bus.messages.models import ModelList, ModelRecord, ModelRef
from coordinator.gateway import verbs
from coordinator.gateway.mcp.tool import Call, Nothing, Tool


async def _agents(call: Call[Nothing]) -> AgentList:
    return call.gateway.overview.agent_list()


async def _agent(call: Call[AgentRef]) -> AgentRecord:
    return await call.gateway.overview.agent(call.arguments.agent_id)


async def _models(call: Call[Nothing]) -> ModelList:
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_MODELS, "list", NoReply(), ModelList, call.claims)


async def _model(call: Call[ModelRef]) -> ModelRecord:
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_MODELS, "get", call.arguments, ModelRecord, call.claims)


async def _status(call: Call[Nothing]) -> ClusterStatus:
    return call.gateway.overview.status()


async def _performance(call: Call[Nothing]) -> ClusterPerformance:
    return await verbs.ask(
        call.gateway.bus, subjects.SERVICE_METRICS, "performance", NoReply(), ClusterPerformance, call.claims
    )


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="list_agents",
        title="List agents",
        description="Every GPU host that was ever seen, offline ones included: status, hardware, slots and models.",
        arguments=Nothing,
        result=AgentList,
        handler=_agents,
        permission=Permission.AGENTS_VIEW,
        reads=True,
    ),
    Tool(
        name="get_agent",
        title="Get an agent",
        description="One GPU host: status, hardware, slots and models.",
        arguments=AgentRef,
        result=AgentRecord,
        handler=_agent,
        permission=Permission.AGENTS_VIEW,
        reads=True,
    ),
    Tool(
        name="list_models",
        title="List models",
        description="Every model that an agent has: where, where it is in memory, and who else could pull it.",
        arguments=Nothing,
        result=ModelList,
        handler=_models,
        permission=Permission.MODELS_VIEW,
        reads=True,
    ),
    Tool(
        name="get_model",
        title="Get a model",
        description="Where a model is, and of every other agent whether it could pull it, and why not.",
        arguments=ModelRef,
        result=ModelRecord,
        handler=_model,
        permission=Permission.MODELS_VIEW,
        reads=True,
    ),
    Tool(
        name="cluster_status",
        title="The hive in numbers",
        description="Agents by status, waiting tasks by class, slots and throughput, as the leader last said.",
        arguments=Nothing,
        result=ClusterStatus,
        handler=_status,
        permission=Permission.AGENTS_VIEW,
        reads=True,
    ),
    Tool(
        name="performance",
        title="How fast, and how well",
        description="The latest metrics of every agent, and what its finished attempts add up to.",
        arguments=Nothing,
        result=ClusterPerformance,
        handler=_performance,
        permission=Permission.METRICS_VIEW,
        reads=True,
    ),
)
