"""What a flush vouches for: leaders answer, and forget what is unsent, on its word."""

import asyncio
from time import monotonic

import pytest

from bus.client import Received
from bus.errors import BusUnavailable
from bus.nats_bus import NatsBus
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy

LARGE = b"x" * (512 * 1024)
COUNT = 40
"""So many large ones do not leave at once."""


class Witness:
    """Another connection, which hears what has come to the server."""

    def __init__(self, bus: NatsBus, subject: str) -> None:
        self.bus, self.subject = bus, subject
        self.heard: asyncio.Queue[Received] = asyncio.Queue()

    async def listens(self) -> None:
        await self.bus.subscribe(self.subject, self.heard.put)
        await self.bus.flush()

    async def has_come(self) -> int:
        """How much came to the server before what is published now."""
        await self.bus.publish(self.subject, b"now")
        async with asyncio.timeout(10):
            before = 0
            while (await self.heard.get()).data != b"now":
                before += 1
        return before


async def publish_and_flush(bus: NatsBus, subject: str) -> None:
    for _ in range(COUNT):
        await bus.publish(subject, LARGE)
    await bus.flush()


async def test_a_flush_covers_what_was_published_just_before(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    bus, witness = await nats_server.connect(), Witness(nats_bus, "test.flush.large")
    await witness.listens()
    await publish_and_flush(bus, witness.subject)
    assert await witness.has_come() == COUNT
    await bus.close()


async def test_a_flush_without_a_connection_fails(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    with pytest.raises(BusUnavailable):
        await bus.flush()
    async with asyncio.timeout(5):
        while bus.connected:
            await asyncio.sleep(0.01)
    with pytest.raises(BusUnavailable):
        await bus.flush()
    own_nats_server.start()
    async with asyncio.timeout(10):
        while not bus.connected:
            await asyncio.sleep(0.01)
    await bus.flush()
    await bus.close()


async def test_a_flush_whose_connection_is_lost_fails_and_leaves_the_next_ones_right(
    line: Proxy, distant_bus: NatsBus, nats_bus: NatsBus
) -> None:
    """Its own question has not even left: on the next connection the answer to it would stand for a later one."""
    witness = Witness(nats_bus, "test.flush.again")
    await witness.listens()
    line.freeze()
    for _ in range(COUNT):
        await distant_bus.publish("test.flush.lost", LARGE)
    flushes = [asyncio.create_task(distant_bus.flush()) for _ in range(3)]
    await asyncio.sleep(0)
    line.cut()
    began = monotonic()
    told = await asyncio.gather(*flushes, return_exceptions=True)
    assert {type(error) for error in told} == {BusUnavailable}
    assert monotonic() - began < 3
    line.heal()
    async with asyncio.timeout(10):
        while distant_bus.connections == 1:
            await asyncio.sleep(0)  # so as to be there before anything else is answered
    await publish_and_flush(distant_bus, witness.subject)
    assert await witness.has_come() == COUNT
