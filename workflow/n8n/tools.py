"""Nodes that a tool of an MCP server carries out: by their type, or by the workflow's setting `mcpTools`. Pure.

`mcpTools` is Hive's own. It names nodes, or types of nodes, and for each a registered server and the tool in it:
`{"n8n-nodes-base.httpRequest": {"server": "browser"}, "Post it": {"server": "slack", "tool": "post_message"}, "Fetch": null}`. What stands for
a node counts before what stands for its type; `null` leaves it to Hive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, unquote

from bus.errors import InvalidWorkflow
from workflow.n8n.document import Node, Problem, ToolUse, Workflow

SETTING: Final = "mcpTools"
PREFIX: Final = "hive.mcp."
HTTP_REQUEST: Final = "n8n-nodes-base.httpRequest"
CODE: Final = "n8n-nodes-base.code"
TOOLS: Final[Mapping[str, str]] = {HTTP_REQUEST: "http_request", CODE: "code_execution"}
"""What a type of node is called as a tool, where the setting names none."""
_CLIENTS: Final = ("@n8n/n8n-nodes-langchain.mcpClient", "@n8n/n8n-nodes-langchain.mcpClientTool")
_FIELDS: Final = frozenset({"server", "tool", "arguments"})


@dataclass(frozen=True, slots=True, kw_only=True)
class McpNeed:
    """A registered server that a node needs, and the tool in it; None: which one is seen when it runs."""

    node: str
    server: str
    tool: str | None


def type_of(server: str, tool: str) -> str:
    """Of a node that is a tool: a dot in a name is written `%2E`, since dots part the names."""
    return f"{PREFIX}{_part(server)}.{_part(tool)}"


def _part(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")


def use_of_type(kind: str) -> ToolUse | None:
    """None for a node of another type."""
    server, dot, tool = kind.removeprefix(PREFIX).partition(".")
    if not kind.startswith(PREFIX) or not dot or not server or not tool:
        return None
    return ToolUse(server=unquote(server), tool=unquote(tool))


def with_tools(nodes: Sequence[Node], settings: Mapping[str, Any], problems: list[Problem]) -> tuple[Node, ...]:
    """The nodes, those that a tool carries out with it. InvalidWorkflow for a setting that is none."""
    given = settings.get(SETTING) or {}
    if not isinstance(given, Mapping):
        raise InvalidWorkflow(f"`settings.{SETTING}` must be an object of servers and tools by node, or by type of node.")
    known = {each.name for each in nodes} | {each.type for each in nodes}
    for name, value in given.items():
        if name not in known:
            message = f"`settings.{SETTING}` names {name!r}, and no node has that name or type. Correct it, or take it out."
            problems.append(Problem(code="mcp_tools_unused", message=message))
        _use(name, name if name in TOOLS else None, value)  # also what no node has must be none that is wrong
    return tuple(replace(node, tool=use) if (use := _of(node, given)) is not None else node for node in nodes)


def _of(node: Node, given: Mapping[str, Any]) -> ToolUse | None:
    own = use_of_type(node.type)
    if own is not None:
        return own
    name = node.name if node.name in given else node.type
    return _use(name, node.type, given.get(name), strict=True)


def _use(name: str, kind: str | None, value: Any, *, strict: bool = False) -> ToolUse | None:
    """`strict`: it must name a tool, unless its type has one."""
    where = f"`settings.{SETTING}` of {name!r}"
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) - _FIELDS:
        raise InvalidWorkflow(f"{where} must be null, or an object with `server`, `tool` and `arguments`.")
    server, tool, arguments = value.get("server"), value.get("tool") or TOOLS.get(kind or "", ""), value.get("arguments")
    if not isinstance(server, str) or not server:
        raise InvalidWorkflow(f"{where} names no `server`: the name of one that is registered.")
    if not isinstance(tool, str) or (strict and not tool):
        raise InvalidWorkflow(f"{where} names no `tool`, and {kind} has none of its own.")
    if arguments is None:
        return ToolUse(server=server, tool=tool)
    if not isinstance(arguments, Mapping) or not all(isinstance(path, str) for path in arguments.values()):
        raise InvalidWorkflow(
            f"`arguments` of {where} must be an object: for each argument the path of the parameter that it is."
        )
    return ToolUse(server=server, tool=tool, arguments=dict(arguments))


def needs_of(workflow: Workflow) -> tuple[McpNeed, ...]:
    """What its nodes need, in their order; not what an expression will name."""
    return tuple(need for node in workflow.nodes if not node.disabled and (need := _need(node)) is not None)


def _need(node: Node) -> McpNeed | None:
    if node.tool is not None:
        return McpNeed(node=node.name, server=node.tool.server, tool=node.tool.tool)
    server = node.parameters.get("server")
    if node.type not in _CLIENTS or not isinstance(server, str) or not server or server.startswith("="):
        return None
    chosen = node.parameters.get("tool")
    tool = chosen.get("value") if isinstance(chosen, Mapping) else chosen
    named = isinstance(tool, str) and tool and not tool.startswith("=") and node.type == _CLIENTS[0]
    return McpNeed(node=node.name, server=server.strip(), tool=str(tool) if named else None)
