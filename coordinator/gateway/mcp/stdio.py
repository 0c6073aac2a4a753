"""The same door on standard input and output, for assistants that start a process: it speaks to the bus itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from bus import auth
from bus.client import Bus
from bus.errors import Unauthenticated
from coordinator.gateway.gateway import open_gateway
from coordinator.gateway.identity import HOW
from coordinator.gateway.mcp.context import OwnKey
from coordinator.gateway.mcp.feed import Feed
from coordinator.gateway.mcp.server import build
from coordinator.gateway.settings import GatewaySettings


async def serve_stdio(bus: Bus, settings: GatewaySettings, key: str) -> None:
    """Until the client closes its end. Unauthenticated for a key that does not hold."""
    async with open_gateway(bus, settings) as gateway:
        own = OwnKey(auth.hash_key(key), gateway.identity)
        if await gateway.identity.known(own.key_hash) is None:
            raise Unauthenticated(f"The key is not known, or it was revoked. {HOW}.")

        @asynccontextmanager
        async def with_key(_: Server[Any]) -> AsyncIterator[OwnKey]:
            yield own

        feed = Feed(gateway)
        server = build(gateway, feed, with_key)
        await feed.start()
        try:
            async with stdio_server() as (read, write):
                await server.run(read, write, server.create_initialization_options())
        finally:
            await feed.close()
