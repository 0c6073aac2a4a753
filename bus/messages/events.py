"""Facts: past tense, published by the room that owns them, after they were committed."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, TypeVar
from uuid import UUID

from bus.messages.agents import AgentStatus
from bus.messages.alerts import Alert
from bus.messages.base import Message, Slug, Words
from bus.messages.benchmarks import AgentBenchmark
from bus.messages.joining import JoinTokenChange
from bus.messages.maintenance import MaintenanceWindow
from bus.messages.mcp_servers import McpServerChange
from bus.messages.models import ModelJob
from bus.messages.output import FailureInfo, Timings, Usage
from bus.messages.schedules import ScheduleChange
from bus.messages.tasks import TaskId, TaskStatus
from bus.messages.usage import QuotaChange
from bus.messages.work import TaskKind
from bus.messages.workflows import WorkflowChange, WorkflowMessage


class EventType(StrEnum):
    AGENT_REGISTERED = "agent.registered"
    AGENT_STATUS_CHANGED = "agent.status_changed"
    AGENT_PERFORMANCE_UPDATE = "agent.performance_update"
    TASK_CREATED = "task.created"
    TASK_QUEUED = "task.queued"
    TASK_ASSIGNED = "task.assigned"
    TASK_STARTED = "task.started"
    TASK_PROGRESS = "task.progress"
    TASK_PREEMPTED = "task.preempted"
    TASK_PRIORITIZED = "task.prioritized"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    WORKFLOW_EXECUTION_STARTED = "workflow.execution_started"
    WORKFLOW_NODE_COMPLETED = "workflow.node_completed"
    WORKFLOW_EXECUTION_COMPLETED = "workflow.execution_completed"
    WORKFLOW_EXECUTION_FAILED = "workflow.execution_failed"
    WORKFLOW_MESSAGE = "workflow.message"
    MODEL_STARTED = "model.started"
    MODEL_PROGRESS = "model.progress"
    MODEL_COMPLETED = "model.completed"
    MODEL_FAILED = "model.failed"
    MODEL_CANCELLED = "model.cancelled"
    SCHEDULE_FIRED = "schedule.fired"
    SCHEDULE_SKIPPED = "schedule.skipped"
    SCHEDULE_FAILED = "schedule.failed"
    JOIN_TOKEN_CREATED = "join_token.created"  # noqa: S105
    JOIN_TOKEN_USED = "join_token.used"  # noqa: S105
    JOIN_TOKEN_REVOKED = "join_token.revoked"  # noqa: S105
    MCP_SERVER_STATUS_CHANGED = "mcp_server.status_changed"
    QUOTA_WARNING = "quota.warning"
    QUOTA_EXCEEDED = "quota.exceeded"
    SYSTEM_ALERT = "system.alert"
    SYSTEM_MAINTENANCE = "system.maintenance"

    @property
    def terminal(self) -> bool:
        """An end that somebody waits for: synced to disk and kept for days. The others expire within hours (docs/adr/0003)."""
        return self in _TERMINAL


_TERMINAL = {
    EventType.AGENT_REGISTERED,
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.TASK_CANCELLED,
    EventType.WORKFLOW_EXECUTION_COMPLETED,
    EventType.WORKFLOW_EXECUTION_FAILED,
    EventType.WORKFLOW_MESSAGE,
    EventType.MODEL_COMPLETED,
    EventType.MODEL_FAILED,
    EventType.MODEL_CANCELLED,
    EventType.JOIN_TOKEN_CREATED,
    EventType.JOIN_TOKEN_USED,
    EventType.JOIN_TOKEN_REVOKED,
    EventType.SYSTEM_ALERT,
    EventType.SYSTEM_MAINTENANCE,
}


RANKS_OF_A_ROUND: Final = 1_000_000
RANKS_OF_AN_ATTEMPT: Final = 1000


class TaskChange(Message):
    """What changed about a task. Prompts and outputs stay in the record: events are read by many."""

    task_id: TaskId
    status: TaskStatus
    rank: int
    """Orders the events of one task without clocks: by round (requeues by hand), attempt and state."""
    priority: int
    title: str | None = None
    kind: TaskKind | None = None
    """None: its request could not be read, or the event is of an older version."""
    model: str | None = None
    owner: str
    key_id: UUID | None = None
    workflow_id: UUID | None = None
    """By which key, and for which workflow, it was asked for."""
    agent_id: Slug | None = None
    attempt_id: UUID | None = None
    attempt: int = 0
    usage: Usage | None = None
    timings: Timings | None = None
    error: FailureInfo | None = None
    reason: Words | None = None

    @property
    def round_number(self) -> int:
        """How often the task was requeued by hand."""
        return self.rank // RANKS_OF_A_ROUND


class AgentChange(Message):
    """`benchmark` is that of an `agent.performance_update`: a step of it, or its end."""

    agent_id: Slug
    status: AgentStatus
    previous: AgentStatus | None = None
    reason: Words | None = None
    benchmark: AgentBenchmark | None = None


D = TypeVar("D", bound=Message)


class HiveEvent(Message, Generic[D]):
    """The seed's event. `id` is deterministic, so that an event published twice is stored once."""

    id: str
    type: EventType
    source: str
    timestamp: datetime
    data: D
    correlation_id: str | None = None


TaskEvent = HiveEvent[TaskChange]
AgentEvent = HiveEvent[AgentChange]
MaintenanceEvent = HiveEvent[MaintenanceWindow]
AlertEvent = HiveEvent[Alert]
ModelEvent = HiveEvent[ModelJob]
ScheduleEvent = HiveEvent[ScheduleChange]
JoinTokenEvent = HiveEvent[JoinTokenChange]
McpServerEvent = HiveEvent[McpServerChange]
WorkflowEvent = HiveEvent[WorkflowChange]
QuotaEvent = HiveEvent[QuotaChange]
WorkflowMessageEvent = HiveEvent[WorkflowMessage]
