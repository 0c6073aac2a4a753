"""A whole execution in memory: the pure step, the interpreter, and effects carried out by a function. For tests and dry runs.

Waits take no time: the clock is the driver's own and jumps. `step` is what an engine uses too: it goes on through pure nodes until
there are effects to carry out, or an end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from workflow.core.advance import advance
from workflow.core.effects import CallWorkflow, Effect, Respond, StartErrorWorkflow, WaitForCall, WaitUntil
from workflow.core.events import Begin, EffectEnded, Event, RunNode
from workflow.core.execution import Execution, Mode, Reply, Status, Visit
from workflow.core.failure import Failure
from workflow.core.graph import SUB_TRIGGER, Graph, enabled_node, plan, start_node
from workflow.core.interpreter import Interpreter
from workflow.core.items import Items
from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse
from workflow.running.returning import returned


def new_execution(
    graph: Graph,
    interpreter: Interpreter,
    execution_id: str,
    *,
    mode: Mode = Mode.MANUAL,
    start: str | None = None,
    items: Items = (),
    now_ms: int = 0,
) -> Execution:
    """One that begins at `start`, or at the workflow's first trigger, with these items. Raises `invalid_workflow` without a trigger."""
    workflow = graph.workflow
    first = start_node(workflow, interpreter.registry.is_trigger, start)
    return Execution(
        id=execution_id,
        workflow_id=workflow.id,
        mode=mode,
        created_ms=now_ms,
        start_items=tuple(items),
        stack=(Visit(first.name),),
        static_data=workflow.static_data,
    )


def step(graph: Graph, interpreter: Interpreter, execution: Execution, event: Event) -> tuple[Execution, tuple[Effect, ...]]:
    """Advances, and runs nodes, until effects are to be carried out or the execution has ended."""
    while True:
        execution, orders = advance(graph, interpreter.registry, execution, event)
        if not orders or not isinstance(orders[0], RunNode):
            return execution, tuple(order for order in orders if isinstance(order, Effect))
        event = interpreter.run(graph, execution)


@dataclass(slots=True, kw_only=True)
class Driver:
    """`workflows` by id, for sub-workflows. `carry_out` answers effects that the driver does not know; without it they fail."""

    interpreter: Interpreter
    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    carry_out: Callable[[Effect], Reply] | None = None
    responses: list[Respond] = field(default_factory=list)
    told: list[StartErrorWorkflow] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    """All that were carried out, in order."""
    clock_ms: int = 1_700_000_000_000

    def run(
        self,
        workflow: Workflow,
        *,
        mode: Mode = Mode.MANUAL,
        start: str | None = None,
        items: Items = (),
        execution_id: str = "1",
    ) -> Execution:
        """To its end. Raises `invalid_workflow` where there is nothing to start with."""
        graph = plan(workflow)
        execution = new_execution(
            graph, self.interpreter, execution_id, mode=mode, start=start, items=items, now_ms=self.clock_ms
        )
        execution, effects = step(graph, self.interpreter, execution, Begin(now_ms=self.clock_ms))
        while effects:
            self.effects.extend(effects)
            following: list[Effect] = []
            for effect in effects:
                reply = self._carry_out(effect, execution)
                event = EffectEnded(key=effect.key, reply=reply, now_ms=self.clock_ms)
                execution, more = step(graph, self.interpreter, execution, event)
                following.extend(more)
            effects = tuple(following)
        self.interpreter.forget(execution.id)
        return execution

    def _carry_out(self, effect: Effect, execution: Execution) -> Reply:
        if isinstance(effect, WaitUntil):
            self.clock_ms = max(self.clock_ms, effect.at_ms)
            return Reply()
        if isinstance(effect, CallWorkflow):
            return self._call(effect, execution)
        if isinstance(effect, Respond):
            self.responses.append(effect)
            return Reply()
        if isinstance(effect, StartErrorWorkflow):
            self.told.append(effect)
            return Reply()
        if isinstance(effect, WaitForCall) and effect.at_ms is not None:
            self.clock_ms = max(self.clock_ms, effect.at_ms)
            return Reply()
        if self.carry_out is not None:
            return self.carry_out(effect)
        return _refused(f"A run in memory does not carry out {effect.kind!r}")

    def _call(self, effect: CallWorkflow, execution: Execution) -> Reply:
        """A sub-workflow. One that is not active is refused unless its caller is run by hand, as n8n does."""
        workflow = parse(effect.document) if effect.document is not None else self.workflows.get(effect.workflow_id or "")
        if workflow is None:
            return _refused(f"There is no workflow {effect.workflow_id!r}")
        if effect.document is None and not workflow.active and execution.mode is not Mode.MANUAL:
            return _refused("Workflow is not active and cannot be executed.")
        ended = self.run(
            workflow,
            mode=Mode.INTEGRATED,
            start=enabled_node(workflow, SUB_TRIGGER),
            items=effect.items,
            execution_id=effect.key,
        )
        if not effect.wait:
            return Reply()
        if ended.status is not Status.SUCCESS:
            return Reply(failure=ended.failure or Failure(message="The sub-workflow was stopped"))
        return Reply(value=returned(ended))


def _refused(message: str) -> Reply:
    return Reply(failure=Failure(message=message))
