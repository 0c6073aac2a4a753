"""The hive's numbers, told to everybody by the leader and by everybody without it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from bus.errors import NoLeader
from bus.messages import ClusterStatus, NoReply
from bus.messages.readings import StoreReadings
from bus.overview import LEADS_SECONDS, Overview
from tests.integration.coordinator.conftest import Hive


@pytest.fixture
async def overview(idle_hive: Hive) -> AsyncIterator[Overview]:
    """As every replica of a door has one."""
    overview = Overview(idle_hive.bus)
    await overview.start()
    yield overview
    await overview.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


async def asked(hive: Hive) -> ClusterStatus:
    return await hive.ask("cluster", NoReply(), ClusterStatus, service="status", patient=False)


async def stores(hive: Hive) -> StoreReadings:
    return await hive.ask("stores", NoReply(), StoreReadings, service="status")


async def test_what_the_leader_says_reaches_everybody(hive: Hive, overview: Overview) -> None:
    sidecar = await hive.sidecar("acacia")
    done = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(done)
    await until(lambda: overview.led and overview.status().throughput["completed"] > 0)
    found = await asked(hive)
    assert (found.agents["online"], found.slots) == (1, 1)
    assert found.leader is not None
    assert found.age_seconds < LEADS_SECONDS


@pytest.mark.slow
async def test_without_a_leader_the_last_word_stays_and_ages(hive: Hive, overview: Overview) -> None:
    await hive.sidecar("acacia")
    await until(lambda: overview.led and overview.status().agents["online"] == 1)
    for coordinator in hive.coordinators:
        await hive.stop(coordinator)
    with pytest.raises(NoLeader):
        await hive.ask("status", NoReply(), ClusterStatus, service="queue", patient=False)
    await until(lambda: not overview.led)
    found = overview.status()
    assert (found.leader, found.agents["online"]) == (None, 1)
    assert found.age_seconds > LEADS_SECONDS
    assert [agent.agent_id for agent in overview.agent_list().agents] == ["acacia"]


async def test_a_replica_that_starts_while_nobody_leads_tells_what_was_said_before(hive: Hive, overview: Overview) -> None:
    await hive.sidecar("acacia")
    await until(lambda: overview.led and overview.status().slots == 1)
    for coordinator in hive.coordinators:
        await hive.stop(coordinator)
    await until(lambda: not overview.led)
    late = Overview(hive.bus)
    await late.start()
    try:
        assert (late.led, late.status().slots) == (False, 1)
    finally:
        await late.close()


async def test_the_stores_tell_of_their_sessions_and_their_memory(idle_hive: Hive, valkey_url: str) -> None:
    idle_hive.start_coordinator(redis_url=SecretStr(valkey_url))
    await idle_hive.leading()
    before = await stores(idle_hive)
    assert before.database_connections is not None
    assert before.database_connections["active"] >= 1
    assert (before.redis_memory_bytes or 0) > 100_000
    for _ in range(3):
        await idle_hive.database()
    after = await stores(idle_hive)
    assert after.database_connections is not None
    assert after.database_connections["idle"] >= 3


async def test_a_hive_without_redis_tells_no_memory_of_it(hive: Hive) -> None:
    await hive.leading()
    assert (await stores(hive)).redis_memory_bytes is None
