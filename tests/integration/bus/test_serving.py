"""A service begins whole or not at all, and ends whole, whether or not the server speaks meanwhile."""

import asyncio
import gc
import weakref
from time import monotonic
from uuid import uuid4

import pytest
from nats.errors import NoRespondersError

from bus import subjects
from bus.auth import Permission
from bus.errors import NoLeader
from bus.messages import NoReply, TaskRef
from bus.nats_bus import NatsBus
from bus.service import MAX_RUNNING, Call, Endpoint, Service
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy

VERBS = ("get", "put", "list")


class Room:
    """Whose handlers wait until they may answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0
        self.may_answer = asyncio.Event()

    def service(self) -> Service:
        endpoints = tuple(
            Endpoint(verb=verb, body=TaskRef, handler=self.answer, permission=Permission.TASKS_VIEW) for verb in VERBS
        )
        return Service(name=self.name, version="1.0.0", description="of a test", endpoints=endpoints)

    async def answer(self, call: Call[TaskRef]) -> NoReply:
        self.asked += 1
        await self.may_answer.wait()
        return NoReply()


async def nobody_answers(bus: NatsBus, name: str) -> None:
    for verb in VERBS:
        with pytest.raises(NoLeader):
            await bus.request(subjects.service_verb(name, verb), TaskRef(id=uuid4()), NoReply, patient=False)
    with pytest.raises(NoRespondersError):
        await bus.client.request(f"$SRV.PING.{name}", timeout=5)


async def unlisted(bus: NatsBus, name: str) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await bus.client.request(f"$SRV.PING.{name}", timeout=5)
            except NoRespondersError:
                return


async def test_serving_that_is_given_up_leaves_nothing_behind(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    bus, given_up = await nats_server.connect(), 0
    for turns in range(1, 25):
        name = f"given-up-{turns}"
        serving = asyncio.create_task(bus.serve(Room(name).service()))
        for _ in range(turns):
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait({serving})
        if serving.cancelled():
            given_up += 1
        else:
            await serving.result().close()
        async with asyncio.timeout(10):
            await bus.flush()
        await nobody_answers(nats_bus, name)
    assert given_up
    assert bus.connections == 1
    await bus.close()


async def test_serving_that_fails_midway_leaves_nothing_behind(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    bus, room = await nats_server.connect(), Room("fails-midway")
    good = room.service()
    bad = Endpoint(verb="not a subject", body=TaskRef, handler=room.answer, permission=None)
    with pytest.raises(ValueError, match="Invalid name"):
        await bus.serve(Service(name=room.name, version="1.0.0", description="", endpoints=(*good.endpoints, bad)))
    await bus.flush()
    await nobody_answers(nats_bus, room.name)
    await bus.close()


async def test_a_service_ends_though_the_server_is_silent(line: Proxy, distant_bus: NatsBus, nats_bus: NatsBus) -> None:
    room = Room("silent")
    served = await distant_bus.serve(room.service())
    await distant_bus.flush()
    line.freeze()
    began = monotonic()
    await served.close()
    assert monotonic() - began < 2
    line.heal()
    await distant_bus.flush()
    await nobody_answers(nats_bus, room.name)


async def test_a_service_that_ended_while_the_line_was_cut_does_not_come_back(
    line: Proxy, distant_bus: NatsBus, nats_bus: NatsBus
) -> None:
    room = Room("cut")
    served = await distant_bus.serve(room.service())
    await distant_bus.flush()
    line.freeze()
    closing = asyncio.create_task(served.close())
    await asyncio.sleep(0)
    line.cut()
    await closing
    line.heal()
    async with asyncio.timeout(10):
        while distant_bus.connections == 1:
            await asyncio.sleep(0.01)
    await distant_bus.flush()
    await nobody_answers(nats_bus, room.name)


async def test_requests_that_came_before_the_end_are_answered(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    """Also those for which there was no room yet."""
    bus, room = await nats_server.connect(), Room("ends-busy")
    served = await bus.serve(room.service())
    await bus.flush()
    verb = subjects.service_verb(room.name, "get")
    asked = [
        asyncio.create_task(nats_bus.request(verb, TaskRef(id=uuid4()), NoReply, timeout=20)) for _ in range(MAX_RUNNING + 50)
    ]
    async with asyncio.timeout(10):
        while room.asked < MAX_RUNNING:
            await asyncio.sleep(0.01)
    await nats_bus.flush()
    closing = asyncio.create_task(served.close())
    await unlisted(nats_bus, room.name)
    assert room.asked == MAX_RUNNING
    room.may_answer.set()
    await closing
    async with asyncio.timeout(5):
        await asyncio.gather(*asked)
    await bus.close()


async def test_a_service_that_ended_holds_on_to_nothing(nats_bus: NatsBus) -> None:
    room = Room("forgotten")
    gone = weakref.ref(room)
    served = await nats_bus.serve(room.service())
    room.may_answer.set()
    await nats_bus.request(subjects.service_verb(room.name, "get"), TaskRef(id=uuid4()), NoReply)
    del room
    await served.close()
    await nats_bus.flush()
    gc.collect()
    assert gone() is None
    await served.close()
