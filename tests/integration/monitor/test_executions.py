"""Executions that ended, counted by several monitors at once: one counter, which never falls."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bus.database import migrate_by, open_pool
from bus.errors import DatabaseUnavailable
from bus.messages.workflows import ExecutionStatus
from bus.nats_bus import NatsBus
from bus.together import end
from monitor.executions import Executions
from monitor.sql import migrations
from tests.integration.monitor.parts import publish_execution
from tests.unit.monitor.events import execution_event


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 6)
    yield pool
    pool.terminate()


async def told(executions: Executions, success: int, error: int) -> None:
    wanted = {"success": success, "error": error, "canceled": 0}
    async with asyncio.timeout(20):
        while await executions.ended() != wanted:
            await asyncio.sleep(0.02)


async def test_several_monitors_count_each_end_once_and_one_that_comes_later_counts_what_nobody_had(
    nats_bus: NatsBus, pool: asyncpg.Pool
) -> None:
    both = [Executions(nats_bus, pool) for _ in range(2)]
    assert await both[0].ended() == {"success": 0, "error": 0, "canceled": 0}
    first, failed = execution_event(), execution_event(ExecutionStatus.ERROR)
    counting = [asyncio.create_task(each.run()) for each in both]
    for event in (first, failed, execution_event()):
        await publish_execution(nats_bus, event)
    await told(both[0], 2, 1)
    await end(counting)
    await publish_execution(nats_bus, execution_event())
    await publish_execution(nats_bus, first, message_id="the server has forgotten the first id")
    await publish_execution(nats_bus, execution_event(ExecutionStatus.ERROR))
    later = Executions(nats_bus, pool)
    counting = [asyncio.create_task(later.run())]
    await told(later, 3, 2)
    await end(counting)
    assert await both[1].ended() == await later.ended()


async def test_they_are_unknown_while_postgresql_is_away(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    pool.terminate()
    with pytest.raises(DatabaseUnavailable):
        await Executions(nats_bus, pool).ended()


async def test_a_postgresql_that_hangs_holds_no_scrape_up(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    executions = Executions(nats_bus, pool)
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE executions_ended IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(2):
            with pytest.raises(DatabaseUnavailable):
                await executions.ended()
    assert await executions.ended() == {"success": 0, "error": 0, "canceled": 0}
