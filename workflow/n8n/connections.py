"""The connections of a document, flattened; what leads nowhere is told and left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bus.errors import InvalidWorkflow
from workflow.n8n.document import MAIN, Connection, Node, Problem


def read_connections(given: Mapping[str, Any], nodes: Sequence[Node], problems: list[Problem]) -> tuple[Connection, ...]:
    """`{source: {type: [[{node, type, index}]]}}`, where source and node are names (ids in some early files)."""
    names = {node.id: node.name for node in nodes if node.id} | {node.name: node.name for node in nodes}
    found: list[Connection] = []
    for source, by_type in given.items():
        if source not in names:
            problems.append(Problem(code="unknown_source", message=f"A connection starts at {source!r}, which is no node."))
            continue
        for connection in _read_source(names[source], by_type):
            if connection.target in names:
                found.append(_renamed(connection, names[connection.target]))
            else:
                message = f"A connection leads to {connection.target!r}, which is no node."
                problems.append(Problem(code="unknown_target", message=message, node=connection.source))
    return tuple(found)


def _renamed(connection: Connection, target: str) -> Connection:
    return Connection(connection.source, target, connection.output, connection.input, connection.type)


def _read_source(source: str, by_type: object) -> Iterator[Connection]:
    if not isinstance(by_type, dict):
        raise InvalidWorkflow(f"`connections[{source!r}]` must be an object of connection types.")
    for kind, outputs in by_type.items():
        if outputs is None:
            continue
        if not isinstance(outputs, list):
            raise InvalidWorkflow(f"`connections[{source!r}].{kind}` must be a list with one list for each output.")
        for output, targets in enumerate(outputs):
            yield from _read_output(source, kind, output, targets)


def _read_output(source: str, kind: str, output: int, targets: object) -> Iterator[Connection]:
    if isinstance(targets, dict):  # one target, not in a list: early files
        targets = [targets]
    if targets is None:
        return
    if not isinstance(targets, list):
        raise InvalidWorkflow(f"`connections[{source!r}].{kind}[{output}]` must be a list of targets.")
    for target in targets:
        if target is None:
            continue
        if not isinstance(target, dict) or not isinstance(target.get("node"), str):
            raise InvalidWorkflow(
                f"A target in `connections[{source!r}].{kind}[{output}]` must be an object with the name of a `node`."
            )
        index = target.get("index", 0)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < 1000:
            raise InvalidWorkflow(f"A target in `connections[{source!r}].{kind}[{output}]` has an `index` that is no input.")
        yield Connection(source, target["node"], output, index, _type_of(target, kind))


def _type_of(target: Mapping[str, Any], kind: str) -> str:
    """The source's type decides; n8n before 0.1 wrote none at the target."""
    value = target.get("type")
    return value if isinstance(value, str) and kind == MAIN else kind
