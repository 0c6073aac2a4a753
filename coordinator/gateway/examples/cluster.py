"""Examples of the whole hive's state, for the API's own documentation."""

from typing import Any, Final

from pydantic import BaseModel

from bus import subjects
from bus.messages import AgentPerformance, ClusterPerformance, ClusterStatus
from bus.messages.cluster import ModelQuality, UserQuality
from coordinator.gateway.examples import metrics
from coordinator.gateway.examples.agents import AGENT
from coordinator.gateway.examples.time import NOON
from coordinator.gateway.metrics import Metrics
from coordinator.gateway.readiness import judge

CLUSTER: Final = ClusterStatus(
    version="0.1.0",
    leader="coordinator-1",
    agents={"online": 1},
    queue={"high": 0, "medium": 3, "low": 0, "pending": 1},
    tasks={"assigned": 0, "running": 1},
    slots=2,
    slots_free=1,
    updated_at=NOON,
)
LIFE: Final[dict[str, Any]] = {"status": "ok", "version": "0.1.0"}
READY: Final = judge(True, CLUSTER, agents=1).model_dump(mode="json")
NOT_READY: Final = judge(True, None, agents=1).model_dump(mode="json")
METRICS_PAGE: Final = Metrics().page(CLUSTER, [AGENT], metrics.READINGS).decode()
ASYNCAPI: Final[dict[str, Any]] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Hive", "version": "0.1.0"},
    "channels": {"submit": {"address": subjects.submit("{tenant}", "{class}", "{task_id}")}},
}
"""Its first lines, so to say: the whole has a channel for every subject."""
ANSWERS: Final[tuple[BaseModel, ...]] = (
    CLUSTER,
    metrics.HISTORY,
    ClusterPerformance(
        agents=(AgentPerformance(agent_id="acacia", **metrics.WELL, generation_tokens_per_second=52.4, mean_task_seconds=1.2),),
        models=(ModelQuality(model="llama3.2:3b", **metrics.WELL),),
        users=(UserQuality(user="anna", **metrics.WELL),),
        workflows=(),
        **metrics.WELL,
        completion_tokens=1840,
        mean_task_seconds=1.2,
        since=NOON,
    ),
)
