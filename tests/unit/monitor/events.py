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
    TaskKind,
    TaskStatus,
    Timings,
    Usage,
)
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import ExecutionStatus, WorkflowChange

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
    owner: str = "ann",
    model: str | None = None,
    round_number: int = 0,
    kind: TaskKind | None = TaskKind.CHAT,
) -> TaskEvent:
    """An event with the deterministic id of its task and rank."""
    task_id, rank = task_id or uuid4(), 1_000_000 * round_number + 1000 * attempt + 5
    change = TaskChange(
        task_id=task_id,
        status=status,
        rank=rank,
        priority=3,
        owner=owner,
        kind=kind,
        model=model,
        agent_id=agent_id,
        attempt=attempt,
        usage=usage,
        timings=timings,
    )
    return TaskEvent(id=f"{task_id}.{rank}", type=_ENDS[status], source="coordinator", timestamp=timestamp, data=change)


def execution_event(
    status: ExecutionStatus = ExecutionStatus.SUCCESS,
    *,
    workflow_id: UUID | None = None,
    mode: str = "manual",
    timestamp: datetime = NOON,
) -> WorkflowEvent:
    """The end of an execution, as an engine tells it."""
    execution_id = uuid4()
    kind = EventType.WORKFLOW_EXECUTION_COMPLETED
    if status is not ExecutionStatus.SUCCESS:
        kind = EventType.WORKFLOW_EXECUTION_FAILED
    change = WorkflowChange(execution_id=execution_id, workflow_id=workflow_id, owner="ann", mode=mode, status=status)
    return WorkflowEvent(id=f"{execution_id}.end", type=kind, source="workflow", timestamp=timestamp, data=change)


def agent_event(agent_id: str, status: AgentStatus, kind: EventType = EventType.AGENT_STATUS_CHANGED) -> AgentEvent:
    change = AgentChange(agent_id=agent_id, status=status)
    return AgentEvent(id=str(uuid4()), type=kind, source="coordinator", timestamp=NOON, data=change)


def metrics(agent_id: str, **measured: float) -> PerformanceMetrics:
    return PerformanceMetrics.model_validate({"agent_id": agent_id, "timestamp": NOON, **measured})
