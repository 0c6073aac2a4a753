"""What the stores say of themselves, for a scrape: asked when somebody scrapes, and never otherwise."""

import asyncio
from typing import Final

import asyncpg

from bus import telemetry
from bus.messages.readings import StoreReadings
from coordinator.store.cache import Cache
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

PATIENCE_SECONDS: Final = 2.0
"""With PostgreSQL; one that answers later is away."""
FORBIDDEN: Final = "unknown"
"""The state of a session of somebody else, which PostgreSQL tells to superusers and `pg_read_all_stats` alone."""


class StoreReads:
    def __init__(self, statements: Statements, cache: Cache) -> None:
        self._sql, self._cache = statements, cache
        self._asked: asyncio.Task[dict[str, int] | None] | None = None

    async def read(self) -> StoreReadings:
        return StoreReadings(
            database_connections=await self._connections_soon(), redis_memory_bytes=await self._cache.memory_bytes()
        )

    async def _connections_soon(self) -> dict[str, int] | None:
        """Whoever asks while PostgreSQL hangs waits for the question that it has, and takes no connection more from the pool."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._connections())
        asked = self._asked
        await asyncio.wait([asked], timeout=PATIENCE_SECONDS)
        if not asked.done():
            return None
        if self._asked is asked:
            self._asked = None
        return asked.result()

    async def _connections(self) -> dict[str, int] | None:
        """The one that asks is among them."""
        try:
            rows = await self._sql.all("database_connections")
        except (asyncpg.PostgresError, *AWAY) as error:
            logger.debug("connections_not_read", reason=type(error).__name__)
            return None
        return {row["state"] or FORBIDDEN: row["sessions"] for row in rows}
