"""Runs the node that an execution stands at: the answer to `RunNode`. No I/O; V8 is in the process.

A pure node is run to its end. A node with effects runs to its next yield; its generator is kept while this engine lives, and made anew
from the stored replies where it is not there: after a crash, on another engine, or once the execution was let go of.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bus.errors import HiveError
from workflow.core.effects import Effect
from workflow.core.events import NodeAsked, NodeReturned, NodeThrew
from workflow.core.execution import Current, Execution, Mode, Reply
from workflow.core.failure import Failure, LimitError, NodeError
from workflow.core.graph import Graph
from workflow.core.items import Item, Items, Outputs, numbered
from workflow.n8n.document import Node
from workflow.nodes.contract import EffectFailed, EffectRun, NodeCall, Scripts, helpers_of
from workflow.nodes.registry import Registry

Outcome = NodeReturned | NodeThrew | NodeAsked
_TRIGGER_INPUT: tuple[Item, ...] = ({"json": {}},)


@dataclass(slots=True)
class _Live:
    """A generator that waits for replies, and how far it is."""

    run: EffectRun
    call: NodeCall
    index: int
    attempt: int
    rounds: int
    single: bool


@dataclass(slots=True, kw_only=True)
class Interpreter:
    """`environment` gives what an execution may see of the engine; `clock_ms` gives Unix milliseconds.

    Its names: `owner` (whose isolates evaluate it), `vars`, `env` and `secrets` (left out, they are closed), `resume_url`, `resume_form_url`.
    Safe for several threads as long as each execution is stepped by one at a time.
    """

    registry: Registry
    scripts: Scripts
    clock_ms: Callable[[], int]
    environment: Callable[[Execution], Mapping[str, Any]] = lambda _: {}
    time_zone: str = "UTC"
    _live: dict[str, _Live] = field(default_factory=dict)

    def run(self, graph: Graph, execution: Execution) -> Outcome:
        """The next event of the execution. Never raises: what a node raises is `NodeThrew`."""
        current = execution.standing
        node = graph.workflow.by_name[current.visit.node]
        call: NodeCall | None = None
        try:
            shortcut = _shortcut(graph, execution, node)
            if shortcut is not None:
                return NodeReturned(outputs=shortcut, now_ms=self.clock_ms())
            kind = self.registry.get(node)
            if kind.effect:
                return self._go_on(graph, execution, current, node)
            call = self.call(graph, execution, node)
            result = kind.run(call)
            if isinstance(result, Generator):
                raise TypeError(f"{kind.name} yields effects but is not registered with effect=True")
            return self._returned(call, result, execution)
        except Exception as error:
            return self._threw(error, node, call)

    def forget(self, execution_id: str) -> None:
        """Lets go of what is kept for an execution: it ended, moved away, or waits long."""
        live = self._live.pop(execution_id, None)
        if live is not None:
            live.run.close()

    def call(self, graph: Graph, execution: Execution, node: Node) -> NodeCall:
        current = execution.standing
        # Since it began, not now: a generator that is made anew sees the same.
        return NodeCall(
            node=node,
            inputs=_inputs(execution, current, node),
            execution=execution,
            graph=graph,
            scripts=self.scripts,
            now_ms=current.started_ms,
            time_zone=graph.workflow.time_zone or self.time_zone,
            context=dict(execution.contexts.get(node.name, {})),
            static_data=dict(execution.static_data),
            custom_data=dict(execution.custom_data),
            helpers=helpers_of(graph, node) if node.name in graph.helpers else {},
            environment=self.environment(execution),
        )

    def seen_from(self, graph: Graph, execution: Execution, node: Node, items: Items, now_ms: int) -> NodeCall:
        """For a look at what is attached to a node, of an execution that does not run."""
        return NodeCall(
            node=node,
            inputs=[list(items)],
            execution=execution,
            graph=graph,
            scripts=self.scripts,
            now_ms=now_ms,
            time_zone=graph.workflow.time_zone or self.time_zone,
            static_data=dict(execution.static_data),
            helpers=helpers_of(graph, node),
            environment=self.environment(execution),
        )

    def _go_on(self, graph: Graph, execution: Execution, current: Current, node: Node) -> Outcome:
        live = self._live.pop(execution.id, None)
        place = (current.index, current.attempt, len(current.rounds) - 1)
        if live is not None and current.rounds and (live.index, live.attempt, live.rounds) == place:
            return self._step(execution, live, live.run.send, _sent(current.rounds[-1], live.single))
        if live is not None:
            live.run.close()
        return self._replay(graph, execution, current, node)

    def _replay(self, graph: Graph, execution: Execution, current: Current, node: Node) -> Outcome:
        """From its start, with the replies that it was given before."""
        call = self.call(graph, execution, node)
        run = self.registry.get(node).run(call)
        if not isinstance(run, Generator):
            raise TypeError(f"{node.type} is registered with effect=True but yields nothing")
        live = _Live(run, call, current.index, current.attempt, 0, single=False)
        outcome = self._step(execution, live, lambda _: next(live.run), None)
        for number, replies in enumerate(current.rounds):
            if not isinstance(outcome, NodeAsked):
                return outcome
            live.rounds = number
            outcome = self._step(execution, live, live.run.send, _sent(replies, live.single))
        return outcome

    def _step(self, execution: Execution, live: _Live, resume: Callable[[Any], Any], sent: Any) -> Outcome:
        node = live.call.node
        try:
            asked = resume(sent)
        except StopIteration as stop:
            return self._returned(live.call, stop.value, execution)
        except Exception as error:
            return self._threw(error, node, live.call)
        live.single = isinstance(asked, Effect)
        current = execution.current
        live.rounds = len(current.rounds) if current is not None else 0
        self._live[execution.id] = live
        effects = (asked,) if isinstance(asked, Effect) else tuple(asked)
        return NodeAsked(effects=effects, now_ms=self.clock_ms())

    def _returned(self, call: NodeCall, outputs: Outputs, execution: Execution) -> NodeReturned:
        name = call.node.name
        return NodeReturned(
            outputs=outputs,
            now_ms=self.clock_ms(),
            context=call.context if call.context != execution.contexts.get(name, {}) else None,
            static_data=call.static_data if call.static_data != execution.static_data else None,
            custom_data=call.custom_data if call.custom_data != execution.custom_data else None,
            hints=tuple(call.hints),
            logs=tuple(call.logs),
        )

    def _threw(self, error: Exception, node: Node, call: NodeCall | None) -> NodeThrew:
        failure = _of_effect(error, node) if isinstance(error, EffectFailed) else Failure.of(_told(error), node.name)
        return NodeThrew(failure=failure, now_ms=self.clock_ms(), logs=tuple(call.logs) if call is not None else ())


def _of_effect(error: EffectFailed, node: Node) -> Failure:
    """What went wrong outside, with the node and the item that asked for it."""
    found = error.failure
    return replace(found, node=found.node or node.name, item=error.item if found.item is None else found.item)


def _told(error: Exception) -> Exception:
    """What is no error of ours is a fault of the node's code: the type helps whoever reads it."""
    if isinstance(error, NodeError | HiveError):
        return error
    if isinstance(error, RecursionError):
        return LimitError("It nests deeper than can be read. Return less, or a text of it.")
    if isinstance(error, AttributeError | TypeError | LookupError):
        return NodeError(f"A parameter or an item has a type that the node does not expect: {type(error).__name__}: {error}")
    return NodeError(f"The node failed unexpectedly: {type(error).__name__}: {error}")


def _sent(replies: tuple[Reply, ...], single: bool) -> Any:
    return replies[0] if single else list(replies)


def _shortcut(graph: Graph, execution: Execution, node: Node) -> Outputs | None:
    """What comes of a node that is not run: a disabled one passes its first input on, a pinned one gives what is pinned."""
    if node.disabled:
        return [_all_inputs(execution, execution.standing)[0]]
    if execution.mode is Mode.MANUAL and node.name in graph.workflow.pin_data:
        return [list(graph.workflow.pin_data[node.name])]
    return None


def _inputs(execution: Execution, current: Current, node: Node) -> list[list[Item]]:
    inputs = _all_inputs(execution, current)
    return [items[:1] for items in inputs] if node.execute_once else inputs


def _all_inputs(execution: Execution, current: Current) -> list[list[Item]]:
    if not current.visit.sources:
        return [numbered(execution.start_items or _TRIGGER_INPUT)]
    return [numbered(execution.items_of(source), number) for number, source in enumerate(current.visit.sources)]
