"""What the monitor keeps in a real Valkey: the seed's `metrics:agent:{id}`, and answers for a moment."""

import asyncio
from datetime import UTC, datetime

import redis.asyncio as redis

from bus.messages import AgentPerformance
from bus.messages.history import ListMetrics, MetricsHistory, Resolution
from bus.together import end
from monitor.cache import Cache
from tests.parts.valkey import ValkeyServer
from tests.unit.monitor.events import metrics

ASKED = ListMetrics(agent_id="acacia", resolution=Resolution.HOUR)


async def test_each_agent_that_measures_is_shown_for_a_minute(valkey_url: str) -> None:
    cache = Cache(valkey_url)
    agents = (AgentPerformance(agent_id="acacia", metrics=metrics("acacia", cpu_usage=7)), AgentPerformance(agent_id="gone"))
    showing = asyncio.create_task(cache.show(lambda: agents))
    async with redis.from_url(valkey_url) as client, asyncio.timeout(10):
        while not await client.exists("metrics:agent:acacia"):
            await asyncio.sleep(0.01)
        assert AgentPerformance.model_validate_json(await client.get("metrics:agent:acacia")).metrics is not None
        assert 0 < await client.ttl("metrics:agent:acacia") <= 60
        assert not await client.exists("metrics:agent:gone")
    await end([showing])
    await cache.close()


class Asking:
    def __init__(self) -> None:
        self.times = 0

    async def make(self) -> MetricsHistory:
        self.times += 1
        return MetricsHistory(agent_id="acacia", resolution=Resolution.HOUR, next_before=datetime.now(UTC))


async def test_the_same_question_is_answered_once_in_a_moment_and_another_by_itself(valkey_url: str) -> None:
    cache, asking = Cache(valkey_url), Asking()
    first = await cache.answer(ASKED, MetricsHistory, asking.make)
    assert await cache.answer(ASKED, MetricsHistory, asking.make) == first
    await cache.answer(ASKED.model_copy(update={"limit": 3}), MetricsHistory, asking.make)
    assert asking.times == 2
    await cache.close()


async def test_without_redis_every_question_is_asked_and_nobody_waits(valkey: ValkeyServer) -> None:
    for url in (None, "redis://127.0.0.1:9/0"):
        cache, asking = Cache(url), Asking()
        async with asyncio.timeout(3):
            for _ in range(10):
                await cache.answer(ASKED, MetricsHistory, asking.make)
        assert asking.times == 10
        await cache.close()
