"""Keeps the pages of what the watch sees (monitor/alerting/watched.py)."""

import asyncio
from datetime import UTC, datetime

import asyncpg
from pydantic_core import to_json

from bus.database import NamedStatements, available
from monitor.alerting.samples import Samples
from monitor.alerting.watched import EVERY, KEPT, Pages
from monitor.sql import queries


class Chronicle:
    def __init__(self, pool: asyncpg.Pool, samples: Samples) -> None:
        self._sql, self._samples, self._pages = NamedStatements(pool, queries()), samples, Pages()

    async def run(self) -> None:
        """For ever. DatabaseUnavailable."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            await self.write(datetime.now(UTC))

    async def write(self, now: datetime) -> None:
        """DatabaseUnavailable."""
        page = self._pages.next(self._samples, now)
        with available():
            await self._sql.run("store_watched", page.at, page.whole, to_json(page.told).decode())
            if page.whole:
                await self._sql.run("forget_watched", now - KEPT)
