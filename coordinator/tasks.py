"""A task's life, as pure decisions: what is remembered of it, whether a failure is tried again, and what each change is called."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, Final, Self
from uuid import UUID

from bus.errors import (
    AgentLost,
    AttemptsExhausted,
    HiveError,
    StreamInterrupted,
    TaskTimeout,
    UnsupportedByBackend,
)
from bus.messages import (
    MAX_ATTEMPTS,
    EventType,
    FailureInfo,
    Requirements,
    TaskChange,
    TaskKind,
    TaskStatus,
    Work,
)
from bus.messages.events import RANKS_OF_A_ROUND, RANKS_OF_AN_ATTEMPT
from bus.messages.places import Delay
from bus.tenancy import person
from coordinator.scheduling.sizes import TYPICAL, Size

ANYTHING: Final = Requirements()
FIRST_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0

INABILITIES: Final = frozenset({UnsupportedByBackend.code, StreamInterrupted.code})
"""What an agent says before it begins, of work that another may be able to do."""

_RANK: Final = {
    status: rank
    for rank, status in enumerate(
        (
            TaskStatus.PENDING,
            TaskStatus.ASSIGNED,
            TaskStatus.RUNNING,
            TaskStatus.QUEUED,  # again: after what its last attempt did, and before the next one
            TaskStatus.COMPLETED,
            TaskStatus.FAILED,
            TaskStatus.CANCELLED,
        )
    )
}

EVENT_OF: Final = {
    TaskStatus.QUEUED: EventType.TASK_QUEUED,
    TaskStatus.ASSIGNED: EventType.TASK_ASSIGNED,
    TaskStatus.RUNNING: EventType.TASK_STARTED,
    TaskStatus.COMPLETED: EventType.TASK_COMPLETED,
    TaskStatus.FAILED: EventType.TASK_FAILED,
    TaskStatus.CANCELLED: EventType.TASK_CANCELLED,
}


class Streaming(Enum):
    """Whether somebody sees the output as it is written, and whether another attempt may then write on behind it (docs/adr/0017)."""

    NOT = auto()
    GOES_ON = auto()
    BREAKS = auto()


def streaming_of(work: Work) -> Streaming:
    if not work.streamed:
        return Streaming.NOT
    return Streaming.GOES_ON if work.can_go_on else Streaming.BREAKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the leader remembers of a task that has not ended: never its prompt (docs/adr/0002)."""

    id: UUID
    tenant: str
    owner: str
    priority: int
    sequence: int
    created_at: datetime
    kind: TaskKind | None = TaskKind.CHAT
    """None: its request could not be read."""
    model: str | None = None
    title: str | None = None
    require: Requirements = ANYTHING
    timeout_seconds: float = 600
    attempts: int = 0
    attempts_allowed: int = 3
    max_attempts: int = 3
    """What was asked for; `attempts_allowed` counts those in that were not the task's doing, or were before a requeue by hand."""
    round_number: int = 0
    """How often it was requeued by hand."""
    started_at: datetime | None = None
    not_before: datetime | None = None
    traceparent: str | None = None
    key_id: UUID | None = None
    workflow_id: UUID | None = None
    """Whom its use is charged to, beside the owner."""
    pin: str | None = None
    """Assigned by hand: waits for this agent and no other."""
    avoid: frozenset[str] = frozenset()
    """Agents that failed it: given to one of them again only where no other is able."""
    size: Size = TYPICAL
    session: int | None = None
    """Of the conversation that it belongs to, hashed: the host that had its last part knows most of the prompt."""
    end_by: datetime | None = None
    """The deadline that whoever submitted it gave."""
    preemptible: bool = False
    streaming: Streaming = Streaming.NOT
    back: Delay | None = None
    """Why it came back to the queue after its last attempt, as far as this leader saw it."""

    def evolve(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def person(self) -> str:
        """Whose turn in the queue it takes."""
        return person(self.tenant, self.owner)

    @property
    def failures(self) -> int:
        """Attempts that count against the task: those that were refused, yielded or lost do not."""
        return self.max_attempts - (self.attempts_allowed - self.attempts)

    @property
    def deadline(self) -> datetime | None:
        """Of the whole task: its own, and its timeout from when it was first dispatched."""
        if self.started_at is None:
            return self.end_by
        over = self.started_at + timedelta(seconds=self.timeout_seconds)
        return over if self.end_by is None else min(over, self.end_by)


def session_hash(owner: str, session: str | None) -> int | None:
    """The same for every leader; sessions of two owners are never one. `owner` is a `person`."""
    return None if session is None else int.from_bytes(blake2b(f"{owner}\0{session}".encode(), digest_size=7).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Back to the queue, not before its `not_before`."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    error: FailureInfo


def after_failure(
    task: Task, agent_id: str, error: FailureInfo, *, retryable: bool, now: datetime, wrote: bool = False
) -> Retry | GiveUp:
    """Whether a failed attempt is followed by another. A lost agent costs no back-off: the next one is not to blame.

    One that cannot do such work costs none of the attempts, until an agent that was passed over for it is the only one left. Nor does one
    that was lost after it `wrote` some of the answer, where there may be another at all: what kills its host does so sooner.
    """
    if not retryable or (error.code in INABILITIES and agent_id in task.avoid):
        return GiveUp(error=error)
    if task.deadline is not None and task.deadline <= now:
        return GiveUp(error=timed_out(task))
    if error.code in INABILITIES:
        return Retry(task=task.evolve(avoid=task.avoid | {agent_id}, attempts_allowed=task.attempts_allowed + 1))
    if error.code == AgentLost.code and wrote and 1 < task.attempts_allowed < MAX_ATTEMPTS:
        task = task.evolve(attempts_allowed=task.attempts_allowed + 1)
    if task.attempts >= task.attempts_allowed:
        message = f"{task.attempts} attempts failed; the last on {agent_id} with {error.code}: {error.message}"
        return GiveUp(error=FailureInfo(code=AttemptsExhausted.code, message=message))
    if error.code == AgentLost.code:
        return Retry(task=task.evolve(avoid=task.avoid | {agent_id}, not_before=None, back=Delay.HOST_LOST))
    at = now + timedelta(seconds=backoff_seconds(task.failures))
    return Retry(task=task.evolve(avoid=task.avoid | {agent_id}, not_before=at, back=Delay.RETRY))


def backoff_seconds(failures: int) -> float:
    doublings = min(max(0, failures - 1), 10)
    return float(min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2**doublings))


def timed_out(task: Task) -> FailureInfo:
    if task.end_by is not None and task.deadline == task.end_by:
        message = f"The task did not end by its deadline, {task.end_by.isoformat()}. Give it more time, or a higher priority."
        return FailureInfo(code=TaskTimeout.code, message=message)
    message = f"The task did not end within its timeout_seconds of {task.timeout_seconds:g}. Give it more, or a smaller model."
    return FailureInfo(code=TaskTimeout.code, message=message)


def failure(error: HiveError) -> FailureInfo:
    return FailureInfo(code=error.code, message=error.message)


def rank(status: TaskStatus, attempt: int, round_number: int = 0) -> int:
    """Orders the changes of one task without clocks. A requeue by hand begins a round, even after no attempt at all."""
    return round_number * RANKS_OF_A_ROUND + attempt * RANKS_OF_AN_ATTEMPT + _RANK[status]


def change(task: Task, status: TaskStatus, **more: Any) -> TaskChange:
    return TaskChange(
        task_id=task.id,
        status=status,
        rank=rank(status, task.attempts, task.round_number),
        priority=task.priority,
        title=task.title,
        kind=task.kind,
        model=more.pop("model", task.model),
        owner=task.owner,
        key_id=task.key_id,
        workflow_id=task.workflow_id,
        attempt=task.attempts,
        **more,
    )
