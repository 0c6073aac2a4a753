"""A task: what was asked for, what became of it, and each attempt at it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, model_validator

from bus.messages.base import Command, JsonObject, Message, Record, Slug, Text
from bus.messages.output import FailureInfo, Output, Timings, Usage
from bus.messages.places import QueuePlace, Rise
from bus.messages.work import Work, problem_of

TaskId = UUID
MIN_PRIORITY, MAX_PRIORITY = 1, 5
MAX_ATTEMPTS = 10
"""That a task may ask for, and that hosts which die over it while they write may give it."""
_NAMED_PRIORITIES = {"high": 1, "medium": 3, "low": 5}


class TaskStatus(StrEnum):
    """pending (waits for dependencies) -> queued -> assigned -> running -> one of the three ends."""

    PENDING = "pending"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)


class TaskClass(StrEnum):
    """The urgency token of a submit subject: priorities 1-2, 3 and 4-5."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def priority(self) -> int:
        """The priority that the class stands for when a task names none."""
        return _NAMED_PRIORITIES[self.value]


def task_class(priority: int) -> TaskClass:
    return TaskClass.HIGH if priority <= 2 else TaskClass.MEDIUM if priority == 3 else TaskClass.LOW


def _priority(value: Any) -> Any:
    """ValueError, which pydantic passes on, for a word that names no priority, and for true, which Python would take as 1."""
    if not isinstance(value, str | bool) or (isinstance(value, str) and value.isdecimal()):
        return value
    if isinstance(value, bool) or value not in _NAMED_PRIORITIES:
        raise ValueError("it is 1 (first) to 5, or high, medium, low")
    return _NAMED_PRIORITIES[value]


Priority = Annotated[
    int,
    BeforeValidator(_priority, json_schema_input_type=int | Literal["high", "medium", "low"]),
    Field(ge=MIN_PRIORITY, le=MAX_PRIORITY, description="1 first … 5 last; `high`, `medium`, `low` mean 1, 3, 5"),
]


class Requirements(Command):
    """What an agent must offer to be given the task."""

    capabilities: dict[Text, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="least proficiency by capability"
    )
    labels: dict[Text, Text] = Field(default_factory=dict)
    vram_gb: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="least memory of its cards, in GiB")


class TaskRequest(Work):
    """The body of `POST /api/tasks`, of `hive.svc.tasks.submit` and of `nats pub hive.tasks.submit.…`: one and the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")  # as every Command

    title: Text | None = Field(default=None, max_length=255)
    description: Text | None = Field(default=None, max_length=10_000)
    model: Text | None = Field(
        default=None, min_length=1, max_length=255, description="left out: whatever model an able agent has warm"
    )
    require: Requirements = Field(default_factory=Requirements)
    priority: Priority = 3
    depends_on: tuple[UUID, ...] = Field(
        default=(),
        max_length=100,
        description="tasks that must have completed before; `{{output:<id>}}` in the prompt or a message stands for what one of them answered",
    )
    session: Text | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="the conversation it belongs to: goes to the same host where that is sooner",
    )
    timeout_seconds: float = Field(default=600, gt=0, le=86_400, description="from first dispatch to end, retries included")
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=MAX_ATTEMPTS,
        description="beside those that cost none: a host that refused, yielded or could not, and, where more than one is allowed, one that was lost while it wrote",
    )
    not_before: AwareDatetime | None = Field(
        default=None, description="waits at least until then; left out: begins when it can"
    )
    deadline: AwareDatetime | None = Field(
        default=None, description="fails with `task_timeout` when it has not ended by then, also while it waits"
    )
    preemptible: bool = Field(
        default=False,
        description="yields its slot to a task of a higher priority that finds none, and later goes on from what it has written",
    )
    metadata: JsonObject = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (problem := problem_of(self)) is not None:
            raise ValueError(problem)
        if self.not_before is not None and self.deadline is not None and self.deadline <= self.not_before:
            raise ValueError("the `deadline` is not after `not_before`: the task could never run")
        return self


class AttemptStatus(StrEnum):
    OFFERED = "offered"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    LOST = "lost"
    PREEMPTED = "preempted"


class AttemptRecord(Record):
    id: UUID
    number: int
    agent_id: Slug
    model: str
    status: AttemptStatus
    begins_at: int = Field(default=0, description="characters that an earlier attempt wrote and this one went on from")
    offered_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: FailureInfo | None = None


class TaskHead(Record):
    """What a record begins with."""

    id: TaskId
    tenant: Slug = "default"
    owner: str
    status: TaskStatus


class TaskRecord(Work, TaskHead):
    """A task as every door shows it."""

    priority: int
    position: int | None = Field(default=None, description="1 is next; null unless queued, and while no coordinator leads")
    eta_seconds: float | None = Field(
        default=None, description="until it begins, as predicted; null unless queued, and where no agent is able"
    )
    rise: Rise | None = Field(
        default=None, description="the last time that it was put back in the queue, and why; null where nobody saw it so"
    )
    title: str | None = None
    description: str | None = None
    model: str | None = None
    require: Requirements = Field(default_factory=Requirements)
    session: str | None = None
    depends_on: tuple[UUID, ...] = ()
    timeout_seconds: float = 600
    max_attempts: int = 3
    not_before: datetime | None = None
    deadline: datetime | None = None
    preemptible: bool = False
    metadata: JsonObject = Field(default_factory=dict)
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    assigned_agent_id: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    output: Output | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    error: FailureInfo | None = None


class SubmittedTask(Message):
    """What a door compares a repeated submit with. `body_hash`: SHA-256 of the request, when it came with an Idempotency-Key."""

    record: TaskRecord
    body_hash: str | None = None


class ListTasks(Command):
    """Filters of `GET /api/tasks`, newest first. `cursor` is the `next_cursor` of the page before."""

    status: tuple[TaskStatus, ...] = ()
    agent_id: Slug | None = None
    model: Text | None = None
    owner: Text | None = None
    dead_letters: bool = Field(default=False, description="only what failed and can be requeued by hand")
    since: AwareDatetime | None = Field(default=None, description="only those that were asked for from then on")
    before: AwareDatetime | None = Field(default=None, description="only those that were asked for before")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: Text | None = None


class TaskList(Record):
    """Records without prompts and outputs; `GET /api/tasks/{id}` has those."""

    tasks: tuple[TaskRecord, ...]
    next_cursor: str | None = None


class TaskRef(Command):
    """Names one task: the body of `.get`, `.cancel`, `.requeue` and `.explain`."""

    id: TaskId


class TaskIds(Message):
    ids: tuple[TaskId, ...]


class QueuePlaces(Message):
    """By task; one that is not there does not wait."""

    places: dict[TaskId, QueuePlace]


class AssignTask(Command):
    id: TaskId
    agent_id: Slug


class PrioritizeTask(Command):
    id: TaskId
    priority: Priority


class AgentRow(Message):
    """Why an agent would, or would not, be given the task. `predicted_seconds` is left out for one that is not able."""

    agent_id: Slug
    able: bool
    reason: str
    model: str | None = None
    warm: bool = False
    free_slots: int = 0
    predicted_seconds: float | None = None
    price: float | None = None
    """What each of these seconds counts for: more than 1 where others lately waited for the agent's time."""


class Explanation(Record):
    """The scheduler's own table, best first, and its choice; null when the task waits."""

    agents: tuple[AgentRow, ...]
    choice: str | None = None
    reason: str
