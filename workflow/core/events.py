"""What can happen to an execution. `now_ms` is Unix milliseconds: time enters here and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflow.core.effects import Effect
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.core.items import Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """It starts, or an engine takes it up again after a crash: `advance` answers with what is to be done next."""

    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReturned:
    """The node under way has ended. What is None is unchanged."""

    outputs: Sequence[Items | None]
    now_ms: int
    context: Mapping[str, Any] | None = None
    static_data: Mapping[str, Any] | None = None
    custom_data: Mapping[str, str] | None = None
    hints: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeThrew:
    """The node under way has failed; whether it is tried again, and what follows, is `advance`'s to say."""

    failure: Failure
    now_ms: int
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAsked:
    """The node under way wants effects carried out before it goes on."""

    effects: tuple[Effect, ...]
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectEnded:
    """One of the effects in flight has ended. A key that is not in flight is ignored: it was answered already."""

    key: str
    reply: Reply
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A person, or a service that drains, ends it."""

    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Its timeout has passed."""

    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Each engine that goes on with it dies, so none does any more."""

    failure: Failure
    now_ms: int


Event: TypeAlias = Begin | NodeReturned | NodeThrew | NodeAsked | EffectEnded | Stop | Expired | GivenUp


@dataclass(frozen=True, slots=True)
class RunNode:
    """`advance`'s one order to the interpreter: run `execution.current`. Answered by `NodeReturned`, `NodeThrew` or `NodeAsked`."""

    node: str


Order: TypeAlias = RunNode | Effect
__all__ = [
    "Begin",
    "EffectEnded",
    "Event",
    "Expired",
    "Failure",
    "GivenUp",
    "NodeAsked",
    "NodeReturned",
    "NodeThrew",
    "Order",
    "RunNode",
    "Stop",
]
