"""What assistants' files say of MCP servers."""

from typing import Any

import pytest

from bus.errors import HiveError, InvalidRequest
from bus.messages.mcp_servers import McpTransport, ReplaceMcpServer
from workflow.mcp.importing import entries


def one(**given: Any) -> ReplaceMcpServer | HiveError:
    return entries({"mcpServers": {"x": given}})["x"]


@pytest.mark.parametrize(
    ("given", "transport"),
    [
        ({"command": "npx", "args": ["-y", "server"], "env": {"A": "b"}}, McpTransport.STDIO),
        ({"url": "https://x.example/mcp"}, McpTransport.STREAMABLE_HTTP),
        ({"serverUrl": "https://x.example/mcp"}, McpTransport.STREAMABLE_HTTP),
        ({"url": "https://x.example/sse/"}, McpTransport.SSE),
        ({"type": "sse", "url": "https://x.example/"}, McpTransport.SSE),
        ({"type": "streamable-http", "url": "https://x.example/sse"}, McpTransport.STREAMABLE_HTTP),
        ({"type": "http", "url": "https://x.example/", "autoApprove": ["all"]}, McpTransport.STREAMABLE_HTTP),
    ],
)
def test_the_transport_is_what_it_says_or_what_it_has(given: dict[str, Any], transport: McpTransport) -> None:
    found = one(**given)
    assert isinstance(found, ReplaceMcpServer), found
    assert (found.transport, found.active) == (transport, True)


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"endpoint": "ws://localhost:8188/api/mcp"}, "unsupported_mcp_transport", "WebSocket"),
        ({"type": "websocket", "url": "https://x.example"}, "unsupported_mcp_transport", "websocket"),
        ({"url": "file:///etc/passwd"}, "unsupported_mcp_transport", "http"),
        ({"url": "https://x.example", "headers": {"A": "${TOKEN}"}}, "invalid_request", "${TOKEN}"),
        ({"url": "https://me:secret@x.example"}, "invalid_request", "headers"),
        ({"args": ["x"]}, "invalid_request", "command"),
        ({"command": "x", "headers": {"a": "b"}}, "invalid_request", "headers"),
        ({"url": "https://x.example", "headers": {"a": "b\r\nc: d"}}, "invalid_request", "line break"),
    ],
)
def test_what_cannot_be_registered_says_why(given: dict[str, Any], code: str, says: str) -> None:
    found = one(**given)
    assert isinstance(found, HiveError)
    assert found.code == code
    assert says in found.message
    assert "secret" not in found.message


def test_one_that_is_switched_off_stays_so() -> None:
    for off in ({"disabled": True}, {"enabled": False}, {"status": "inactive"}):
        found = one(command="x", **off)
        assert isinstance(found, ReplaceMcpServer)
        assert not found.active


def test_another_document_is_refused_whole() -> None:
    for document in ({}, {"mcpServers": []}, {"mcpServers": {str(number): {} for number in range(201)}}):
        with pytest.raises(InvalidRequest):
            entries(document)
