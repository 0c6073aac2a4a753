"""The metrics of the hive, whichever gateway is scraped: docs/metrics.md says what each means. Pure.

`hive_active_agents_total` counts what is there now, which the suffix denies; it is exported without a type, as promtool wants.
What cannot be told at this moment has no sample, and never a zero in its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily

from bus.messages import AgentRecord, AgentStatus, ClusterStatus
from bus.messages.readings import MonitorReadings, ServiceVitals, StoreReadings, WorkflowsCreated
from coordinator.gateway.measured_families import of_agents, of_models
from coordinator.gateway.scraping import Readings

HEALTH: Final[Mapping[AgentStatus, float]] = {
    AgentStatus.ONLINE: 1,
    AgentStatus.DRAINING: 1,
    AgentStatus.DEGRADED: 0.5,
    AgentStatus.OFFLINE: 0,
}


def families(status: ClusterStatus | None, agents: Sequence[AgentRecord], readings: Readings) -> Iterator[Metric]:
    """`status` None: nobody leads, so nobody can tell what waits."""
    yield from _of_agents(agents)
    if status is not None:
        yield _gauge("task_queue_length", "Waiting tasks by class; pending ones wait for other tasks.", "class", status.queue)
    yield from _of_monitor(readings.monitor or MonitorReadings())
    yield from of_agents(readings.monitor.agents if readings.monitor else ())
    yield from of_models(readings.monitor.models if readings.monitor else ())
    yield from _of_services(readings.monitor.services if readings.monitor else ())
    yield from _of_stores(readings.stores or StoreReadings())
    yield _of_workflows(readings.workflows)


def _of_agents(agents: Sequence[AgentRecord]) -> Iterator[Metric]:
    """What is held of an agent that is gone holds nothing any more, and what it could do is nobody's to use."""
    there = [agent for agent in agents if agent.status is not AgentStatus.OFFLINE]
    yield UnknownMetricFamily("hive_active_agents_total", "Agents that are not offline.", value=len(there))
    health = {agent.agent_id: HEALTH[agent.status] for agent in agents}
    yield _gauge("agent_health_status", "1 online or draining, 0.5 degraded, 0 offline.", "agent_id", health)
    held = {agent.agent_id: len(agent.merits.held) for agent in there}
    yield _gauge("agent_held_models", "Models that are not given to an agent for a while, since they failed.", "agent_id", held)
    used = {agent.agent_id: utilization(agent) for agent in there}
    yield _gauge("agent_utilization_percent", "Slots of an agent that have an attempt, of all it has.", "agent_id", used)


def utilization(agent: AgentRecord) -> float:
    """In percent. An agent may have more attempts than slots for a moment, when it was given fewer slots meanwhile."""
    return min(100.0, 100 * agent.running / agent.slots)


def _of_monitor(read: MonitorReadings) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "hive_workflow_executions",
        "Executions that ended, by status, those of up to three days before the count began included.",
        labels=("status",),
    )
    for name, number in read.executions.items():
        ended.add_metric((name,), number)
    yield ended
    yield _one("execution_success_rate", "Of 1, executions of the last hour that succeeded.", read.execution_success_rate)
    yield _one("average_task_completion_time", "Mean seconds of tasks that completed in the last hour.", read.mean_task_seconds)


def _of_services(services: Sequence[ServiceVitals]) -> Iterator[Metric]:
    labels = ("service", "instance")
    cpu = GaugeMetricFamily(
        "hive_container_cpu_usage_percent", "CPU of a service's container, else its process; 100 is a core.", labels=labels
    )
    memory = GaugeMetricFamily(
        "hive_container_memory_usage_bytes", "Memory of a service's container, else its process.", labels=labels
    )
    sockets = GaugeMetricFamily("hive_websocket_connections_active", "Open WebSocket connections of a door.", labels=labels)
    for vitals in services:
        values = (vitals.service, vitals.instance)
        memory.add_metric(values, vitals.memory_bytes)
        if vitals.cpu_percent is not None:
            cpu.add_metric(values, vitals.cpu_percent)
        if vitals.websocket_connections is not None:
            sockets.add_metric(values, vitals.websocket_connections)
    yield from (cpu, memory, sockets)


def _of_stores(read: StoreReadings) -> Iterator[Metric]:
    sessions = read.database_connections or {}
    yield _gauge("database_connections_active", "Sessions in Hive's database by PostgreSQL's state.", "state", sessions)
    yield _one("redis_memory_usage_bytes", "Memory that Redis has allocated.", read.redis_memory_bytes)


def _of_workflows(read: WorkflowsCreated | None) -> Metric:
    return _one("workflows_created_daily", "Workflows created on the present day of UTC.", read.created if read else None)


def _one(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"hive_{name}", text)
    if value is not None:
        family.add_metric((), value)
    return family


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"hive_{name}", text, labels=(label,))
    for labelled, value in values.items():
        family.add_metric((labelled,), value)
    return family
