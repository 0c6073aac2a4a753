"""Open WebSocket connections are counted on a real server, with a real client."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bus.open_sockets import OpenSockets
from deploy.local.ports import free_port
from tests.integration.gateway.parts import until


async def door(scope: Any, receive: Any, send: Any) -> None:
    """Takes every connection, but at /refused, and fails at /fails."""
    assert scope["type"] == "websocket"
    await receive()
    if scope["path"] == "/refused":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        if scope["path"] == "/fails":
            raise RuntimeError("as a handler may")


@pytest.fixture
async def served() -> AsyncIterator[tuple[OpenSockets, str]]:
    sockets, port = OpenSockets(), free_port()
    config = uvicorn.Config(sockets.around(door), port=port, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    yield sockets, f"ws://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def test_a_connection_counts_from_its_acceptance_to_its_end(served: tuple[OpenSockets, str]) -> None:
    sockets, url = served
    async with connect(url), connect(url):
        await until(lambda: sockets.number == 2)
    await until(lambda: sockets.number == 0)


async def test_one_that_was_refused_never_counts_and_one_whose_handler_fails_counts_no_more(
    served: tuple[OpenSockets, str],
) -> None:
    sockets, url = served
    with pytest.raises(InvalidStatus):
        await connect(f"{url}/refused")
    assert sockets.number == 0
    async with connect(f"{url}/fails") as client:
        await until(lambda: sockets.number == 1)
        await client.send("go")
        await until(lambda: sockets.number == 0)
