"""What the tables of metrics need beside their rows: partitions made ahead, minutes and hours rolled up, old partitions dropped.

None of it holds up whoever writes (docs/adr/0038): a partition is made apart and attached, and detached before it is dropped.
Of several monitors one does it at a time.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from bus import subjects, telemetry
from bus.database import NamedStatements, available
from monitor.partitions import Partition, Series, expired, wanted
from monitor.settings import MonitorSettings
from monitor.sql import queries

logger = telemetry.log(__name__)

EVERY_SECONDS: Final = 20.0
LOCK: Final = 0x48495645 + 10
DAY: Final = timedelta(days=1)
STREAM_HOLDS: Final = timedelta(hours=1)
DETACH_SECONDS: Final = 300.0
"""It waits for every statement that may still read the partition."""
LATE: Final = timedelta(minutes=10)
"""After this a minute is over though nothing came since, where everything that came is stored: the clocks of bus and monitor may differ."""
MOST_AT_ONCE: Final = {"minutes": timedelta(minutes=10), "hours": timedelta(hours=1)}
"""Of each. An hour of 200 agents' measurements took 27 s on a machine with much else to do, where a statement has 30."""


def now_utc() -> datetime:
    return datetime.now(UTC)


def all_series(settings: MonitorSettings) -> tuple[Series, Series, Series]:
    """Raw, minutes, hours. What is rolled up after a long absence is as old as what it is made of."""
    days = [settings.retain_metrics_days, settings.retain_metrics_minutes_days, settings.retain_metrics_hours_days]
    raw, minutes, hours = (timedelta(days=kept) if kept else None for kept in days)
    back = min(raw or 3 * DAY, 3 * DAY)
    return (
        Series(table="agent_metrics", width=DAY, back=STREAM_HOLDS, keep=raw),
        Series(table="agent_metrics_minutes", width=DAY, back=back, keep=minutes),
        Series(table="agent_metrics_hours", width=30 * DAY, back=back, keep=hours),
    )


class Upkeep:
    """`caught_up` says whether everything that came is stored."""

    def __init__(self, pool: asyncpg.Pool, settings: MonitorSettings, caught_up: Callable[[], bool]) -> None:
        self._pool, self._series, self._caught_up = pool, all_series(settings), caught_up

    async def run(self) -> None:
        """For ever; the first round before anything is stored is `once`. DatabaseUnavailable."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.once(now_utc())

    async def once(self, now: datetime) -> bool:
        """False: another monitor is at it."""
        with available():
            async with self._pool.acquire() as connection:
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                    return False
                try:
                    await self._round(connection, now)
                finally:
                    await connection.fetchval("SELECT pg_advisory_unlock($1)", LOCK)
        return True

    async def _round(self, connection: asyncpg.Connection, now: datetime) -> None:
        statements = NamedStatements(connection, queries())
        for series in self._series:
            there = {row["name"] for row in await statements.all("partitions", series.table)}
            for partition in wanted(series, now):
                if partition.name not in there:
                    await _attach(connection, series.table, partition)
        await self._roll(statements, now)
        for series in self._series:
            await _clear(connection, statements, series, now)

    async def _roll(self, statements: NamedStatements, now: datetime) -> None:
        """Only what is over: a minute of which a measurement may still come is left for the next round."""
        row = await statements.one("position", subjects.METRICS)
        if row is None:
            return
        over = max(row["stored_at"], now - LATE) if self._caught_up() else row["stored_at"]
        await _roll(statements, "minutes", _floor(over, timedelta(minutes=1)), now - STREAM_HOLDS)
        done = await statements.one("rolled", "minutes")
        if done is not None:
            await _roll(statements, "hours", _floor(done["until"], timedelta(hours=1)), now - STREAM_HOLDS)


async def _roll(statements: NamedStatements, what: str, until: datetime, first: datetime) -> None:
    """From where it ended, in bites. `first`: where it begins when it never was."""
    row = await statements.one("rolled", what)
    begin = row["until"] if row is not None else _floor(first, timedelta(hours=1))
    while begin < until:
        end = min(until, begin + MOST_AT_ONCE[what])
        await statements.run(f"roll_{what}", begin, end)
        begin = end


def _floor(at: datetime, width: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (at - epoch) // width * width


async def _attach(connection: asyncpg.Connection, table: str, partition: Partition) -> None:
    """CREATE TABLE … PARTITION OF would wait for every writer of the whole table, and hold up those after it."""
    name, begin, end = partition.name, partition.begin.isoformat(), partition.end.isoformat()
    async with connection.transaction():
        await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}')")
    logger.info("partition_made", name=name)


async def _clear(connection: asyncpg.Connection, statements: NamedStatements, series: Series, now: datetime) -> None:
    """Detaching stands in no transaction, so a round that was cut off leaves a partition half or wholly detached: it is dropped first."""
    table = series.table
    for row in await statements.all("half_detached", table):
        await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {row['name']} FINALIZE", timeout=DETACH_SECONDS)
    for row in await statements.all("detached", table):
        await connection.execute(f"DROP TABLE {row['name']}")
    there = [row["name"] for row in await statements.all("partitions", table)]
    for name in expired(series, there, now):
        await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {name} CONCURRENTLY", timeout=DETACH_SECONDS)
        await connection.execute(f"DROP TABLE {name}")
        logger.info("partition_dropped", name=name)
