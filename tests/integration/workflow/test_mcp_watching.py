"""A server that is reached by HTTP is heard when it says that its tools are others, by the newest protocol and by an older one."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.server.mcpserver import Context

from bus.errors import RequestRefused
from bus.together import end
from tests.integration.workflow.test_mcp import GUARD, MAX_BYTES, Bees, bees, serving  # noqa: F401 - a fixture
from workflow.outside import mcp_client as module
from workflow.outside.mcp_client import McpClient, McpServer

HOLD_SECONDS = 600.0
"""So long that nothing is found by looking again."""


class Older:
    """A server of a protocol of 2025, by hand: a session, and a stream on which it speaks unasked."""

    def __init__(self) -> None:
        self.tools = ["first"]
        self.streams: list[asyncio.StreamWriter] = []
        self.opened = asyncio.Event()

    async def grow(self) -> None:
        """Once somebody hears it."""
        await self.opened.wait()
        self.tools.append("grown")
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        for stream in self.streams:
            stream.write(f"event: message\ndata: {note}\n\n".encode())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        for stream in self.streams:
            stream.close()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if head.startswith("get"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                self.streams.append(writer)
                self.opened.set()
                return
            size = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length")), 0)
            asked = json.loads(await reader.readexactly(size)) if size else {}
            text = self._answer(asked)
            status = "202 Accepted" if not text else "200 OK"
            kind = "Content-Type: application/json\r\nMcp-Session-Id: one\r\n"
            writer.write(f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, asked: dict[str, Any]) -> str:
        about = {"capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "older", "version": "1"}}
        results: dict[str, Any] = {
            "initialize": {"protocolVersion": "2025-06-18", **about},
            "tools/list": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in self.tools]},
        }
        if "id" not in asked:
            return ""
        if asked["method"] in results:
            return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]})
        return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}})


async def heard(url: str, grow: Callable[[McpServer, McpClient], Awaitable[Any]]) -> None:
    client, server = McpClient(GUARD, MAX_BYTES), McpServer(url=url)
    seen: asyncio.Queue[set[str]] = asyncio.Queue()

    async def listed(tools: list[dict[str, Any]]) -> None:
        await seen.put({tool["name"] for tool in tools})

    watching = asyncio.create_task(client.watch(server, 30, HOLD_SECONDS, listed))
    try:
        async with asyncio.timeout(60):
            assert "grown" not in await seen.get()
            while "grown" not in (await _next(seen, watching, lambda: grow(server, client))):
                pass
    finally:
        await end([watching])


async def _next(seen: asyncio.Queue[set[str]], watching: asyncio.Task[None], grow: Callable[[], Awaitable[Any]]) -> set[str]:
    """Grows until it is heard: whether a server has heard already who listens, it does not say."""
    getting = asyncio.create_task(seen.get())
    try:
        while not getting.done() and not watching.done():
            await grow()
            await asyncio.wait({getting, watching}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        return await getting
    finally:
        getting.cancel()


async def test_one_of_the_newest_protocol(bees: Bees) -> None:  # noqa: F811
    async def grow(context: Context) -> str:
        if "grown" not in [tool.name for tool in await bees.server.list_tools()]:
            bees.server.tool(name="grown")(bees.count)
        await context.notify_tools_changed()
        return "grown"

    bees.server.tool()(grow)
    async with serving(bees) as url:
        await heard(url, lambda server, client: client.call(server, "grow", {}, "k", 30))


async def test_one_that_lists_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WATCHED_BYTES", 10_000)
    older = Older()
    older.tools = ["x" * 20_000]
    async with older.serving() as url:
        with pytest.raises(RequestRefused, match="10,000 bytes"):
            await McpClient(GUARD, MAX_BYTES).watch(McpServer(url=url), 30, HOLD_SECONDS, _nobody)


async def _nobody(tools: list[dict[str, Any]]) -> None:
    raise AssertionError("it was listed")


async def test_one_of_an_older_protocol() -> None:
    older = Older()
    async with older.serving() as url:
        await heard(url, lambda *_: older.grow())
