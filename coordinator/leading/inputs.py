"""What a leader takes in: everything that can change a task comes as one of these, through one inbox, one turn after the other."""

from asyncio import Future
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from bus.client import Received
from bus.messages import AttemptOutcome, TaskClass
from coordinator.agents.registry import Lost


@dataclass(frozen=True, slots=True)
class SubmitRead:
    task_class: TaskClass
    received: Received


@dataclass(frozen=True, slots=True)
class OutcomeRead:
    received: Received


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """The attempt does not run there and will not; `pause_seconds` until that agent is asked again."""

    attempt_id: UUID
    reason: str
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class AgentDied:
    """`written` is what its attempts had written, by their ids, as they would have reported it; not of all of them is that known."""

    lost: Lost
    written: Mapping[UUID, AttemptOutcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    task_id: UUID


@dataclass(frozen=True, slots=True)
class CancelAsked:
    task_id: UUID
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class RequeueAsked:
    task_id: UUID
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class AssignAsked:
    task_id: UUID
    agent_id: str
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class PriorityAsked:
    task_id: UUID
    priority: int
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time, or a slot that became free: see whether something can be placed."""


Input = (
    SubmitRead
    | OutcomeRead
    | OfferAccepted
    | OfferRefused
    | AgentDied
    | TimeIsUp
    | CancelAsked
    | RequeueAsked
    | AssignAsked
    | PriorityAsked
    | Tick
)
