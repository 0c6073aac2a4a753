"""What an engine asks of an execution between two steps. Times are Unix milliseconds."""

from collections.abc import Sequence
from typing import Final

from bus.errors import OutcomeUnknown
from workflow.core.effects import Effect, WaitForCall, WaitUntil
from workflow.core.events import Begin, EffectEnded, Event, GivenUp, Order, RunNode, Stop
from workflow.core.execution import Execution
from workflow.core.failure import Failure
from workflow.running.held import Held

SHORT_WAIT_MS: Final = 5_000
"""A wait that is shorter stays in memory: letting go of it and taking it up again would cost more."""


def first_event(held: Held, now_ms: int) -> Event:
    """One that was stopped, or given up, before it was started here does nothing more."""
    if held.given_up is not None:
        return GivenUp(failure=held.given_up, now_ms=now_ms)
    return Stop(now_ms=now_ms) if held.stop_asked else Begin(now_ms=now_ms)


def runs_node(orders: Sequence[Order]) -> bool:
    return bool(orders) and isinstance(orders[0], RunNode)


def answered(execution: Execution, event: Event) -> Effect | None:
    """The effect that the event answers."""
    if not isinstance(event, EffectEnded) or execution.current is None:
        return None
    return next((effect for effect in execution.current.asked if effect.key == event.key), None)


def is_last(held: Held) -> bool:
    """Whether nothing is left to run after the node that is under way."""
    execution = held.execution
    current = execution.current
    if current is None or execution.stack or execution.waiting:
        return False
    return not any(held.graph.children.get(current.visit.node, ()))


def long_wait(held: Held, now_ms: int) -> int | None:
    """When an execution that can be let go of goes on by itself (0: never); None where it stays in memory."""
    current = held.execution.current
    if held.attended or not held.inbox.empty() or held.execution.ended or current is None:  # what came is taken first
        return None
    open_ones = [effect for effect in current.asked if effect.key not in current.replies]
    times = [effect.at_ms for effect in open_ones if isinstance(effect, WaitUntil | WaitForCall)]
    if len(times) != len(open_ones):
        return None
    known = [at for at in times if at is not None]
    if known and min(known) < now_ms + SHORT_WAIT_MS:
        return None
    return min(known, default=0)


def unknown(effect: Effect) -> Failure:
    return Failure(
        message=f"The engine died while {effect.kind!r} was under way, and the node says not to repeat it. Look whether it happened.",
        code=OutcomeUnknown.code,
        name="OutcomeUnknown",
    )
