"""The plan of a workflow: what follows what, in which order, and what waits for several inputs. Pure.

A `Graph` is made once for a version of a workflow and shared by all its executions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bus.errors import InvalidWorkflow
from workflow.n8n.document import MAIN, Connection, Node, Workflow

SUB_TRIGGER: Final = "executeWorkflowTrigger"
ERROR_TRIGGER: Final = "errorTrigger"

Children: TypeAlias = Sequence[Sequence[Connection]]
"""By output: the connections that leave it, in the document's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """`children`: main connections by node and output. `parents`: main connections by node. `helpers`: the others, by the node helped."""

    workflow: Workflow
    children: Mapping[str, Children]
    parents: Mapping[str, Sequence[Connection]]
    helpers: Mapping[str, Sequence[Connection]]
    input_counts: Mapping[str, int]

    def several_inputs(self, node: str) -> bool:
        """Whether connections lead to more than its first input: such a node waits for the others."""
        return self.input_counts.get(node, 0) > 1

    def is_ancestor(self, ancestor: str, node: str) -> bool:
        return ancestor in self.ancestors(node)

    def ancestors(self, node: str) -> frozenset[str]:
        return _closure((node,), lambda name: [connection.source for connection in self.parents.get(name, ())])

    def descendants(self, nodes: Iterable[str]) -> frozenset[str]:
        return _closure(nodes, lambda name: [c.target for output in self.children.get(name, ()) for c in output])


def plan(workflow: Workflow) -> Graph:
    children: dict[str, list[list[Connection]]] = defaultdict(list)
    parents: dict[str, list[Connection]] = defaultdict(list)
    helpers: dict[str, list[Connection]] = defaultdict(list)
    for connection in workflow.connections:
        if connection.type != MAIN:
            helpers[connection.target].append(connection)
            continue
        outputs = children[connection.source]
        outputs.extend([] for _ in range(connection.output + 1 - len(outputs)))
        outputs[connection.output].append(connection)
        parents[connection.target].append(connection)
    counts = {node: max(c.input for c in found) + 1 for node, found in parents.items()}
    return Graph(workflow=workflow, children=dict(children), parents=dict(parents), helpers=dict(helpers), input_counts=counts)


def place(node: Node) -> tuple[float, float]:
    """Order of siblings: from the top, then from the left."""
    return (node.position[1], node.position[0])


def enabled_node(workflow: Workflow, kind: str) -> str | None:
    """The name of the first node of this type (its short name) that is not disabled."""
    return next((node.name for node in workflow.nodes if node.short_type == kind and not node.disabled), None)


def start_node(workflow: Workflow, is_trigger: Callable[[Node], bool], preferred: str | None = None) -> Node:
    """The node that an execution begins with: the preferred one, else the first trigger from the top left.

    Raises `invalid_workflow` where there is none. Disabled triggers do not count.
    """
    if preferred is not None:
        if preferred not in workflow.by_name:
            raise InvalidWorkflow(f"The workflow has no node {preferred!r} to start with.")
        return workflow.by_name[preferred]
    triggers = sorted((node for node in workflow.nodes if is_trigger(node) and not node.disabled), key=place)
    if not triggers:
        raise InvalidWorkflow("The workflow has no trigger to start with. Add one, for instance a Manual Trigger.")
    return next((node for node in triggers if node.short_type == "manualTrigger"), triggers[0])


def endless_cycles(graph: Graph, outputs_of: Callable[[Node], int]) -> list[Sequence[str]]:
    """Cycles that can never end: each node in it has one output only, so nothing can choose to leave. Each as a list of names.

    n8n allows cycles, and a loop built of an If is common; one without any choice would run until a limit stops it.
    """
    by_name = graph.workflow.by_name
    single = {node.name for node in graph.workflow.nodes if node.disabled or outputs_of(node) == 1}
    found: list[Sequence[str]] = []
    seen: set[str] = set()
    for name in by_name:
        cycle = _cycle_through(name, graph, single - seen)
        if cycle:
            found.append(cycle)
            seen.update(cycle)
    return found


def _cycle_through(start: str, graph: Graph, within: set[str]) -> list[str]:
    """A path from `start` back to it along nodes of `within`, or nothing. Breadth first, so it is a shortest one."""
    if start not in within:
        return []
    paths: dict[str, list[str]] = {start: [start]}
    queue = [start]
    for name in queue:
        for connection in (c for output in graph.children.get(name, ()) for c in output):
            if connection.target == start:
                return paths[name]
            if connection.target in within and connection.target not in paths:
                paths[connection.target] = [*paths[name], connection.target]
                queue.append(connection.target)
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialPlan:
    """A run of a part: nodes whose earlier runs are kept, and the visits that begin it (sources are of the kept runs)."""

    kept: frozenset[str]
    starts: Sequence[str]


def partial_plan(graph: Graph, destination: str, has_run: frozenset[str], changed: frozenset[str] = frozenset()) -> PartialPlan:
    """What a run up to `destination` still needs, where `has_run` have run data and `changed` were edited since.

    What follows a changed node is run again, and the destination always is.
    """
    wanted = graph.ancestors(destination) | {destination}
    stale = (graph.descendants(changed) | changed | {destination}) & wanted
    kept = frozenset(name for name in wanted & has_run if name not in stale)
    starts = [
        name
        for name in sorted(wanted - kept, key=lambda name: place(graph.workflow.by_name[name]))
        if all(c.source in kept for c in graph.parents.get(name, ()) if c.source not in graph.descendants((name,)))
    ]
    return PartialPlan(kept=kept, starts=starts)


def _closure(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """All that can be reached, without what it starts from (unless a cycle leads back)."""
    found: set[str] = set()
    queue = list(start)
    for name in queue:
        for other in following(name):
            if other not in found:
                found.add(other)
                queue.append(other)
    return frozenset(found)
