"""Tools that an agent may call: code, requests, other workflows, and nodes. What a tool does comes back to the model as a text."""

import json
import re
from collections.abc import Generator, Mapping
from typing import Any, Final

from workflow.core.effects import CallWorkflow
from workflow.core.failure import NodeError
from workflow.n8n.document import Node
from workflow.nodes import email_send, http_request, postgres, redis
from workflow.nodes.ai import http_tool, mcp, parsing, vector_store
from workflow.nodes.ai.mcp import McpTool
from workflow.nodes.ai.models import attached, run_attached
from workflow.nodes.code import PYTHON
from workflow.nodes.contract import NodeCall, NodeType, value_of
from workflow.nodes.values import json_text, text_of
from workflow.running.returning import first_of

_CALCULATOR: Final = "Evaluates an arithmetic expression such as (2 + 3) * 4."
_FROM_AI: Final = re.compile(r"""\$from[Aa][Ii]\(\s*(?:\\"|['`])(\w+)(?:\\"|['`])(?:\s*,\s*(?:\\"|['`])([^'`"\\]*))?""")
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_PLAIN: Final[Mapping[str, Any]] = {"type": ["string", "number", "boolean"]}
Using = Generator[Any, Any, str]
"""Yields effects, or lists of them, as nodes do."""


def name_of(node: Node) -> str:
    """As the model calls it: newer versions take the node's own name."""
    given = node.parameters.get("name")
    name = given if isinstance(given, str) and given and not given.startswith("=") else node.name
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)


def described(call: NodeCall, others: Mapping[str, McpTool]) -> str:
    """The tools attached to the node, a line for each. `others`: those of MCP servers."""
    own = [f"- {name_of(node)}: {_description(call, node)}" for node in call.helpers.get("ai_tool", ()) if not _is_server(node)]
    return "\n".join([*own, *(f"- {name}: {mcp.description(tool)}" for name, tool in others.items())])


def _is_server(node: Node) -> bool:
    """It is no tool itself: its server has some."""
    return node.short_type == mcp.CLIENT_TOOL


def _description(call: NodeCall, node: Node) -> str:
    if node.short_type == "toolCalculator":
        return _CALCULATOR
    helper = call.of_helper(node)
    parameters = helper.scripts.parameters(helper, (0,))[0]
    if node.short_type == "toolHttpRequest":
        return http_tool.description(helper, parameters)
    if node.type in _NODES:
        return (parameters.text("toolDescription") or f"does what a {node.short_type.removesuffix('Tool')} node does") + _asks(
            node
        )
    told = parameters.text("description", parameters.text("toolDescription")) or "no description"
    return told + (mcp.fields_in_words(parsing.schema_from(parameters)) if _has_schema(node) else _asks(node))


def _has_schema(node: Node) -> bool:
    return node.parameters.get("specifyInputSchema") is True


def _asks(node: Node) -> str:
    """What the parameters of a node take of the model."""
    fields = ", ".join(f'"{name}"{f" ({about})" if about else ""}' for name, about in _asked(node).items())
    return f" Its input is an object with {fields}." if fields else ""


def _asked(node: Node) -> dict[str, str]:
    fills = node.type in _NODES or node.short_type == "toolWorkflow"
    return dict(_FROM_AI.findall(json.dumps(node.parameters))) if fills else {}


def inputs(call: NodeCall, others: Mapping[str, McpTool]) -> dict[str, Mapping[str, Any]]:
    """The JSON schema of what each tool takes, by its name. Raises NodeError for a tool whose own schema cannot be read."""
    own = {name_of(node): _input(call, node) for node in call.helpers.get("ai_tool", ()) if not _is_server(node)}
    return {**{name: mcp.input_of(tool) for name, tool in others.items()}, **own}


def _input(call: NodeCall, node: Node) -> Mapping[str, Any]:
    helper = call.of_helper(node)
    if node.short_type == "toolHttpRequest":
        return http_tool.input_of(helper.scripts.parameters(helper, (0,))[0])
    if _has_schema(node):
        return parsing.schema_from(helper.scripts.parameters(helper, (0,))[0])
    fields = _asked(node)
    return parsing.object_of(dict.fromkeys(fields, _PLAIN), list(fields)) if fields else _TEXT


def use(call: NodeCall, index: int, name: str, given: Any, others: Mapping[str, McpTool], until_ms: int | None = None) -> Using:
    """What the tool answers. What goes wrong is an answer too: the model may try something else. `until_ms`: of a tool of an MCP server,
    the others have time limits of their own."""
    node = next((each for each in call.helpers.get("ai_tool", ()) if name_of(each) == name and not _is_server(each)), None)
    other = others.get(name)
    try:
        if node is None:
            if other is None:
                return f"There is no tool {name!r}."
            return (yield from mcp.use(call.of_helper(other.node), other, given, until_ms))
        return (yield from _used(call.of_helper(node), index, given))
    except NodeError as error:
        return f"The tool failed: {error.message}"


def _used(call: NodeCall, index: int, given: Any) -> Using:
    kind = call.node.short_type
    if kind == "toolCode":
        return _code(call, given)
    if kind == "toolCalculator":
        return _calculated(call, given)
    if kind == "toolWorkflow":
        return (yield from _workflow(call, index, given))
    if kind == "toolHttpRequest":
        return (yield from http_tool.use(call, index, given))
    if kind == "vectorStoreInMemory":
        return str((yield from vector_store.use(call, index, _text(given))))
    if call.node.type in _NODES:
        return (yield from _node(call, index, given))
    raise NodeError(f"Tools of type {call.node.type} are not run here")


def _code(call: NodeCall, given: Any) -> str:
    query = given if isinstance(given, str) or _has_schema(call.node) else _text(given)
    if call.node.parameters.get("language", "javaScript") in PYTHON:
        source = str(call.node.parameters.get("pythonCode", ""))
        return _text(call.scripts.python(call, source, "tool", query)[0]["json"]["answer"])
    source, query = str(call.node.parameters.get("jsCode", "")), json.dumps(query)
    code = f"const __answer = await (async (query) => {{\n{source}\n}})({query});\nreturn [{{json: {{answer: __answer ?? null}}}}];"
    return _text(call.scripts.code(call, code, "all")[0]["json"]["answer"])


def _calculated(call: NodeCall, given: Any) -> str:
    expression = _text(given).replace("^", "**")
    if not expression or set(expression) - set("0123456789.+-*/%() eE"):
        raise NodeError("It takes numbers, brackets and + - * / % ^ only")
    return text_of(call.scripts.code(call, f"return [{{json: {{answer: ({expression})}}}}];", "all")[0]["json"]["answer"])


def _node(call: NodeCall, index: int, given: Any) -> Using:
    """A node as a tool: run for the agent's item, with what the model gives as `$fromAI`."""
    call.inputs = [call.items[index : index + 1]]
    call.environment = {**call.environment, "from_ai": given if isinstance(given, Mapping) else {"query": given}}
    outputs = yield from _NODES[call.node.type].run(call)
    rows = [item.get("json", {}) for item in (outputs[0] if outputs else ())]
    return _text(rows[0] if len(rows) == 1 else rows)


def _workflow(call: NodeCall, index: int, given: Any) -> Using:
    seen = given if isinstance(given, Mapping) else {"query": given}
    call.environment = {**call.environment, "from_ai": {**seen, "query": _text(given)}}
    parameters = call.scripts.parameters(call, (index,))[0]
    mapping = parameters.get("workflowInputs.value") or {}
    fields: dict[str, Any] = dict(mapping) if mapping else {"query": _text(given)}
    for each in parameters.get("fields.values", []):
        fields[str(each.get("name", ""))] = each.get("stringValue", each.get("value"))
    source = parameters.get("source", "database")
    if source == "parameter":
        document = json.loads(parameters.text("workflowJson", "{}"))
        found = value_of((yield CallWorkflow(document=document, items=[{"json": fields}])))
    else:
        chosen = parameters.get("workflowId", "")
        chosen = chosen.get("value", "") if isinstance(chosen, Mapping) else chosen
        if not chosen:
            raise NodeError("No workflow is chosen for the tool")
        found = value_of((yield CallWorkflow(workflow_id=str(chosen), items=[{"json": fields}])))
    return _answer(first_of(found or []), parameters.text("responsePropertyName"))


def _answer(items: list[Any], name: str) -> str:
    rows = [item.get("json", {}) for item in items]
    if len(rows) == 1 and name and name in rows[0]:
        return _text(rows[0][name])
    return _text(rows[0] if len(rows) == 1 else rows)


def _text(value: Any) -> str:
    """A call with one text in it is that text."""
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return only
    return value if isinstance(value, str) else json_text(value)


_NODES: Final[Mapping[str, Any]] = {
    f"n8n-nodes-base.{name}Tool": module
    for name, module in (("emailSend", email_send), ("httpRequest", http_request), ("postgres", postgres), ("redis", redis))
}
TYPES = (
    attached("toolHttpRequest", (1, 1.1), "ai_tool"),
    *(
        NodeType(name=name, versions=module.TYPES[0].versions, run=run_attached, inputs=0, outputs=0, helper="ai_tool")
        for name, module in _NODES.items()
    ),
    attached("toolCode", (1, 1.1, 1.2, 1.3), "ai_tool"),
    attached("toolCalculator", (1,), "ai_tool"),
    attached("toolWorkflow", (1, 1.1, 1.2, 1.3, 2, 2.1, 2.2), "ai_tool"),
)
