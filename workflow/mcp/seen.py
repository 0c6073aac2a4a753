"""What is seen of a server, as it is stored. Pure."""

import json
from typing import Any, Final

from bus.errors import HiveError, McpServerFailed
from bus.messages.mcp_servers import McpServerStatus
from workflow.credentials.http_auth import cleared
from workflow.mcp.registry import Registered, State

MAX_TOOLS_BYTES: Final = 512 * 1024
"""Of all that one server lists, as JSON: all servers' tools are read at once for the list of nodes."""


def failed(server: Registered, error: HiveError) -> State:
    return State(status=McpServerStatus.FAILED, reason=_storable(str(cleared(error.message, server.hidden))))


def connected(tools: list[dict[str, Any]], name: str | None = None, version: str | None = None) -> State:
    """McpServerFailed for more than is kept of one server."""
    try:
        size = len(json.dumps(tools, allow_nan=False))
    except ValueError:
        raise McpServerFailed("The server lists tools with numbers that JSON does not have.") from None
    if size > MAX_TOOLS_BYTES:
        raise McpServerFailed(
            f"The server lists tools with {size:,} bytes of words and schemas, and may have {MAX_TOOLS_BYTES:,}."
        )
    return State(
        status=McpServerStatus.CONNECTED, tools=_storable(tools), server_name=_storable(name), server_version=_storable(version)
    )


def _storable(value: Any) -> Any:
    """Without U+0000, which PostgreSQL does not store."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value
