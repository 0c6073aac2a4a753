"""What a browser may send a page at once, also one that nobody has logged in at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import uvicorn
from nicegui.nicegui import sio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gui.main import MOST_MESSAGE_BYTES, _config
from gui.settings import GuiSettings


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": str(len(message["text"]))})


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Of a server as the dashboard's, with a page of ours."""
    config = _config(_echo, GuiSettings())
    config.port, config.lifespan = 0, "off"
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    await serving


async def test_a_message_has_a_bound_and_what_nicegui_takes_is_taken(address: str) -> None:
    """NiceGUI counts characters, and what is beneath it bytes."""
    characters = sio.eio.max_http_buffer_size
    async with connect(address) as browser:
        await browser.send("🐝" * characters)
        assert await browser.recv() == str(characters)
        with suppress(ConnectionClosed):
            await browser.send("a" * (MOST_MESSAGE_BYTES + 1))
        await asyncio.wait_for(browser.wait_closed(), 10)
        assert browser.close_code == CloseCode.MESSAGE_TOO_BIG
