"""What expressions give for an item of an execution: a look for whoever writes them, which runs no node and stores nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from bus.errors import ExecutionNotFound
from bus.messages import Claims
from bus.messages.previews import PreviewExpressions, Previews, PreviewValue
from bus.tenancy import person_of
from workflow.core.execution import Current, Execution, Source, Visit
from workflow.core.failure import NodeError
from workflow.core.graph import Graph
from workflow.core.items import numbered
from workflow.expressions.parameters import Parameters
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import Limits, V8Scripts, to_bytes
from workflow.n8n.document import Connection, Node
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import type_of
from workflow.running.engine import Engine, clock_ms
from workflow.running.reading import Reading

SECONDS: Final = 1.0
"""For all expressions of a look together."""
MOST_SHOWN: Final = 2000
"""Letters of a value."""
_TYPE: Final = "hive.preview"


class Previewing:
    """With the pool of isolates that nodes use, in isolates of the asker's own: what they leave there meets no workflow."""

    def __init__(self, engine: Engine, reading: Reading, pool: Pool) -> None:
        self._engine, self._reading = engine, reading
        self._scripts = V8Scripts(pool, Limits(expression_seconds=SECONDS))

    async def preview(self, wish: PreviewExpressions, claims: Claims) -> Previews:
        """ExecutionNotFound; what is wrong with an expression is told in its place."""
        row, execution = await self._reading.execution_for(wish.execution_id, claims)
        if row["workflow_id"] is None:
            raise ExecutionNotFound("Its workflow was deleted, so nothing can be seen from its nodes.")
        plan = await self._engine.library.plan_for(row["workflow_id"], claims)
        source = _source(execution, wish)
        call = self._call(plan.graph, execution, wish, source, f"preview of {person_of(claims)}")
        item = min(wish.item, max(len(call.items) - 1, 0))
        values = await self._engine.compute(str(call.environment["owner"]), lambda: self._values(call, item))
        gave = len(execution.items_of(source)) if source is not None else len(execution.start_items)
        return Previews(values=tuple(values), item=item, items=gave, source=None if source is None else source.node)

    def _call(
        self, graph: Graph, execution: Execution, wish: PreviewExpressions, source: Source | None, owner: str
    ) -> NodeCall:
        """The node's own sources, so that items of nodes before can be followed back; its parameters are the expressions."""
        visit = Visit(wish.node, () if source is None else (source,))
        now_ms = clock_ms()
        current = Current(
            visit=visit, run=len(execution.runs.get(wish.node, ())), index=execution.next_index, started_ms=now_ms
        )
        items = execution.items_of(source) if source is not None else execution.start_items
        own = graph.workflow.by_name.get(wish.node) or Node(name=wish.node, type=_TYPE)
        parameters = {str(place): text for place, text in enumerate(wish.expressions)}
        interpreter = self._engine.interpreter
        return NodeCall(
            node=replace(own, parameters=parameters),
            inputs=[numbered(items or ({"json": {}},))],
            execution=execution.evolve(current=current),
            graph=_leading(graph, wish),
            scripts=self._scripts,
            now_ms=now_ms,
            time_zone=graph.workflow.time_zone or interpreter.time_zone,
            static_data=dict(execution.static_data),
            environment={**interpreter.environment(execution), "owner": owner},
        )

    def _values(self, call: NodeCall, item: int) -> Sequence[PreviewValue]:
        names = tuple(call.node.parameters)
        try:
            (found,) = self._scripts.parameters(call, (item,))
        except NodeError as error:  # all of them ran out of time or memory
            return [PreviewValue(error=error.message)] * len(names)
        return [_value(found, name) for name in names]


def _leading(graph: Graph, wish: PreviewExpressions) -> Graph:
    """With the connections of the draft to the node, which the saved workflow may not have yet."""
    links = [Connection(source=each.node, output=each.output, target=wish.node, input=0) for each in wish.sources]
    return replace(graph, parents={**graph.parents, wish.node: links})


def _source(execution: Execution, wish: PreviewExpressions) -> Source | None:
    """Where the node's last run had its items from, where that still leads to it; else the first that gave some, or ran at all."""
    ran = execution.runs.get(wish.node, ())
    before = next((source for source in (ran[-1].sources if ran else ()) if source is not None), None)
    if before is not None and any((each.node, each.output) == (before.node, before.output) for each in wish.sources):
        return before
    last = [
        Source(each.node, each.output, len(execution.runs[each.node]) - 1)
        for each in wish.sources
        if execution.runs.get(each.node)
    ]
    return next((source for source in last if execution.items_of(source)), last[0] if last else None)


def _value(found: Parameters, name: str) -> PreviewValue:
    try:
        value = found.get(name)
    except NodeError as error:
        return PreviewValue(error=error.message)
    if found.is_undefined(name):
        return PreviewValue(type="undefined", text="undefined")
    text = value if isinstance(value, str) else _json(value)
    return PreviewValue(type=type_of(value), text=text[:MOST_SHOWN], cut=len(text) > MOST_SHOWN)


def _json(value: Any) -> str:
    return to_bytes(value).decode(errors="replace")
