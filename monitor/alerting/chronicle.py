"""Keeps the pages of what the watch sees (monitor/alerting/watched.py)."""

import asyncio
from datetime import UTC, datetime

import asyncpg
from pydantic_core import to_json

from bus import telemetry
from bus.database import NamedStatements, available
from bus.errors import DatabaseUnavailable
from monitor.alerting.samples import Samples
from monitor.alerting.watched import EVERY, KEPT, Pages
from monitor.sql import queries

logger = telemetry.log(__name__)


class Chronicle:
    def __init__(self, pool: asyncpg.Pool, samples: Samples) -> None:
        self._sql, self._samples, self._pages = NamedStatements(pool, queries()), samples, Pages()

    async def run(self) -> None:
        """For ever. A page that cannot be stored is left out: that PostgreSQL's disk is full ends no watch, and its windows with it."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.write(datetime.now(UTC))
            except DatabaseUnavailable as error:
                logger.warning("page_not_stored", reason=error.message)

    async def write(self, now: datetime) -> None:
        """DatabaseUnavailable: the next page is a whole one, since nobody knows what this one would have said."""
        page = self._pages.next(self._samples, now)
        try:
            with available():
                await self._sql.run("store_watched", page.at, page.whole, to_json(page.told).decode())
                if page.whole:
                    await self._sql.run("forget_watched", now - KEPT)
        except DatabaseUnavailable:
            self._pages = Pages()
            raise
