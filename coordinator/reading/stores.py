"""What the stores say of themselves, for a scrape: asked when somebody scrapes, and never otherwise."""

from typing import Final

import asyncpg

from bus import telemetry
from bus.messages.readings import StoreReadings
from coordinator.store.cache import Cache
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

FORBIDDEN: Final = "unknown"
"""The state of a session of somebody else, which PostgreSQL tells to superusers and `pg_read_all_stats` alone."""


class StoreReads:
    def __init__(self, statements: Statements, cache: Cache) -> None:
        self._sql, self._cache = statements, cache

    async def read(self) -> StoreReadings:
        return StoreReadings(
            database_connections=await self._connections(), redis_memory_bytes=await self._cache.memory_bytes()
        )

    async def _connections(self) -> dict[str, int] | None:
        """The one that asks is among them."""
        try:
            rows = await self._sql.all("database_connections")
        except (asyncpg.PostgresError, *AWAY) as error:
            logger.debug("connections_not_read", reason=type(error).__name__)
            return None
        return {row["state"] or FORBIDDEN: row["sessions"] for row in rows}
