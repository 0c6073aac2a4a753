"""What Prometheus reads. Names are the seed's, so that its dashboards and alerts fit.

`hive_active_agents_total` counts what is there now, which the suffix denies; it is exported without a type, as promtool wants.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, UnknownMetricFamily
from starlette.types import Scope

from bus.messages import AgentRecord, AgentStatus, ClusterStatus

BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
HEALTH: Final[Mapping[AgentStatus, float]] = {
    AgentStatus.ONLINE: 1,
    AgentStatus.DRAINING: 1,
    AgentStatus.DEGRADED: 0.5,
    AgentStatus.OFFLINE: 0,
}


class Metrics:
    """One process's own counters; what the hive as a whole has is asked for at each scrape (`page`)."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._duration = Histogram(
            "hive_api_request_duration_seconds",
            "Time to answer a request, streams to their end.",
            labels,
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._errors = Counter("hive_api_errors", "Requests answered with an error.", labels, registry=self._registry)

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """`status` 0: the client went away before there was an answer, which nginx calls 499."""
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if route != "unmatched" else "any"
        labels = (method, route, str(status or 499))
        self._duration.labels(*labels).observe(seconds)
        if status >= 400:
            self._errors.labels(*labels).inc()

    def page(self, status: ClusterStatus | None, agents: Iterable[AgentRecord]) -> bytes:
        """Prometheus's text format. Without a leader (`status` is None) the length of the queue is left out, not zero."""
        return generate_latest(_Page(self._registry, list(cluster_families(status, list(agents)))))


def cluster_families(status: ClusterStatus | None, agents: list[AgentRecord]) -> Iterator[Metric]:
    """What is true of the hive, whichever gateway is asked. Pure."""
    active = sum(agent.status is not AgentStatus.OFFLINE for agent in agents)
    yield UnknownMetricFamily("hive_active_agents_total", "Agents that are not offline.", value=active)
    health = GaugeMetricFamily(
        "hive_agent_health_status", "1 online or draining, 0.5 degraded, 0 offline.", labels=("agent_id",)
    )
    for agent in agents:
        health.add_metric((agent.agent_id,), HEALTH[agent.status])
    yield health
    held = GaugeMetricFamily(
        "hive_agent_held_models", "Models that are not given to an agent for a while, since they failed.", labels=("agent_id",)
    )
    for agent in agents:
        if agent.status is not AgentStatus.OFFLINE:  # what was held of one that is gone holds nothing any more
            held.add_metric((agent.agent_id,), len(agent.merits.held))
    yield held
    if status is not None:
        queue = GaugeMetricFamily(
            "hive_task_queue_length", "Waiting tasks by class; pending ones wait for other tasks.", labels=("class",)
        )
        for name, length in status.queue.items():
            queue.add_metric((name,), length)
        yield queue


class _Page(CollectorRegistry):
    """The process's own metrics and those of one scrape, side by side."""

    def __init__(self, own: CollectorRegistry, families: list[Metric]) -> None:
        super().__init__()
        self._own, self._families = own, families

    def collect(self) -> Iterator[Metric]:
        yield from self._own.collect()
        yield from self._families
