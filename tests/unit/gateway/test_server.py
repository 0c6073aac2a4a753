"""How a door's server ends."""

import asyncio

from fastapi import FastAPI, WebSocket

from coordinator.gateway.server import Server, listen
from coordinator.gateway.settings import GatewaySettings


async def test_who_had_come_when_it_ends_is_still_heard() -> None:
    app = FastAPI()
    app.get("/")(lambda: "heard")
    server, listener = Server(app, GatewaySettings(), lambda: None), listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not server.server_state.connections:
        await asyncio.sleep(0.01)
    server.should_exit = True
    while server.servers and server.servers[0].is_serving():
        await asyncio.sleep(0.001)
    writer.write(b"GET / HTTP/1.1\r\nHost: hive\r\nConnection: close\r\n\r\n")
    assert b"heard" in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await running


async def test_a_connection_that_rests_when_it_ends_is_told_with_its_next_answer() -> None:
    """As a client or a proxy keeps it: closed just then, the request would fail."""
    app = FastAPI()
    app.get("/")(lambda: "heard")
    stopping = asyncio.Event()
    server, listener = Server(app, GatewaySettings(), stopping.set), listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    await ask(writer)
    assert b"connection: close" not in (first := await reader.readuntil(b"heard")), first
    server.should_exit = True
    await stopping.wait()
    await ask(writer)
    last = await asyncio.wait_for(reader.read(), 10)
    assert b"heard" in last
    assert b"connection: close" in last
    await running
    writer.close()


async def test_a_web_socket_that_is_opened_while_it_ends_is_opened() -> None:
    app, stopping = FastAPI(), asyncio.Event()

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app.websocket("/ws")(greet)
    server, listener = Server(app, GatewaySettings(), stopping.set), listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    while not server.server_state.connections:
        await asyncio.sleep(0.01)
    server.should_exit = True
    await stopping.wait()
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    )
    writer.write(f"GET /ws HTTP/1.1\r\nHost: hive\r\n{upgrade}\r\n\r\n".encode())
    assert b"101 Switching Protocols" in await asyncio.wait_for(reader.readline(), 10)
    await running
    writer.close()


async def ask(writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: hive\r\n\r\n")
    await writer.drain()
