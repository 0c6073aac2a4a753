"""What assistants' files say of MCP servers, as Hive registers them: `{"mcpServers": …}`, and `{"servers": …}`. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bus.codec import explain
from bus.errors import HiveError, InvalidRequest, UnsupportedMcpTransport
from bus.messages.mcp_servers import MAX_SERVERS_IN_A_FILE, McpTransport, ReplaceMcpServer

_TRANSPORTS: Final[Mapping[str, McpTransport]] = {
    "stdio": McpTransport.STDIO,
    "sse": McpTransport.SSE,
    "http": McpTransport.STREAMABLE_HTTP,
    "streamablehttp": McpTransport.STREAMABLE_HTTP,
}
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


def entries(document: Mapping[str, Any]) -> dict[str, ReplaceMcpServer | HiveError]:
    """By name: what is to be registered, or why it is not. InvalidRequest where the document is none of the two."""
    found = document.get("mcpServers", document.get("servers"))
    if not isinstance(found, Mapping):
        raise InvalidRequest('The file has neither "mcpServers" nor "servers" with an object of servers by name.')
    if len(found) > MAX_SERVERS_IN_A_FILE:
        raise InvalidRequest(f"The file has {len(found)} servers, and may have {MAX_SERVERS_IN_A_FILE}. Split it.")
    return {str(name): _entry(str(name), given) for name, given in found.items()}


def _entry(name: str, given: Any) -> ReplaceMcpServer | HiveError:
    try:
        if not isinstance(given, Mapping):
            raise InvalidRequest("The entry is no object.")
        return ReplaceMcpServer.model_validate(_fields(name, given))
    except ValidationError as error:
        return explain(error)
    except HiveError as error:
        return error


def _fields(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What it does not know (approvals, timeouts of the assistant) is not the server's, and is left out."""
    url = given.get("endpoint") or given.get("url") or given.get("serverUrl") or given.get("httpUrl")
    if url is not None:
        require_http(str(url))
    _require_values(given)
    off = given.get("disabled") is True or given.get("enabled") is False or given.get("status") == "inactive"
    fields = {
        "name": name,
        "transport": _transport(given, url),
        "endpoint": url,
        "active": not off,
        **{field: given.get(field) for field in ("command", "args", "env", "headers", "capabilities", "version")},
    }
    return {field: value for field, value in fields.items() if value is not None}


def _transport(given: Mapping[str, Any], url: Any) -> McpTransport:
    """SSE where it says so, or the URL ends so; what has a command is stdio."""
    said = given.get("transport") or given.get("type")
    if said is not None:
        word = re.sub(r"[^a-z]", "", str(said).lower())
        if word not in _TRANSPORTS:
            raise UnsupportedMcpTransport(f"The transport {said!r} is none of stdio, http and sse.")
        return _TRANSPORTS[word]
    if url is None:
        return McpTransport.STDIO
    return McpTransport.SSE if urlsplit(str(url)).path.rstrip("/").endswith("/sse") else McpTransport.STREAMABLE_HTTP


def _require_values(given: Mapping[str, Any]) -> None:
    """An assistant would put something in its place; here it would be sent as it stands."""
    for field in ("endpoint", "url", "command", "args", "env", "headers"):
        if found := _VARIABLE.search(str(given.get(field, ""))):
            raise InvalidRequest(f"`{field}` refers to {found.group()}, which is not known here. Write the value in its place.")


def require_http(url: str) -> None:
    """UnsupportedMcpTransport for `ws://` and whatever else is no HTTP."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        return
    if parts.scheme in ("ws", "wss"):
        raise UnsupportedMcpTransport(
            "MCP has no transport by WebSocket, so a ws:// endpoint cannot be reached. Give the server's http:// or https:// URL."
        )
    raise UnsupportedMcpTransport("The endpoint is no URL that begins with http:// or https://.")
