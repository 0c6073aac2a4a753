"""Examples of MCP servers for the API's own documentation."""

from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.mcp_servers import (
    McpImport,
    McpImportEntry,
    McpServerList,
    McpServerRecord,
    McpServerStatus,
    McpTool,
    McpTransport,
)
from bus.messages.node_types import NodeGroup, NodeTypeList, NodeTypeRecord
from coordinator.gateway.examples.time import NOON

_RECORD: Final = McpServerRecord(
    id=UUID("5b0c7c52-2c39-4f0a-8a36-6a1c0f1d2e3f"),
    name="time",
    transport=McpTransport.STDIO,
    command="mcp-server-time",
    capabilities=("time",),
    active=True,
    owner="anna",
    status=McpServerStatus.CONNECTED,
    server_name="mcp-time",
    server_version="2026.10.19",
    tools=(McpTool(name="get_current_time", input_schema={"type": "object", "properties": {"timezone": {"type": "string"}}}),),
    checked_at=NOON,
    created_at=NOON,
    updated_at=NOON,
)

_REMOTE: Final = {
    "transport": "streamable_http",
    "endpoint": "https://tools.example/mcp",
    "headers": {"Authorization": "Bearer the-token"},
}
_PROGRAM: Final = {"transport": "stdio", "command": "mcp-server-time", "env": {"TZ": "Europe/Berlin"}}

SERVERS: Final[dict[str, Example]] = {
    "remote": {"summary": "One that is reached by HTTP", "value": {"name": "review", **_REMOTE}},
    "program": {"summary": "One that is run, by an administrator", "value": {"name": "time", **_PROGRAM}},
}
CHANGES: Final[dict[str, Example]] = {
    "off": {"summary": "Switched off", "value": {**_REMOTE, "active": False}},
    "program": {"summary": "Another environment", "value": _PROGRAM},
}
FILES: Final[dict[str, Example]] = {
    "assistant": {"summary": "Of an assistant", "value": {"mcpServers": {"time": {"command": "mcp-server-time"}}}},
    "servers": {
        "summary": "With capabilities",
        "value": {"servers": {"review": {"endpoint": "http://localhost:8000/mcp", "version": "1.2.0", "status": "active"}}},
    },
}
ANSWERS: Final[tuple[BaseModel, ...]] = (
    NodeTypeList(
        types=(
            NodeTypeRecord(
                name="hive.mcp.time.get_current_time",
                versions=(1,),
                group=NodeGroup.TOOL,
                inputs=1,
                outputs=1,
                title="get_current_time",
                description="Get current time in a specific timezone",
                parameters_schema=_RECORD.tools[0].input_schema,
            ),
            NodeTypeRecord(name="n8n-nodes-base.set", versions=(3.4,), group=NodeGroup.DATA, inputs=1, outputs=1),
        )
    ),
    _RECORD,
    McpServerList(servers=(_RECORD.model_copy(update={"tools": ()}),)),
    McpImport(
        entries=(
            McpImportEntry(name="time", stored=True),
            McpImportEntry(
                name="old", stored=False, code="unsupported_mcp_transport", message="MCP has no transport by WebSocket."
            ),
        )
    ),
)
