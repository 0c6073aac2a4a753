"""Records and events to fold, with the few fields that a test is about."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bus.messages import (
    AgentRecord,
    AgentStatus,
    AttemptRecord,
    AttemptStatus,
    Claims,
    EventType,
    FailureInfo,
    Heartbeat,
    ModelInfo,
    TaskChange,
    TaskEvent,
    TaskRecord,
    TaskStatus,
    Usage,
)

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TYPES = {
    TaskStatus.PENDING: EventType.TASK_CREATED,
    TaskStatus.QUEUED: EventType.TASK_QUEUED,
    TaskStatus.ASSIGNED: EventType.TASK_ASSIGNED,
    TaskStatus.RUNNING: EventType.TASK_STARTED,
    TaskStatus.COMPLETED: EventType.TASK_COMPLETED,
    TaskStatus.FAILED: EventType.TASK_FAILED,
    TaskStatus.CANCELLED: EventType.TASK_CANCELLED,
}


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(
    task_id: UUID,
    status: TaskStatus,
    *,
    attempt: int = 0,
    at: datetime = NOON,
    owner: str = "ada",
    agent_id: str | None = None,
    title: str | None = None,
    tokens: int | None = None,
    error: FailureInfo | None = None,
) -> TaskEvent:
    rank = 1000 * attempt + list(TaskStatus).index(status)
    change = TaskChange(
        task_id=task_id,
        status=status,
        rank=rank,
        priority=3,
        owner=owner,
        attempt=attempt,
        agent_id=agent_id,
        title=title,
        usage=None if tokens is None else Usage(completion_tokens=tokens),
        error=error,
    )
    return TaskEvent(id=f"{task_id}-{rank}", type=TYPES[status], source="test", timestamp=at, data=change)


def record(status: TaskStatus, *, task_id: UUID | None = None, attempts: int = 0, at: datetime = NOON) -> TaskRecord:
    made = tuple(
        AttemptRecord(
            id=uuid4(), number=number + 1, agent_id="acacia", model="phi3", status=AttemptStatus.RUNNING, offered_at=at
        )
        for number in range(attempts)
    )
    return TaskRecord(
        id=task_id or uuid4(),
        owner="ada",
        status=status,
        priority=3,
        created_at=at,
        attempts=made,
        completed_at=at if status.terminal else None,
    )


def agent(agent_id: str, status: AgentStatus = AgentStatus.ONLINE, *, slots: int = 2, reason: str | None = None) -> AgentRecord:
    models = (ModelInfo(name="phi3"),)
    return AgentRecord(
        agent_id=agent_id,
        name=agent_id,
        endpoint="http://host:11434",
        status=status,
        status_reason=reason,
        slots=slots,
        models=models,
    )


def heartbeat(agent_id: str, *, running: int = 0, models: tuple[ModelInfo, ...] | None = None) -> Heartbeat:
    return Heartbeat(
        agent_id=agent_id,
        instance="one",
        sequence=1,
        status=AgentStatus.ONLINE,
        slots=2,
        running=tuple(uuid4() for _ in range(running)),
        models=models,
    )


async def unlimited(_subject: str, _claims: Claims) -> None:
    """Of who may ask as often as they like (gui/counted.py)."""
