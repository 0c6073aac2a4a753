"""The door for assistants on a port of its own, with whatever rooms the gateway has."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.endpoint import open_mcp
from coordinator.gateway.server import Server, listen


@pytest.fixture
async def url(gateway: Gateway) -> AsyncIterator[str]:
    listener, stop = listen("127.0.0.1", 0), asyncio.Event()

    async def serve() -> None:
        """In one task, as the package wants what it opens to be closed."""
        async with open_mcp(gateway) as mcp:
            server = Server(create_app(gateway, mcp), gateway.settings, gateway.stop)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await server.stop_when(stop)
            await serving

    serving = asyncio.create_task(serve())
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    await serving
