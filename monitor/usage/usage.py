"""Capacity, kept while PostgreSQL is there: what was used is counted, shown, and held against quotas."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

from bus.client import Bus
from bus.database import NamedStatements, available
from bus.errors import InvalidRequest
from bus.messages import NoReply
from bus.messages.usage import ListUsage, SlowHosts, UsageReport, UsageRow
from bus.together import together
from monitor.cache import Cache
from monitor.replica import Reading
from monitor.sql import queries
from monitor.usage.counting import Counting, Measured, always
from monitor.usage.quotas import QuotaBook
from monitor.usage.service import usage_service
from monitor.usage.slowness import slow_hosts

CLEAR_SECONDS: Final = 3600.0
SPEED_DAYS: Final = 14


class UsageReads:
    """What was used. Reads may come from a replica, and answers of a moment ago from Redis."""

    def __init__(self, reading: Reading, cache: Cache) -> None:
        self._reading, self._cache = reading, cache

    async def report(self, asked: ListUsage, tenant: str | None = None) -> UsageReport:
        """Of one tenant, or of all. InvalidRequest for days in the wrong order. DatabaseUnavailable."""
        today = datetime.now(UTC).date()
        since, until = asked.since or today.replace(day=1), asked.until or today
        if until < since:
            raise InvalidRequest(f"`until` ({until}) is before `since` ({since}). Swap them.")
        whole = asked.model_copy(update={"since": since, "until": until})
        return await self._cache.answer(whole, UsageReport, lambda: self._report(asked, since, until, tenant), tenant)

    async def _report(self, asked: ListUsage, since: date, until: date, tenant: str | None) -> UsageReport:
        rows = await self._reading.all("usage_by", asked.by, since, until, asked.user, asked.limit, tenant)
        return UsageReport(by=asked.by, since=since, until=until, rows=tuple(UsageRow(**dict(row)) for row in rows))

    async def slow(self) -> SlowHosts:
        """DatabaseUnavailable."""
        return await self._cache.answer(NoReply(), SlowHosts, self._slow)

    async def _slow(self) -> SlowHosts:
        since = datetime.now(UTC) - timedelta(days=SPEED_DAYS)
        return SlowHosts(hosts=tuple(slow_hosts(await self._reading.all("speeds", since))))


async def keep(
    bus: Bus, pool: asyncpg.Pool, reading: Reading, cache: Cache, retain_days: float, *, measured: Measured = always
) -> None:
    """For ever. DatabaseUnavailable, BusUnavailable: begin again later."""
    book = QuotaBook(bus, pool)
    await book.begin()
    serving = await bus.serve(usage_service(UsageReads(reading, cache), book))
    try:
        await together(Counting(bus, pool, book.renew, measured).run(), _clear(pool, retain_days))
    finally:
        await serving.close()


async def _clear(pool: asyncpg.Pool, retain_days: float) -> None:
    sql = NamedStatements(pool, queries())
    while True:
        with available():
            await sql.run("forget_counted")
            await sql.run("forget_speeds")
            if retain_days:
                await sql.run("forget_usage", int(retain_days))
        await asyncio.sleep(CLEAR_SECONDS)
