"""The types of nodes as the bus lists them. Pure."""

from collections.abc import Iterable
from typing import Final

from pydantic_core import to_json

from bus.messages.mcp_servers import McpServerRecord, McpTool
from bus.messages.node_types import NodeGroup, NodeTypeList, NodeTypeRecord
from workflow.n8n.tools import type_of
from workflow.nodes.contract import NodeType
from workflow.nodes.tool_nodes import VERSION

_FLOW: Final = frozenset(
    {
        "compareDatasets",
        "executeWorkflow",
        "filter",
        "if",
        "merge",
        "noOp",
        "respondToWebhook",
        "splitInBatches",
        "stopAndError",
        "switch",
        "wait",
    }
)
_ACTION: Final = frozenset(
    {"emailSend", "form", "httpRequest", "openAi", "postgres", "publishEvent", "readWriteFile", "redis", "rssFeedRead"}
)


_MOST_LETTERS: Final = 1000
MOST_TOOLS: Final = 2000
MOST_SCHEMA_BYTES: Final = 2 * 1024 * 1024
"""Of all tools together: an answer on the bus is bounded."""


def listed(types: Iterable[NodeType], servers: Iterable[McpServerRecord] = (), base_url: str | None = None) -> NodeTypeList:
    """`servers`: with their tools, each of which is a type of node."""
    found = [*(_record(kind) for kind in types), *_of_tools(servers)]
    return NodeTypeList(types=tuple(sorted(found, key=lambda record: record.name)), base_url=base_url)


def _of_tools(servers: Iterable[McpServerRecord]) -> Iterable[NodeTypeRecord]:
    left = MOST_SCHEMA_BYTES
    tools = [(server, tool) for server in servers if server.active for tool in server.tools]
    for server, tool in tools[:MOST_TOOLS]:
        left -= len(to_json(tool.input_schema))
        yield _of_tool(server, tool, with_schema=left >= 0)


def _of_tool(server: McpServerRecord, tool: McpTool, *, with_schema: bool) -> NodeTypeRecord:
    title = tool.annotations.get("title")
    return NodeTypeRecord(
        name=type_of(server.name, tool.name),
        versions=(VERSION,),
        group=NodeGroup.TOOL,
        inputs=1,
        outputs=1,
        title=str(title or tool.name)[:_MOST_LETTERS],
        description=tool.description[:_MOST_LETTERS] or None,
        parameters_schema=tool.input_schema if with_schema else None,
    )


def _record(kind: NodeType) -> NodeTypeRecord:
    return NodeTypeRecord(
        name=kind.name,
        versions=tuple(sorted(kind.versions)),
        group=_group(kind),
        inputs=kind.inputs if isinstance(kind.inputs, int) else None,
        outputs=kind.outputs if isinstance(kind.outputs, int) else None,
        helper=kind.helper,
        note=kind.note,
    )


def _group(kind: NodeType) -> NodeGroup:
    package, _, short = kind.name.rpartition(".")
    if kind.trigger:
        return NodeGroup.TRIGGER
    if kind.helper is not None:
        return NodeGroup.HELPER
    if package.endswith("langchain"):
        return NodeGroup.AI
    if short in _FLOW:
        return NodeGroup.FLOW
    return NodeGroup.ACTION if short in _ACTION else NodeGroup.DATA
