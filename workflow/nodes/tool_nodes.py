"""Nodes that tools of registered MCP servers carry out (docs/adr/0044): a tool as a node of its own, and other nodes by the workflow's `mcpTools`."""

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from workflow.core.effects import CallMcp
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.n8n.tools import CODE, HTTP_REQUEST, PREFIX
from workflow.nodes import http_tool_calls
from workflow.nodes.code import PYTHON, source_of
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.tool_calls import Known, items_of, known, require_success

VERSION: Final = 1.0
Arguments = Callable[[NodeCall, Known, Parameters], Mapping[str, Any]]


def type_for(node: Node, own: NodeType | None) -> NodeType | None:
    """How a node is run that a tool carries out. `own`: how Hive runs it; it stays so where no tool can take its place."""
    if not can_be_carried(node, own):
        return own
    versions = (VERSION,) if node.type.startswith(PREFIX) else own.versions if own is not None else (node.version,)
    return NodeType(name=node.type, versions=versions, run=_run_of(node), effect=True)


def can_be_carried(node: Node, own: NodeType | None) -> bool:
    """What has one input and one output, and neither starts a workflow nor is attached to a node."""
    if node.type.startswith(PREFIX):
        return True  # whatever the tool is called
    if own is None:
        return not node.type.lower().endswith("trigger")
    return not own.trigger and own.helper is None and (own.inputs, own.outputs) == (1, 1)


def _run_of(node: Node) -> Callable[[NodeCall], EffectRun]:
    use = node.tool
    if use is not None and use.arguments is not None:
        return partial(_each, arguments=_by_path)
    if node.type == HTTP_REQUEST:
        return http_tool_calls.run
    if node.type == CODE:
        return _code
    return partial(_each, arguments=_all if node.type.startswith(PREFIX) else _declared)


def _by_path(call: NodeCall, tool: Known, parameters: Parameters) -> dict[str, Any]:
    use = call.node.tool
    ways = {} if use is None else use.arguments or {}
    found = {name: parameters.get(path) for name, path in ways.items()}
    return {name: value for name, value in found.items() if value is not None}


def _all(call: NodeCall, tool: Known, parameters: Parameters) -> dict[str, Any]:
    """Each parameter is an argument; one that is nothing is left out."""
    return {name: value for name in parameters if (value := parameters[name]) is not None}


def _declared(call: NodeCall, tool: Known, parameters: Parameters) -> dict[str, Any]:
    """Those parameters that the tool knows by their names."""
    found = {name: parameters[name] for name in parameters if not tool.declared or name in tool.declared}
    return {name: value for name, value in found.items() if value is not None}


def _each(call: NodeCall, arguments: Arguments) -> EffectRun:
    """A call for each item, one after the other, so that an error is its item's and what follows is not begun."""
    if not call.items:
        return [[]]
    tool = yield from _tool(call)
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            answer = yield from _called(tool, arguments(call, tool, call.each()[index]))
            made.extend({**item, "pairedItem": paired(index)} for item in items_of(answer))
        except NodeError as error:
            made.append(_failed(call, error, index))
    return [made]


def _tool(call: NodeCall) -> Generator[CallMcp, Reply, Known]:
    if call.node.tool is None:
        raise TypeError("no tool carries the node out")
    return (yield from known(call.node, call.node.tool))


def _called(tool: Known, arguments: Mapping[str, Any]) -> Generator[CallMcp, Reply, Mapping[str, Any]]:
    answer: Mapping[str, Any] = value_of((yield tool.call(arguments)))
    require_success(tool, answer)
    return answer


def _failed(call: NodeCall, error: NodeError, index: int) -> Item:
    error.item = index if error.item is None else error.item
    if not call.continues:
        raise error
    return error_item(error, index)


def _code(call: NodeCall) -> EffectRun:
    """Once for all items, or for each, as its mode says. The code is the tool's to run: n8n's names are in it only if the tool has them."""
    tool = yield from _tool(call)
    if call.node.parameters.get("mode") != "runOnceForEachItem":
        try:
            return [_results((yield from _called(tool, _code_arguments(call, tool, call.items))))]
        except NodeError as error:
            if not call.continues:
                raise
            return [[{"json": {"error": error.message}}]]
    made: list[Item] = []
    for index, item in enumerate(call.items):
        try:
            answer = yield from _called(tool, _code_arguments(call, tool, (item,)))
            made.extend({**each, "pairedItem": paired(index)} for each in _results(answer))
        except NodeError as error:
            made.append(_failed(call, error, index))
    return [made]


def _code_arguments(call: NodeCall, tool: Known, items: Sequence[Item]) -> dict[str, Any]:
    """As n8n's items, without files; a tool that takes none runs code that needs none."""
    python = call.node.parameters.get("language") in PYTHON
    given = {
        "language": "python" if python else "javascript",
        "code": source_of(call, "pythonCode" if python else "jsCode"),
        "items": [{"json": item["json"]} for item in items],
    }
    return tool.fitting(given, ("language", "items"))


def _results(answer: Mapping[str, Any]) -> list[Item]:
    """What is written as n8n's items is taken as that."""
    return [_unwrapped(item) for item in items_of(answer)]


def _unwrapped(item: Item) -> Item:
    inner = item["json"].get("json")
    whole = isinstance(inner, dict) and set(item["json"]) <= {"json", "pairedItem", "binary"}
    return {**item, "json": inner} if whole else item
