"""What NatsBus does in the moment in which its server dies."""

import asyncio
from time import monotonic
from uuid import uuid4

from pydantic import SecretStr

from bus import subjects
from bus.messages import TaskClass
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from bus.together import end
from tests.parts.nats import NatsServer


async def test_a_promise_that_a_dying_connection_swallowed_is_asked_for_again(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    own_nats_server.start()
    began = monotonic()
    stored = await bus.publish_durable(subjects.submit("default", TaskClass.HIGH, uuid4()), b"{}", message_id="one", timeout=15)
    assert stored.sequence == 1
    assert monotonic() - began < 5
    await bus.close()


async def test_closing_does_not_wait_for_a_server_that_has_just_died(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    began = monotonic()
    await bus.close()
    assert monotonic() - began < 4


async def test_a_connection_whose_greeting_failed_is_closed_before_the_next(own_nats_server: NatsServer) -> None:
    """As with a server that dies while it is connected to anew. Python closes what nobody holds, and complains of it."""
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    went = asyncio.Event()

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no greeting\r\n")
        await reader.read()
        went.set()
        writer.close()

    async with await asyncio.start_server(stranger, "127.0.0.1", own_nats_server.port), asyncio.timeout(30):
        await went.wait()
        await bus.close()


async def test_connecting_that_is_given_up_leaves_no_connection() -> None:
    """To a server that takes the connection and never says a word."""
    came, went = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        went.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server, asyncio.timeout(5):
        [port] = [listener.getsockname()[1] for listener in server.sockets]
        settings = HiveSettings(nats_url=SecretStr(f"nats://127.0.0.1:{port}"))
        connecting = asyncio.create_task(NatsBus.connect(settings, "test"))
        await came.wait()
        await end([connecting])
        await went.wait()
