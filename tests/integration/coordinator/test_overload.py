"""A door, a leader and a bus that are real: the queue fills up, urgent tasks still get in, and it opens again when work is done."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from nats.js.api import StreamConfig

from bus import subjects
from bus.errors import QueueFull
from bus.messages import Claims, Role, TaskRequest
from bus.streams import STREAMS
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.settings import GatewaySettings
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer

ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))


@pytest.fixture
async def door(hive: Hive) -> AsyncIterator[Gateway]:
    await hive.leading()
    async with open_gateway(hive.bus, GatewaySettings(max_waiting=10)) as gateway:
        yield gateway


async def submit(door: Gateway, priority: int = 3) -> None:
    await door.submission.submit(TaskRequest(prompt="hi", priority=priority), ANNA, task_id=uuid4())


async def said(door: Gateway, waiting: int) -> None:
    """Until the leader has told every door that so many wait."""
    async with asyncio.timeout(15):
        while sum(door.overview.status().queue.values()) != waiting:
            await asyncio.sleep(0.02)


async def test_a_queue_that_is_full_takes_urgent_tasks_and_opens_again_when_it_drains(hive: Hive, door: Gateway) -> None:
    for _ in range(9):
        await submit(door)
    await said(door, 9)  # a word before may have been of fewer than the door had taken
    with pytest.raises(QueueFull) as refused:
        await submit(door)
    assert refused.value.retry_after_seconds == 60  # nothing has ever ended here
    await submit(door, priority=1)
    await said(door, 10)
    with pytest.raises(QueueFull):
        await submit(door, priority=1)
    sidecar = await hive.sidecar("acacia", slots=4)
    for _ in range(4):
        await sidecar.complete(await sidecar.offered())
    await said(door, 2)
    await submit(door)


async def test_a_second_door_knows_what_the_first_let_in(hive: Hive, door: Gateway) -> None:
    for _ in range(9):
        await submit(door)
    await said(door, 9)
    async with open_gateway(hive.bus, GatewaySettings(max_waiting=10)) as other:
        with pytest.raises(QueueFull):
            await submit(other)


async def test_a_stream_that_others_filled_refuses_at_the_door_and_keeps_what_it_took(own_nats_server: NatsServer) -> None:
    """By plain `nats pub --jetstream`, while nobody leads: the server's own bound, discard new."""
    bus = await own_nats_server.connect()
    declared = next(config for config in STREAMS if config.name == subjects.TASKS)
    small = StreamConfig.from_response(declared.as_dict() | {"max_bytes": 2_000})
    await bus.client.jetstream().update_stream(small)
    foreign = subjects.submit("default", "low", uuid4())
    await bus.client.jetstream().publish(foreign, b'{"prompt":"' + b"x" * 1_500 + b'"}')
    async with open_gateway(bus, GatewaySettings()) as gateway:
        refused = await asyncio.gather(*(submit(gateway) for _ in range(10)), return_exceptions=True)
    problem = refused[-1]
    assert isinstance(problem, QueueFull)
    assert (problem.http_status, problem.retry_after_seconds) == (503, 60)
    assert "The bus holds as many submits as it may" in problem.message
    assert await bus.last(subjects.TASKS, foreign) is not None
    await bus.close()
