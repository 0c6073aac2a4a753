"""What is announced after a commit: events as they go to the bus, and as they wait in the outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bus import subjects
from bus.messages import (
    AgentChange,
    AgentEvent,
    AgentStatus,
    EventType,
    ScheduleChange,
    ScheduleEvent,
    TaskChange,
    TaskEvent,
    TaskStatus,
)
from bus.messages.benchmarks import AgentBenchmark
from bus.messages.events import JoinTokenEvent, MaintenanceEvent
from bus.messages.joining import JoinTokenChange
from bus.messages.maintenance import MaintenanceWindow
from coordinator.tasks import EVENT_OF, Task, change

SOURCE = "coordinator"


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, ready to send. `message_id` is deterministic: sent twice, it is stored once."""

    task_id: UUID | None
    subject: str
    message_id: str
    body: str
    durable: bool
    traceparent: str | None

    def to_row(self) -> tuple[Any, ...]:
        """The type `fact` in PostgreSQL."""
        return self.task_id, self.subject, self.message_id, self.body, self.durable, self.traceparent


def task_fact(task: Task, status: TaskStatus, at: datetime, **more: Any) -> Fact:
    return _task_fact(task, EVENT_OF[status], change(task, status, **more), at)


def created_fact(task: Task, at: datetime) -> Fact:
    return _task_fact(task, EventType.TASK_CREATED, change(task, TaskStatus.PENDING), at)


def preempted_fact(task: Task, at: datetime, agent_id: str, attempt_id: UUID) -> Fact:
    """Beside the one that says that it waits again."""
    data = change(task, TaskStatus.QUEUED, agent_id=agent_id, attempt_id=attempt_id)
    return _task_fact(task, EventType.TASK_PREEMPTED, data, at)


def prioritized_fact(task: Task, status: TaskStatus, at: datetime) -> Fact:
    """Its state is as it was, and so is its rank: what tells one change from the next is its time."""
    return _task_fact(task, EventType.TASK_PRIORITIZED, change(task, status), at, which=f".{at.timestamp():.6f}")


def _task_fact(task: Task, event_type: EventType, data: TaskChange, at: datetime, which: str = "") -> Fact:
    task_id = str(task.id)
    event_id = f"{task_id}.{data.rank}.{event_type.partition('.')[2]}{which}"
    event = TaskEvent(id=event_id, type=event_type, source=SOURCE, timestamp=at, data=data, correlation_id=task_id)
    return Fact(
        task_id=task.id,
        subject=subjects.event(task.tenant, event_type, task_id),
        message_id=f"{task.tenant}.{event_id}",
        body=event.model_dump_json(exclude_none=True),
        durable=event_type.terminal,
        traceparent=task.traceparent,
    )


def agent_fact(
    event_type: EventType, agent_id: str, status: AgentStatus, at: datetime, previous: AgentStatus | None, reason: str | None
) -> Fact:
    event_id = f"{agent_id}.{at.timestamp():.6f}.{event_type.partition('.')[2]}"
    data = AgentChange(agent_id=agent_id, status=status, previous=previous, reason=reason)
    return _agent_fact(event_id, event_type, data, at)


def benchmark_fact(benchmark: AgentBenchmark, status: AgentStatus, at: datetime) -> Fact:
    """A step of a benchmark, or its end. `status` is that of its agent."""
    event_id = f"{benchmark.id}.{benchmark.status}.{benchmark.progress:g}"
    data = AgentChange(agent_id=benchmark.agent_id, status=status, benchmark=benchmark)
    return _agent_fact(event_id, EventType.AGENT_PERFORMANCE_UPDATE, data, at)


def maintenance_fact(window: MaintenanceWindow, at: datetime) -> Fact:
    """A window entered its phase."""
    event_id = f"{window.id}.{window.phase}"
    kind = EventType.SYSTEM_MAINTENANCE
    event = MaintenanceEvent(id=event_id, type=kind, source=SOURCE, timestamp=at, data=window, correlation_id=str(window.id))
    return Fact(
        task_id=None,
        subject=subjects.event(subjects.DEFAULT_TENANT, kind, window.id),
        message_id=f"{subjects.DEFAULT_TENANT}.{event_id}",
        body=event.model_dump_json(exclude_none=True),
        durable=kind.terminal,
        traceparent=None,
    )


def join_token_fact(event_type: EventType, change: JoinTokenChange, at: datetime) -> Fact:
    token_id = str(change.token_id)
    event_id = f"{token_id}.{at.timestamp():.6f}.{event_type.partition('.')[2]}"
    event = JoinTokenEvent(id=event_id, type=event_type, source=SOURCE, timestamp=at, data=change, correlation_id=token_id)
    return Fact(
        task_id=None,
        subject=subjects.event(subjects.DEFAULT_TENANT, event_type, token_id),
        message_id=f"{subjects.DEFAULT_TENANT}.{event_id}",
        body=event.model_dump_json(exclude_none=True),
        durable=event_type.terminal,
        traceparent=None,
    )


def _agent_fact(event_id: str, event_type: EventType, data: AgentChange, at: datetime) -> Fact:
    event = AgentEvent(id=event_id, type=event_type, source=SOURCE, timestamp=at, data=data, correlation_id=data.agent_id)
    return Fact(
        task_id=None,
        subject=subjects.event(subjects.DEFAULT_TENANT, event_type, data.agent_id),
        message_id=f"{subjects.DEFAULT_TENANT}.{event_id}",
        body=event.model_dump_json(exclude_none=True),
        durable=event_type.terminal,
        traceparent=None,
    )


def schedule_fact(event_type: EventType, tenant: str, change: ScheduleChange, at: datetime) -> Fact:
    schedule_id = str(change.schedule_id)
    event_id = f"{schedule_id}.{change.due_at.isoformat()}.{event_type.partition('.')[2]}"
    event = ScheduleEvent(
        id=event_id,
        type=event_type,
        source=SOURCE,
        timestamp=at,
        data=change,
        correlation_id=str(change.task_id or schedule_id),
    )
    return Fact(
        task_id=None,
        subject=subjects.event(tenant, event_type, schedule_id),
        message_id=f"{tenant}.{event_id}",
        body=event.model_dump_json(exclude_none=True),
        durable=event_type.terminal,
        traceparent=None,
    )
