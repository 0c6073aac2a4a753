"""One step of an execution: `advance(graph, types, execution, event) -> (execution, orders)`. Pure; time comes with the event.

An execution is in one of three states: a node is to be run (the order is `RunNode`), effects are in flight (the orders are those
effects, and each `EffectEnded` brings it on), or it has ended. One node runs at a time, as in n8n. The order of execution is n8n's
`v1`: what follows a node goes on top of the stack, siblings from the top left; a node with several inputs waits until each has
brought items, or until nothing else is left to run.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from bus.errors import OutcomeUnknown
from workflow.core.effects import Effect, StartErrorWorkflow, WaitForCall, WaitUntil
from workflow.core.ending import error_workflow, finished
from workflow.core.events import (
    Begin,
    EffectEnded,
    Event,
    Expired,
    GivenUp,
    NodeAsked,
    NodeReturned,
    NodeThrew,
    Order,
    RunNode,
    Stop,
)
from workflow.core.execution import Current, Execution, NodeRun, Reply, Status, Visit
from workflow.core.failure import Failure
from workflow.core.following import followed, next_waiting
from workflow.core.graph import Graph
from workflow.core.items import Items, Outputs, with_pairs
from workflow.core.shaping import after_error, always_output, error_output, first_error
from workflow.core.types import NodeTypes
from workflow.n8n.document import Node, OnError, OnInterrupt

Step: TypeAlias = tuple[Execution, tuple[Order, ...]]

MAX_RUNS_OF_A_NODE: Final = 100_000
"""A loop that goes round more often than this is taken for endless."""
LONGEST_SECONDS: Final = 1e9
"""Of a time limit: 30 years, so that whatever a document says is a time."""


def advance(graph: Graph, types: NodeTypes, execution: Execution, event: Event) -> Step:
    """What an event makes of an execution, and what is to be done next. An execution that has ended takes no more events."""
    if execution.ended:
        return execution, ()
    if isinstance(event, Stop):
        return _end(graph, execution.evolve(current=None, stack=(), last_failure=None), Status.CANCELED, event.now_ms)
    if isinstance(event, Expired) or _expired(execution, event):
        return _end(graph, _timed_out(execution), Status.CANCELED, event.now_ms)
    if isinstance(event, GivenUp):
        return _give_up(graph, execution, event)
    if isinstance(event, Begin):
        return _begin(graph, types, execution, event.now_ms)
    if execution.current is None:
        return execution, ()
    if isinstance(event, NodeReturned):
        return _returned(graph, types, execution, event)
    if isinstance(event, NodeThrew):
        return _threw(graph, types, execution, execution.current, event)
    if isinstance(event, NodeAsked):
        return _asked(graph, execution, execution.current, event)
    return _answered(graph, types, execution, execution.current, event)


def _expired(execution: Execution, event: Event) -> bool:
    return execution.deadline_ms is not None and event.now_ms >= execution.deadline_ms


def _timed_out(execution: Execution) -> Execution:
    failure = Failure(message="The execution was cancelled because it timed out", code="deadline_exceeded", name="TimeoutError")
    return execution.evolve(current=None, stack=(), last_failure=failure)


def _give_up(graph: Graph, execution: Execution, event: GivenUp) -> Step:
    """It fails at the node that it stands at, whatever that node's `onError` says, and can be tried again from there."""
    current = execution.current
    if current is None:
        return _end(graph, execution.evolve(last_failure=event.failure), Status.ERROR, event.now_ms)
    failure = replace(event.failure, node=current.visit.node)
    return _stop_with(graph, execution, current, NodeThrew(failure=failure, now_ms=event.now_ms))


def _begin(graph: Graph, types: NodeTypes, execution: Execution, now_ms: int) -> Step:
    """Start, or say again what is to be done: after a crash the effects in flight are emitted again with their keys."""
    if execution.status is Status.NEW:
        seconds = graph.workflow.settings.get("executionTimeout")
        limited = isinstance(seconds, int | float) and seconds > 0
        deadline = (
            now_ms + int(min(seconds, LONGEST_SECONDS) * 1000) if limited and seconds is not None else execution.deadline_ms
        )
        execution = execution.evolve(status=Status.RUNNING, started_ms=now_ms, deadline_ms=deadline)
    if execution.current is None:
        return _next(graph, types, execution, now_ms)
    return execution, _outstanding(execution.current)


def _outstanding(current: Current) -> tuple[Order, ...]:
    if not current.asked:
        return (RunNode(current.visit.node),)
    return tuple(effect for effect in current.asked if effect.key not in current.replies)


def _next(graph: Graph, types: NodeTypes, execution: Execution, now_ms: int) -> Step:
    """Take the next visit from the stack; with an empty stack a waiting node; with none of those the execution has ended."""
    if not execution.stack:
        execution = next_waiting(graph, types, execution)
    if not execution.stack:
        return _end(graph, execution, Status.ERROR if execution.last_failure else Status.SUCCESS, now_ms)
    visit, *rest = execution.stack
    run = len(execution.runs.get(visit.node, ()))
    current = Current(visit=visit, run=run, index=execution.next_index, started_ms=now_ms)
    execution = execution.evolve(stack=tuple(rest), current=current, next_index=execution.next_index + 1, status=Status.RUNNING)
    if run >= MAX_RUNS_OF_A_NODE:
        failure = Failure(message=f"The node ran {run:,} times: its loop does not end", code="workflow_cycle", node=visit.node)
        return _stop_with(graph, execution, current, NodeThrew(failure=failure, now_ms=now_ms))
    return execution, (RunNode(visit.node),)


def inputs_of(execution: Execution, visit: Visit) -> list[Items]:
    """The items that came to each input of a visit; a node that is executed once was given the first of them."""
    if visit.sources:
        return [execution.items_of(source) for source in visit.sources]
    return [execution.start_items]


def _returned(graph: Graph, types: NodeTypes, execution: Execution, event: NodeReturned) -> Step:
    """Its outputs become run data, and what follows goes on the stack."""
    current = execution.standing
    node = graph.workflow.by_name[current.visit.node]
    error = first_error(event.outputs) if node.on_error is not OnError.STOP else None
    if error is not None and current.attempt < node.tries and not _unknown(current):
        failure = Failure(message=error, node=node.name)
        return _retry(execution, current, node, NodeThrew(failure=failure, now_ms=event.now_ms))
    if not event.outputs:  # not even an empty output: as in n8n, it is as if it had not run
        return _next(graph, types, _remember(execution, node, event).evolve(current=None), event.now_ms)
    inputs = inputs_of(execution, current.visit)
    outputs: Outputs = event.outputs
    if node.on_error is OnError.ERROR_OUTPUT:
        outputs = error_output(outputs, inputs, types.outputs(node))
    outputs = with_pairs(outputs, inputs)
    if node.always_output_data:
        outputs = always_output(outputs, inputs)
    execution = _remember(execution, node, event)
    run = NodeRun(
        node=node.name,
        index=current.index,
        started_ms=current.started_ms,
        took_ms=max(0, event.now_ms - current.started_ms),
        sources=current.visit.sources,
        outputs=outputs,
        hints=event.hints,
        logs=event.logs,
    )
    return _go_on(graph, types, _with_run(execution, run, None), node, current.run, event.now_ms)


def _remember(execution: Execution, node: Node, event: NodeReturned) -> Execution:
    changes: dict[str, Any] = {}
    if event.context is not None:
        changes["contexts"] = {**execution.contexts, node.name: event.context}
    if event.static_data is not None:
        changes["static_data"] = event.static_data
    if event.custom_data is not None:
        changes["custom_data"] = event.custom_data
    return execution.evolve(**changes) if changes else execution


def _with_run(execution: Execution, run: NodeRun, failure: Failure | None) -> Execution:
    runs: Mapping[str, tuple[NodeRun, ...]] = {**execution.runs, run.node: (*execution.runs.get(run.node, ()), run)}
    return execution.evolve(runs=runs, current=None, last_node=run.node, last_failure=failure)


def _go_on(graph: Graph, types: NodeTypes, execution: Execution, node: Node, run: int, now_ms: int) -> Step:
    if node.name == execution.destination:
        return _end(graph, execution, Status.ERROR if execution.last_failure else Status.SUCCESS, now_ms)
    return _next(graph, types, followed(graph, types, execution, node.name, run), now_ms)


def _threw(graph: Graph, types: NodeTypes, execution: Execution, current: Current, event: NodeThrew) -> Step:
    node = graph.workflow.by_name[current.visit.node]
    # another attempt would be another effect, where it is not known whether the first one happened
    if current.attempt < node.tries and event.failure.code != OutcomeUnknown.code:
        return _retry(execution, current, node, event)
    if node.on_error is OnError.STOP:
        return _stop_with(graph, execution, current, event)
    inputs = inputs_of(execution, current.visit)
    # as n8n does it: only nodes that reach outside make items of their errors for the error output
    splits = node.on_error is OnError.ERROR_OUTPUT and types.reaches_outside(node)
    outputs = after_error(event.failure, inputs, types.outputs(node) if splits else None)
    run = _failed_run(current, event, with_pairs(outputs, inputs))
    return _go_on(graph, types, _with_run(execution, run, event.failure), node, current.run, event.now_ms)


def _unknown(current: Current) -> bool:
    """Whether an effect of this attempt may have happened, or not."""
    replies = (reply for found in current.rounds for reply in found)
    return any(reply.failure is not None and reply.failure.code == OutcomeUnknown.code for reply in replies)


def _failed_run(current: Current, event: NodeThrew, outputs: Outputs | None) -> NodeRun:
    return NodeRun(
        node=current.visit.node,
        index=current.index,
        started_ms=current.started_ms,
        took_ms=max(0, event.now_ms - current.started_ms),
        sources=current.visit.sources,
        outputs=outputs,
        failure=event.failure,
        logs=event.logs,
    )


def _stop_with(graph: Graph, execution: Execution, current: Current, event: NodeThrew) -> Step:
    execution = _with_run(execution, _failed_run(current, event, None), event.failure)
    return _end(graph, execution, Status.ERROR, event.now_ms)


def _retry(execution: Execution, current: Current, node: Node, event: NodeThrew) -> Step:
    """The wait before the next attempt is an effect like any other, so that it survives the engine."""
    wait = WaitUntil(key=_key(execution, current, 0), at_ms=event.now_ms + node.retry_wait_ms)
    again = _evolve(current, asked=(wait,), replies={}, retrying=True, retry_failure=event.failure)
    return execution.evolve(current=again), (wait,)


def _key(execution: Execution, current: Current, place: int) -> str:
    """Unique within all executions, and the same whenever the effect is repeated: a new attempt of a node that failed has new ones."""
    return f"{execution.id}.{current.index}.{current.attempt}.{len(current.rounds)}.{place}"


def _evolve(current: Current, **changes: Any) -> Current:
    return replace(current, **changes)


def _asked(graph: Graph, execution: Execution, current: Current, event: NodeAsked) -> Step:
    repeatable = graph.workflow.by_name[current.visit.node].on_interrupt is OnInterrupt.REPEAT
    effects = tuple(
        effect.keyed(_key(execution, current, place), repeatable=effect.inside or (repeatable and effect.repeatable))
        for place, effect in enumerate(event.effects)
    )
    status = Status.WAITING if all(isinstance(effect, WaitUntil | WaitForCall) for effect in effects) else Status.RUNNING
    return execution.evolve(current=_evolve(current, asked=effects, replies={}), status=status), effects


def _answered(graph: Graph, types: NodeTypes, execution: Execution, current: Current, event: EffectEnded) -> Step:
    """The last answer of a round brings the node on; before it there is nothing to do."""
    if event.key in current.replies or all(effect.key != event.key for effect in current.asked):
        return execution, ()
    replies: dict[str, Reply] = {**current.replies, event.key: event.reply}
    if len(replies) < len(current.asked):
        return execution.evolve(current=_evolve(current, replies=replies)), ()
    if current.retrying:
        again = _evolve(
            current, attempt=current.attempt + 1, rounds=(), asked=(), replies={}, retrying=False, retry_failure=None
        )
    else:
        answered = tuple(replies[effect.key] for effect in current.asked)
        again = _evolve(current, rounds=(*current.rounds, answered), asked=(), replies={})
    return execution.evolve(current=again, status=Status.RUNNING), (RunNode(current.visit.node),)


def _end(graph: Graph, execution: Execution, status: Status, now_ms: int) -> Step:
    ended = finished(execution, status, now_ms)
    effect: StartErrorWorkflow | None = error_workflow(graph.workflow, ended)
    orders: tuple[Effect, ...] = () if effect is None else (effect,)
    return ended, orders
