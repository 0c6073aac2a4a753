"""What the coordinator and a sidecar say to each other about one attempt (docs/adr/0002)."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from bus.messages.base import Message, Slug, Words
from bus.messages.output import FailureInfo, OutcomeStatus, Output, Timings, Usage
from bus.messages.tasks import TaskId
from bus.messages.work import Work


class Continuation(Message):
    """What earlier attempts at a task wrote: the next one goes on from there. `usage` is what writing it took."""

    output: Output
    usage: Usage = Usage()


class DispatchOffer(Work):
    """One attempt, offered to one instance of a sidecar. Offered again with the same id it is the same attempt."""

    attempt_id: UUID
    task_id: TaskId
    tenant: Slug
    number: int = Field(ge=1, description="1 for the first attempt at the task")
    epoch: int = Field(description="of the coordinator that leads; a sidecar refuses a lower one than it has seen")
    model: str
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
