"""An MCP server by standard input and output with the tools that the seed names: `http_request` and `code_execution`."""

from typing import Any

import httpx
from mcp.server.mcpserver import MCPServer

server = MCPServer("hands", log_level="CRITICAL")


@server.tool()
async def http_request(method: str, url: str, headers: dict[str, str] | None = None, body: str = "") -> dict[str, Any]:
    """Makes the request, and says who did."""
    async with httpx.AsyncClient(trust_env=False) as client:
        found = await client.request(method, url, headers={**(headers or {}), "x-carried-by": "hands"}, content=body)
    return {"status": found.status_code, "headers": dict(found.headers), "body": found.text}


@server.tool()
async def code_execution(code: str, language: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs Python, which leaves its `result`."""
    if language != "python":
        raise ValueError(f"{language} is not run here")
    names: dict[str, Any] = {"items": items}
    exec(code, names)
    result: list[dict[str, Any]] = names["result"]
    return result


if __name__ == "__main__":
    server.run("stdio")
