"""The channels of the AsyncAPI document: every subject that carries messages between rooms, with the model that crosses it.

A `{name}` in a subject is a token that varies; PARAMETERS says what it may be. tests/unit/monitor holds this against bus/streams.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from bus import subjects
from bus.messages import (
    AgentEvent,
    AgentRef,
    AttemptOutcome,
    Control,
    DispatchOffer,
    EventType,
    Heartbeat,
    OutputChunk,
    PerformanceMetrics,
    ScheduleEvent,
    TaskClass,
    TaskEvent,
    TaskRequest,
)
from bus.messages.audit import AuditRecord
from bus.messages.events import (
    AlertEvent,
    JoinTokenEvent,
    MaintenanceEvent,
    McpServerEvent,
    ModelEvent,
    QuotaEvent,
    WorkflowEvent,
    WorkflowMessageEvent,
)
from bus.messages.readings import ServiceVitals


@dataclass(frozen=True, slots=True)
class Channel:
    """What one kind of subject carries."""

    name: str
    subject: str
    message: type[BaseModel]
    description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A token that varies; `choices` when only these occur."""

    description: str
    choices: tuple[str, ...] = ()


SUBMIT: Final = Channel(
    "submit",
    subjects.submit("{tenant}", "{class}", "{task_id}"),
    TaskRequest,
    "A task asked for. Publish with JetStream: its acknowledgement is the promise that the task is done or its failure told.",
)
SENT: Final = (
    Channel(
        "audit",
        subjects.audit("{tenant}", "{changed_service}.{changed_verb}"),
        AuditRecord,
        f"Somebody changes something, or was refused: told when it begins, and again with what came of it. Kept in {subjects.AUDIT} until "
        "PostgreSQL has it.",
    ),
    Channel(
        "taskEvents",
        subjects.events("task.{task_event}", tenant="{tenant}", entity_id="{task_id}"),
        TaskEvent,
        f"What happened to a task, after it was committed. Ends are kept for days in {subjects.EVENTS}, "
        f"the steps before for hours in {subjects.PROGRESS}.",
    ),
    Channel(
        "agentEvents",
        subjects.events("agent.{agent_event}", tenant="{tenant}", entity_id="{agent_id}"),
        AgentEvent,
        "An agent was registered, or went online, degraded, draining or offline; a benchmark of it took a step, or ended.",
    ),
    Channel(
        "modelEvents",
        subjects.events("model.{model_event}", tenant="{tenant}", entity_id="{job_id}"),
        ModelEvent,
        "What a sidecar does with a model: a pull began, went on, ended, or failed and why.",
    ),
    Channel(
        "scheduleEvents",
        subjects.events("schedule.{schedule_event}", tenant="{tenant}", entity_id="{schedule_id}"),
        ScheduleEvent,
        f"What a schedule's due time brought: a task, or the reason why none. Kept for hours in {subjects.PROGRESS}.",
    ),
    Channel(
        "workflowEvents",
        subjects.events("workflow.{workflow_event}", tenant="{tenant}", entity_id="{execution_id}"),
        WorkflowEvent,
        f"An execution of a workflow began, one of its nodes has run, it completed or failed. Ends are kept for days in {subjects.EVENTS}, "
        f"the steps before for hours in {subjects.PROGRESS}.",
    ),
    Channel(
        "workflowMessages",
        subjects.event("{tenant}", EventType.WORKFLOW_MESSAGE, "{execution_id}"),
        WorkflowMessageEvent,
        f"What a workflow's node published, for other workflows and whoever else listens. Kept for days in {subjects.EVENTS}.",
    ),
    Channel(
        "maintenance",
        subjects.event("{tenant}", EventType.SYSTEM_MAINTENANCE, "{window_id}"),
        MaintenanceEvent,
        f"A window of maintenance was planned, began, ended or was cancelled. Kept for days in {subjects.EVENTS}.",
    ),
    Channel(
        "alerts",
        subjects.event("{tenant}", EventType.SYSTEM_ALERT, "{alert_id}"),
        AlertEvent,
        f"An alert fired, was acknowledged or silenced, or is resolved. Kept for days in {subjects.EVENTS}.",
    ),
    Channel(
        "quotaEvents",
        subjects.events("quota.{quota_event}", tenant="{tenant}", entity_id="{quota_id}"),
        QuotaEvent,
        f"Four fifths of a quota are used, or all of it: once in its day or month. Kept for hours in {subjects.PROGRESS}.",
    ),
    Channel(
        "joinTokenEvents",
        subjects.events("join_token.{join_token_event}", tenant="{tenant}", entity_id="{token_id}"),
        JoinTokenEvent,
        f"A join token was made, used by a host, or revoked. Never its secret. Kept for days in {subjects.EVENTS}.",
    ),
    Channel(
        "mcpServerEvents",
        subjects.events("mcp_server.{mcp_server_event}", tenant="{tenant}", entity_id="{server_id}"),
        McpServerEvent,
        f"A registered MCP server is connected, failed, or has other tools. Kept for hours in {subjects.PROGRESS}.",
    ),
    Channel(
        "output",
        subjects.output("{agent_id}", "{task_id}", "{attempt_id}"),
        OutputChunk,
        f"Tokens of an attempt as they come, numbered by text offset, and its end. Kept for minutes in {subjects.OUTPUT}.",
    ),
    Channel(
        "outcomes",
        subjects.outcome("{agent_id}", "{task_id}", "{attempt_id}"),
        AttemptOutcome,
        "A sidecar's report of how an attempt ended: a claim, which the coordinator turns into an event or ignores.",
    ),
    Channel(
        "heartbeats",
        subjects.heartbeat("{agent_id}"),
        Heartbeat,
        "Presence of an agent every half second: slots, loaded models, running attempts. Not stored.",
    ),
    Channel(
        "metrics",
        subjects.metrics("{agent_id}"),
        PerformanceMetrics,
        f"What an agent measures every five seconds; a value that it cannot read is left out. Kept for an hour in {subjects.METRICS}.",
    ),
    Channel(
        "vitals",
        subjects.vitals("{service}", "{instance}"),
        ServiceVitals,
        "What a process of Hive says of itself every five seconds: CPU, memory, a door's WebSocket connections. Not stored.",
    ),
    Channel(
        "dispatch",
        subjects.dispatch("{agent_id}", "{instance}"),
        DispatchOffer,
        "Request of the coordinator to one sidecar: an attempt, offered. The reply is accepted, busy or unable.",
    ),
    Channel(
        "health",
        subjects.health("{agent_id}"),
        AgentRef,
        "Request of the coordinator to one sidecar every ten seconds: how is it? The reply is an AgentHealthCheck.",
    ),
    Channel(
        "control",
        subjects.control("{agent_id}"),
        Control,
        "Request of the coordinator to one sidecar: cancel, pull, load, unload, delete, benchmark, drain, resume or register.",
    ),
)
"""The order is that of a task's life, then what goes on beside it."""

TASK_EVENTS: Final = (
    EventType.TASK_CREATED,
    EventType.TASK_QUEUED,
    EventType.TASK_ASSIGNED,
    EventType.TASK_STARTED,
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.TASK_CANCELLED,
)
AGENT_EVENTS: Final = (EventType.AGENT_REGISTERED, EventType.AGENT_STATUS_CHANGED, EventType.AGENT_PERFORMANCE_UPDATE)
MODEL_EVENTS: Final = (
    EventType.MODEL_STARTED,
    EventType.MODEL_PROGRESS,
    EventType.MODEL_COMPLETED,
    EventType.MODEL_FAILED,
    EventType.MODEL_CANCELLED,
)

WORKFLOW_EVENTS: Final = (
    EventType.WORKFLOW_EXECUTION_STARTED,
    EventType.WORKFLOW_NODE_COMPLETED,
    EventType.WORKFLOW_EXECUTION_COMPLETED,
    EventType.WORKFLOW_EXECUTION_FAILED,
)
SCHEDULE_EVENTS: Final = (EventType.SCHEDULE_FIRED, EventType.SCHEDULE_SKIPPED, EventType.SCHEDULE_FAILED)
MCP_SERVER_EVENTS: Final = (EventType.MCP_SERVER_STATUS_CHANGED,)
QUOTA_EVENTS: Final = (EventType.QUOTA_WARNING, EventType.QUOTA_EXCEEDED)
JOIN_TOKEN_EVENTS: Final = (EventType.JOIN_TOKEN_CREATED, EventType.JOIN_TOKEN_USED, EventType.JOIN_TOKEN_REVOKED)


def _kinds(events: Iterable[EventType]) -> tuple[str, ...]:
    return tuple(event.split(".")[1] for event in events)


PARAMETERS: Final = {
    "tenant": Parameter(f"Whose it is: `{subjects.DEFAULT_TENANT}` until there are more."),
    "class": Parameter("Urgency: priorities 1-2, 3 and 4-5.", tuple(TaskClass)),
    "task_id": Parameter("UUID of the task; whoever submits makes it."),
    "attempt_id": Parameter("UUID of the attempt."),
    "agent_id": Parameter("Public name of the agent, such as acacia."),
    "instance": Parameter("Of the process: new at every start."),
    "service": Parameter("Of Hive, such as gateway."),
    "changed_service": Parameter("Whose verb it is, such as workflows; doors: a gateway or a dashboard refused it itself."),
    "changed_verb": Parameter("What was asked for, such as update."),
    "task_event": Parameter("What happened to the task.", _kinds(TASK_EVENTS)),
    "server_id": Parameter("UUID of the MCP server."),
    "mcp_server_event": Parameter("What became of it.", _kinds(MCP_SERVER_EVENTS)),
    "schedule_id": Parameter("UUID of the schedule."),
    "schedule_event": Parameter("What a due time brought.", _kinds(SCHEDULE_EVENTS)),
    "execution_id": Parameter("UUID of the execution."),
    "workflow_event": Parameter("What happened in the execution.", _kinds(WORKFLOW_EVENTS)),
    "token_id": Parameter("UUID of the join token."),
    "join_token_event": Parameter("What happened to the token.", _kinds(JOIN_TOKEN_EVENTS)),
    "window_id": Parameter("UUID of a window of maintenance."),
    "quota_id": Parameter("UUID of the quota."),
    "quota_event": Parameter("How much of it is used.", _kinds(QUOTA_EVENTS)),
    "alert_id": Parameter("UUID of the alert, new each time that it fires."),
    "agent_event": Parameter("What happened to the agent.", _kinds(AGENT_EVENTS)),
    "model_event": Parameter("What happened to the job.", _kinds(MODEL_EVENTS)),
    "job_id": Parameter("UUID of the job; its sidecar makes it."),
}
