"""Events as a coordinator publishes them, for the monitor's tests."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from bus.messages import (
    AgentChange,
    AgentEvent,
    AgentStatus,
    EventType,
    PerformanceMetrics,
    TaskChange,
    TaskEvent,
    TaskStatus,
    Timings,
    Usage,
)

NOON = datetime(2025, 7, 6, 12, tzinfo=UTC)
_ENDS = {
    TaskStatus.QUEUED: EventType.TASK_QUEUED,
    TaskStatus.COMPLETED: EventType.TASK_COMPLETED,
    TaskStatus.FAILED: EventType.TASK_FAILED,
    TaskStatus.CANCELLED: EventType.TASK_CANCELLED,
}


def task_event(
    status: TaskStatus = TaskStatus.COMPLETED,
    *,
    agent_id: str | None = "acacia",
    task_id: UUID | None = None,
    attempt: int = 1,
    usage: Usage | None = None,
    timings: Timings | None = None,
    timestamp: datetime = NOON,
) -> TaskEvent:
    """An event with the deterministic id of its task and rank."""
    task_id, rank = task_id or uuid4(), 1000 * attempt + 5
    change = TaskChange(
        task_id=task_id,
        status=status,
        rank=rank,
        priority=3,
        owner="ann",
        agent_id=agent_id,
        attempt=attempt,
        usage=usage,
        timings=timings,
    )
    return TaskEvent(id=f"{task_id}.{rank}", type=_ENDS[status], source="coordinator", timestamp=timestamp, data=change)


def agent_event(agent_id: str, status: AgentStatus, kind: EventType = EventType.AGENT_STATUS_CHANGED) -> AgentEvent:
    change = AgentChange(agent_id=agent_id, status=status)
    return AgentEvent(id=str(uuid4()), type=kind, source="coordinator", timestamp=NOON, data=change)


def metrics(agent_id: str, **measured: float) -> PerformanceMetrics:
    return PerformanceMetrics.model_validate({"agent_id": agent_id, "timestamp": NOON, **measured})
