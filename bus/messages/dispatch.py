"""What the coordinator and a sidecar say to each other about one attempt (docs/adr/0002)."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from bus.messages.base import JsonObject, Message, Slug, Words
from bus.messages.tasks import ChatMessage, FailureInfo, Output, TaskId, Timings, ToolCall, Usage


class Continuation(Message):
    """What earlier attempts at a task wrote: the next one goes on from there. `usage` is what writing it took."""

    output: Output
    usage: Usage = Usage()


class DispatchOffer(Message):
    """One attempt, offered to one instance of a sidecar. Offered again with the same id it is the same attempt."""

    attempt_id: UUID
    task_id: TaskId
    tenant: Slug
    number: int = Field(ge=1, description="1 for the first attempt at the task")
    epoch: int = Field(description="of the coordinator that leads; a sidecar refuses a lower one than it has seen")
    model: str
    prompt: str | None = None
    messages: tuple[ChatMessage, ...] | None = None
    options: JsonObject = Field(default_factory=dict)
    continue_from: Continuation | None = None
    seconds_left: float = Field(description="until the task's timeout; durations travel, deadlines do not")
    traceparent: str | None = None


class OfferVerdict(StrEnum):
    ACCEPTED = "accepted"
    BUSY = "busy"
    UNABLE = "unable"


class OfferReply(Message):
    """`busy` and `unable` promise that the attempt neither runs nor will run here."""

    verdict: OfferVerdict
    reason: Words = ""


class OutcomeStatus(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"


class AttemptOutcome(Message):
    """A sidecar's claim of how an attempt ended; the coordinator makes it a fact, or ignores it.

    `output` is what there was by then, also when the attempt failed or was stopped: just the text that the chunks carried, behind
    what it went on from. `begins_at` is the offset behind that; 0 for an attempt that began from the first character.
    """

    attempt_id: UUID
    task_id: TaskId
    agent_id: Slug
    instance: str
    status: OutcomeStatus
    output: Output = Output()
    begins_at: int = 0
    usage: Usage = Usage()
    timings: Timings = Timings()
    error: FailureInfo | None = None
    retryable: bool = False
    """Whether another attempt could end otherwise: a stalled backend yes, a prompt over the context length no."""


class OutputChunk(Message):
    """A piece of an attempt's output. `offset` counts the characters, of thinking and text together,
    that went before it; `begins_at` is where its attempt began (see AttemptOutcome). `tokens` is how many the attempt had written
    behind it, as far as its sidecar can count.

    The last one carries `end` and is sent after the outcome was acknowledged, so whoever sees it can trust the record to follow.
    """

    number: int
    offset: int
    begins_at: int = 0
    tokens: int = 0
    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    end: OutcomeStatus | None = None
