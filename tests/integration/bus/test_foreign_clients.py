"""What any client that was let in can put on the bus, and what must not follow from it."""

import asyncio

from bus.client import Received
from bus.nats_bus import NatsBus
from tests.parts.nats import NatsServer


async def test_a_subject_that_is_no_utf8_leaves_the_connection_hearing(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    heard: asyncio.Queue[Received] = asyncio.Queue()
    await nats_bus.subscribe("test.>", heard.put)
    await nats_bus.flush()
    reader, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    await reader.readline()
    login = b'{"verbose":false,"user":"hive","pass":"test-bus-password"}'
    writer.write(b"CONNECT " + login + b"\r\nPUB test.\xff 3\r\nodd\r\nPUB test.a 4\r\neven\r\n")
    await writer.drain()
    async with asyncio.timeout(5):
        assert [(await heard.get()).data for _ in range(2)] == [b"odd", b"even"]
    writer.close()
    await writer.wait_closed()
