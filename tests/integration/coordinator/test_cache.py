"""Redis in the seed's layout, on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
import redis.asyncio as redis
from pydantic import SecretStr

from coordinator.store.cache import AGENT_SECONDS, CLUSTER_SECONDS, QUEUE_SECONDS
from tests.integration.coordinator.conftest import Hive

QUEUES = ("high", "medium", "low")


@pytest.fixture
async def cached(idle_hive: Hive, valkey_url: str) -> AsyncIterator[redis.Redis]:
    idle_hive.start_coordinator(redis_url=SecretStr(valkey_url))
    async with redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.05)


async def queues(cached: redis.Redis) -> list[list[UUID]]:
    return [[UUID(task_id) for task_id in await cached.lrange(f"task:queue:{kind}", 0, -1)] for kind in QUEUES]


async def test_what_waits_is_shown_by_class_the_next_first(idle_hive: Hive, cached: redis.Redis) -> None:
    priorities = (5, 3, 1, 4, 2, 3)
    ids = [await idle_hive.submit(priority=priority) for priority in priorities]
    five, three, one, four, two, three_too = ids
    expected = [[one, two], [three, three_too], [four, five]]

    async def shown() -> bool:
        return await queues(cached) == expected

    await until(shown)
    assert {0 < await cached.ttl(f"task:queue:{kind}") <= QUEUE_SECONDS for kind in QUEUES} == {True}


async def test_a_class_in_which_nothing_waits_any_more_has_no_key(idle_hive: Hive, cached: redis.Redis) -> None:
    task_id = await idle_hive.submit(priority=3)

    async def shown() -> bool:
        return await queues(cached) == [[], [task_id], []]

    async def gone() -> bool:
        return not await cached.exists("task:queue:medium")

    await until(shown)
    sidecar = await idle_hive.sidecar("acacia")
    await sidecar.complete(await sidecar.offered())
    await until(gone)


async def test_agents_and_the_cluster_are_shown_for_as_long_as_somebody_leads(idle_hive: Hive, cached: redis.Redis) -> None:
    await idle_hive.sidecar("acacia")

    async def shown() -> bool:
        return bool(await cached.exists("agent:status:acacia", "metrics:cluster") == 2)

    await until(shown)
    assert 0 < await cached.ttl("agent:status:acacia") <= AGENT_SECONDS
    assert 0 < await cached.ttl("metrics:cluster") <= CLUSTER_SECONDS
