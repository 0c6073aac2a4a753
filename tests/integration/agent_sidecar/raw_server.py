"""A server that says over a real socket exactly what a test wants said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from agent_sidecar.addresses import Address, parse_address

Serve = Callable[..., Awaitable[Address]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(b"HTTP/1.1 …")`: a server that answers every request with these bytes and closes, or goes silent."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes, *, hang: bool = False) -> Address:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if hang:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        return parse_address(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    yield start
    for server in servers:
        server.close()


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body
