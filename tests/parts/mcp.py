"""The official client of the Model Context Protocol, and what it was told meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult, TextContent


class Told:
    """Notifications, in their order."""

    def __init__(self) -> None:
        self.notifications: list[Any] = []
        self._came = asyncio.Condition()

    async def __call__(self, message: Any) -> None:
        async with self._came:
            self.notifications.append(message)
            self._came.notify_all()

    async def until(self, found: Callable[[Any], bool], seconds: float = 20) -> Any:
        """The first notification that is so, and it is forgotten then, with all before it."""
        async with asyncio.timeout(seconds), self._came:
            while True:
                for index, message in enumerate(self.notifications):
                    if found(message):
                        del self.notifications[: index + 1]
                        return message
                await self._came.wait()


@asynccontextmanager
async def session(url: str, key: str, told: Told | None = None, header: str = "Authorization") -> AsyncIterator[ClientSession]:
    """By handshake, as assistants do today: with a session of its own, and a stream for what the server tells."""
    headers = {header: f"Bearer {key}" if header == "Authorization" else key}
    async with (
        create_mcp_http_client(headers) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as (read, write),
        ClientSession(read, write, message_handler=told) as client,
    ):
        await client.initialize()
        yield client


@asynccontextmanager
async def modern(url: str, key: str, told: Told | None = None) -> AsyncIterator[Client]:
    """By the version of 2026-07-28, which knows no sessions."""
    async with (
        create_mcp_http_client({"Authorization": f"Bearer {key}"}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), message_handler=told) as client,
    ):
        yield client


def given(result: CallToolResult) -> dict[str, Any]:
    """What a tool answered."""
    assert not result.is_error, text_of(result)
    found: dict[str, Any] = result.structured_content
    return found


def text_of(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))
