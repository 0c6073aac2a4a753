"""What follows a run: n8n's execution order. Pure.

`v1` (depth first): all that a run's outputs lead to goes on top of the stack, from the top left of the canvas. `v0`, of documents
that name no order: to the end of the stack, in the order of the connections.
"""

from workflow.core.execution import Execution, Source, Visit
from workflow.core.graph import Graph, place
from workflow.core.types import NodeTypes
from workflow.n8n.document import Connection


def followed(graph: Graph, types: NodeTypes, execution: Execution, node: str, run: int) -> Execution:
    """The execution with all that follows run `run` of `node` on its stack, or waiting for its other inputs."""
    outputs = execution.runs[node][run].outputs or ()
    reached = [
        connection
        for output, connections in enumerate(graph.children.get(node, ()))
        if output < len(outputs) and outputs[output]
        for connection in connections
    ]
    if not reached:
        return execution
    if graph.workflow.depth_first and len(reached) > 1:
        by_name = graph.workflow.by_name
        # the last one first, as each goes on top of the others: this is also the order in which they fill waiting inputs
        reached.sort(key=lambda connection: place(by_name[connection.target]), reverse=True)
    waiting = dict(execution.waiting)
    ready: list[Visit] = []
    for connection in reached:
        visit = _reach(graph, waiting, connection, Source(node, connection.output, run))
        if visit is not None:
            ready.append(visit)
    stack = (*reversed(ready), *execution.stack) if graph.workflow.depth_first else (*execution.stack, *ready)
    return execution.evolve(stack=stack, waiting=waiting)


def _reach(graph: Graph, waiting: dict[str, tuple[Visit, ...]], connection: Connection, source: Source) -> Visit | None:
    """The visit that this makes complete; with several inputs the first waiting one whose input is still empty takes it."""
    name = connection.target
    if not graph.several_inputs(name):
        return Visit(name, (source,))
    visits = list(waiting.get(name, ()))
    place = next((n for n, visit in enumerate(visits) if visit.sources[connection.input] is None), None)
    if place is None:
        visits.append(Visit(name, (None,) * graph.input_counts[name]))
        place = len(visits) - 1
    sources = list(visits[place].sources)
    sources[connection.input] = source
    if any(each is None for each in sources):  # also one that nothing leads to is waited for, until nothing else is left
        visits[place] = Visit(name, tuple(sources))
        waiting[name] = tuple(visits)
        return None
    del visits[place]
    _put(waiting, name, visits)
    return Visit(name, tuple(sources))


def _put(waiting: dict[str, tuple[Visit, ...]], name: str, visits: list[Visit]) -> None:
    if visits:
        waiting[name] = tuple(visits)
    else:
        waiting.pop(name, None)


def next_waiting(graph: Graph, types: NodeTypes, execution: Execution) -> Execution:
    """Nothing is left to run: the first waiting node whose missing inputs can no longer come goes on without them.

    One that needs more inputs than it has is dropped; one that hangs on another waiting node comes after that.
    """
    waiting = dict(execution.waiting)
    for name in list(waiting):
        others = waiting.keys() - {name}
        if others and graph.ancestors(name) & others and not _mutual(graph, name, others):
            continue
        visit, *rest = waiting[name]
        _put(waiting, name, rest)
        needed = types.inputs_needed(graph.workflow.by_name[name]) or 1
        if sum(source is not None for source in visit.sources) >= needed:
            return execution.evolve(stack=(visit,), waiting=waiting)
    if waiting and len(waiting) < len(execution.waiting):
        return next_waiting(graph, types, execution.evolve(waiting=waiting))
    return execution.evolve(waiting=waiting)


def _mutual(graph: Graph, name: str, others: set[str]) -> bool:
    """Whether all that it waits for waits for it too: a cycle of waiting nodes, where one must begin."""
    return all(name in graph.ancestors(other) for other in graph.ancestors(name) & others)
