"""Agents' metrics on a real bus and in a real PostgreSQL: stored once, rolled up, dropped, read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from bus import streams, subjects
from bus.database import migrate_by, open_pool
from bus.errors import DatabaseUnavailable
from bus.messages.history import ListMetrics, MetricsHistory, Resolution, Spread
from bus.nats_bus import NatsBus
from bus.together import end
from monitor.archive import Archive
from monitor.past import Past
from monitor.replica import Reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations, queries
from monitor.upkeep import Upkeep
from tests.unit.monitor.events import metrics

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 4)
    yield pool
    pool.terminate()


def upkeep(pool: asyncpg.Pool, *, caught_up: bool = True, **days: float) -> Upkeep:
    return Upkeep(pool, MonitorSettings(database_url=SecretStr("postgresql:///unused"), **days), lambda: caught_up)


@asynccontextmanager
async def archiving(bus: NatsBus, pool: asyncpg.Pool) -> AsyncIterator[None]:
    task = asyncio.create_task(Archive(bus, pool).run())
    try:
        yield
    finally:
        await end([task])


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


async def measured(bus: NatsBus, agent_id: str, **values: float) -> None:
    await bus.publish(subjects.metrics(agent_id), metrics(agent_id, **values))


def holds(pool: asyncpg.Pool, number: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        found: int = await pool.fetchval("SELECT count(*) FROM agent_metrics")
        return found == number

    return look


def has_read(pool: asyncpg.Pool, position: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return bool(await pool.fetchval("SELECT position >= $1 FROM monitor_positions", position))

    return look


async def has_stored(bus: NatsBus, position: int) -> bool:
    return (await bus.stream_state(subjects.METRICS)).last_sequence == position


async def insert(pool: asyncpg.Pool, agent_id: str, at: datetime, body: str = '{"cpu_usage": 1}') -> None:
    await pool.execute("INSERT INTO agent_metrics VALUES ($1, $2, $3)", agent_id, at, body)


async def partitions(pool: asyncpg.Pool, table: str = "agent_metrics") -> list[str]:
    return [row["name"] for row in await pool.fetch(queries()["partitions"], table)]


async def test_what_is_measured_is_stored_once_and_what_came_meanwhile_too(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(datetime.now(UTC))
    await measured(nats_bus, "acacia", cpu_usage=1.5)
    async with archiving(nats_bus, pool):
        await eventually(holds(pool, 1))
    for number in range(3):
        await measured(nats_bus, "walnut", cpu_usage=number)
    async with archiving(nats_bus, pool):
        await eventually(holds(pool, 4))
        await measured(nats_bus, "acacia", gpu_usage=99)
        await eventually(holds(pool, 5))
    rows = await pool.fetch("SELECT agent_id, metrics::text FROM agent_metrics WHERE agent_id = 'acacia' ORDER BY timestamp")
    assert [tuple(row) for row in rows] == [("acacia", '{"cpu_usage": 1.5}'), ("acacia", '{"gpu_usage": 99.0}')]


async def test_where_nothing_was_measured_it_has_all_from_its_beginning(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(datetime.now(UTC))
    archive = Archive(nats_bus, pool)
    for number in (0, 1):
        assert not archive.has(datetime.now(UTC))
        running = asyncio.create_task(archive.run())
        await eventually(lambda: _has_all(archive))
        if not number:
            await measured(nats_bus, "acacia", cpu_usage=1)
            await eventually(holds(pool, 1))
        await end([running])


async def _has_all(archive: Archive) -> bool:
    return archive.caught_up and archive.has(datetime.now(UTC))


async def test_what_is_no_metrics_or_another_s_is_refused_and_holds_nothing_up(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(datetime.now(UTC))
    await nats_bus.publish(subjects.metrics("acacia"), b"no metrics")
    await nats_bus.publish(subjects.metrics("acacia"), metrics("walnut", cpu_usage=1))
    await measured(nats_bus, "acacia", cpu_usage=2)
    state = await nats_bus.stream_state(subjects.METRICS)
    async with archiving(nats_bus, pool):
        await eventually(has_read(pool, state.last_sequence))
    assert [row["agent_id"] for row in await pool.fetch("SELECT agent_id FROM agent_metrics")] == ["acacia"]


async def test_a_stream_that_was_made_anew_is_read_from_its_beginning(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(datetime.now(UTC))
    for _ in range(2):
        await measured(nats_bus, "acacia", cpu_usage=1)
    async with archiving(nats_bus, pool):
        await eventually(holds(pool, 2))
    js = nats_bus.client.jetstream()
    await js.delete_stream(subjects.METRICS)
    await js.add_stream(next(each for each in streams.STREAMS if each.name == subjects.METRICS))
    for _ in range(3):  # more than were read of the old one: its position alone does not tell
        await measured(nats_bus, "acacia", cpu_usage=2)
    await eventually(lambda: has_stored(nats_bus, 3))
    async with archiving(nats_bus, pool):
        await eventually(holds(pool, 5))


async def test_partitions_are_there_before_they_are_needed_and_go_when_nothing_in_them_is_kept(pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(NOON)
    assert await partitions(pool) == ["agent_metrics_20261123", "agent_metrics_20261124", "agent_metrics_20261125"]
    await insert(pool, "acacia", NOON)
    await upkeep(pool).once(NOON + timedelta(days=3))
    assert "agent_metrics_20261123" in await partitions(pool)
    await upkeep(pool).once(NOON + timedelta(days=3, hours=12))
    found = await partitions(pool)
    assert (found[0], found[-1]) == ("agent_metrics_20261124", "agent_metrics_20261129")
    assert await pool.fetchval("SELECT to_regclass('agent_metrics_20261123')") is None


async def test_making_a_partition_waits_for_no_writer(pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(NOON)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO agent_metrics VALUES ('acacia', $1, '{}')", NOON)
        async with asyncio.timeout(10):
            assert await upkeep(pool).once(NOON + timedelta(days=1))
    assert "agent_metrics_20261126" in await partitions(pool)


async def test_with_0_days_all_is_kept(pool: asyncpg.Pool) -> None:
    await upkeep(pool, retain_metrics_days=0).once(NOON)
    await upkeep(pool, retain_metrics_days=0).once(NOON + timedelta(days=900))
    assert "agent_metrics_20261123" in await partitions(pool)


async def test_dropping_a_partition_holds_up_no_writer_and_is_finished_when_it_was_cut_off(
    pool: asyncpg.Pool, database_url: str
) -> None:
    await upkeep(pool).once(NOON)
    later = NOON + timedelta(days=4)
    await insert(pool, "acacia", NOON)
    reader = await asyncpg.connect(database_url)
    try:
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("SELECT * FROM agent_metrics")
        round_ = asyncio.create_task(upkeep(pool).once(later))
        waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'ALTER TABLE%DETACH%' AND wait_event_type = 'Lock'"
        await eventually(lambda: _found(pool, waiting))
        async with asyncio.timeout(10):
            await insert(pool, "walnut", later)
        await pool.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS them")
        with pytest.raises(DatabaseUnavailable):
            await round_
        assert await pool.fetchval("SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 1
        await reading.rollback()
    finally:
        await reader.close()
    await upkeep(pool).once(later)
    assert await pool.fetchval("SELECT to_regclass('agent_metrics_20261123')") is None
    assert await pool.fetchval("SELECT count(*) FROM agent_metrics") == 1


async def _found(pool: asyncpg.Pool, query: str) -> bool:
    return bool(await pool.fetch(query))


async def fill(pool: asyncpg.Pool) -> None:
    """Two agents, every 30 s from noon to a quarter past one: CPU counts the half minutes; a GPU that is read at whole minutes only."""
    await upkeep(pool).once(NOON)
    rows: list[tuple[Any, ...]] = []
    for number in range(150):
        at = NOON + timedelta(seconds=30 * number)
        gpu = "" if number % 2 else ', "gpu_usage": 50, "network_io": {"bytes_sent_per_second": 8}'
        rows += [(agent, at, f'{{"cpu_usage": {number}{gpu}}}') for agent in ("acacia", "walnut")]
    await pool.copy_records_to_table("agent_metrics", records=rows)
    await pool.execute(
        "INSERT INTO monitor_positions VALUES ($1, now(), 1, $2)", subjects.METRICS, NOON + timedelta(seconds=30 * 149)
    )


async def history(pool: asyncpg.Pool, resolution: Resolution, **more: Any) -> MetricsHistory:
    return await Past(Reading(pool, None, 30)).read(ListMetrics(agent_id="acacia", resolution=resolution, **more))


async def test_minutes_and_hours_say_least_mean_and_most_of_what_is_over(pool: asyncpg.Pool) -> None:
    await fill(pool)
    await upkeep(pool, caught_up=False).once(NOON + timedelta(hours=1, minutes=15))
    minutes = (await history(pool, Resolution.MINUTE)).points
    assert (len(minutes), minutes[-1].timestamp) == (74, NOON)
    assert minutes[0].timestamp == NOON + timedelta(hours=1, minutes=13)
    assert minutes[-2].values == {
        "cpu_usage": Spread(min=2, mean=2.5, max=3, n=2),
        "gpu_usage": Spread(min=50, mean=50, max=50, n=1),
        "bytes_sent_per_second": Spread(min=8, mean=8, max=8, n=1),
    }
    (hour,) = (await history(pool, Resolution.HOUR)).points
    assert (hour.timestamp, hour.values["cpu_usage"]) == (NOON, Spread(min=0, mean=59.5, max=119, n=120))
    assert hour.values["gpu_usage"]["n"] == 60


async def test_a_minute_is_over_when_nothing_came_for_long_and_all_is_stored(pool: asyncpg.Pool) -> None:
    await fill(pool)
    for caught_up, number in ((False, 74), (True, 75)):
        await upkeep(pool, caught_up=caught_up).once(NOON + timedelta(hours=1, minutes=30))
        assert len((await history(pool, Resolution.MINUTE)).points) == number


async def test_history_is_read_page_by_page_within_its_bounds(pool: asyncpg.Pool) -> None:
    await fill(pool)
    first = await history(pool, Resolution.RAW, limit=100)
    rest = await history(pool, Resolution.RAW, limit=100, before=first.next_before)
    assert [point.values["cpu_usage"]["mean"] for point in (*first.points, *rest.points)] == list(range(149, -1, -1))
    assert rest.next_before is None
    assert first.points[1].values["bytes_sent_per_second"] == Spread(min=8, mean=8, max=8, n=1)
    some = await history(pool, Resolution.RAW, since=NOON + timedelta(minutes=1), before=NOON + timedelta(minutes=2))
    assert [point.values["cpu_usage"]["mean"] for point in some.points] == [3, 2]


async def test_a_page_of_history_reads_one_partition_by_its_index(pool: asyncpg.Pool) -> None:
    await upkeep(pool).once(NOON)
    spread = "SELECT 'a' || a, $1::timestamptz + a * interval '1 ms' + s * interval '5 s', '{\"cpu_usage\": 1}' FROM "
    for day in range(3):
        await pool.execute(
            f"INSERT INTO agent_metrics {spread} generate_series(1, 20) a, generate_series(1, 500) s",
            NOON + timedelta(days=day),
        )
    await pool.execute("ANALYZE agent_metrics")
    bounds = ("a7", NOON + timedelta(days=1), NOON + timedelta(days=1, hours=2), 100)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        prepared = await connection.prepare("EXPLAIN (ANALYZE, COSTS OFF) " + queries()["history_raw"])
        plan = "\n".join(row[0] for row in await prepared.fetch(*bounds))
    read = [line for line in plan.splitlines() if " on agent_metrics" in line and "never executed" not in line]
    assert len(read) == 1, plan
    assert "Index Scan" in read[0], plan
    assert "agent_metrics_20261124" in read[0], plan


async def test_of_several_monitors_one_keeps_the_tables_at_a_time(pool: asyncpg.Pool) -> None:
    found = await asyncio.gather(*(upkeep(pool).once(NOON) for _ in range(3)))
    assert any(found)
    assert len(await partitions(pool)) == 3
