"""Where history is read: of a replica whose copy is young enough, else of the primary.

How old the copy is says a row that the monitor writes on the primary every few seconds (`monitor_beat`). It comes to a replica of any
kind the way everything else does, so a replica that has lost its primary ages too, while PostgreSQL's own functions would say that it
has replayed all that it received.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

import asyncpg

from bus import telemetry
from bus.database import AWAY, NamedStatements, available, open_pool
from bus.errors import DatabaseUnavailable
from monitor.sql import queries

logger = telemetry.log(__name__)

BEAT_SECONDS: Final = 2.0
CONNECTIONS: Final = 3
AGAIN_SECONDS: Final = 10.0
"""Until a replica that was away is tried again: nobody who reads waits for it meanwhile."""


class Reading:
    """`url` None: there is no replica."""

    def __init__(self, primary: asyncpg.Pool, url: str | None, lag_seconds: float) -> None:
        self._primary, self._url, self._most = NamedStatements(primary, queries()), url, lag_seconds
        self._pool: asyncpg.Pool | None = None
        self._copy: NamedStatements | None = None
        self._not_before = 0.0
        self._opening = asyncio.Lock()

    async def beat(self) -> None:
        """For ever. DatabaseUnavailable."""
        while True:
            with available():
                await self._primary.run("beat")
            await asyncio.sleep(BEAT_SECONDS)

    async def all(self, name: str, *arguments: Any) -> list[Any]:
        """DatabaseUnavailable where the primary is away and the replica is, or is too old."""
        try:
            if (copy := await self._young()) is not None:
                return await copy.all(name, *arguments)
        except (DatabaseUnavailable, asyncpg.PostgresError, *AWAY) as error:
            self._not_before = monotonic() + AGAIN_SECONDS
            logger.warning("replica_not_read", reason=type(error).__name__, again_seconds=AGAIN_SECONDS)
        with available():
            return await self._primary.all(name, *arguments)

    async def _young(self) -> NamedStatements | None:
        if self._url is None or monotonic() < self._not_before:
            return None
        async with self._opening:  # pages ask for many things at once
            if monotonic() < self._not_before:
                return None
            if self._copy is None:
                self._pool = await open_pool(self._url, CONNECTIONS)
                self._copy = NamedStatements(self._pool, queries())
        age = await self._copy.one("beat_age")
        return self._copy if age is not None and age["seconds"] <= self._most else None

    def terminate(self) -> None:
        if self._pool is not None:
            self._pool.terminate()


@asynccontextmanager
async def reading(primary: asyncpg.Pool, url: str | None, lag_seconds: float) -> AsyncIterator[Reading]:
    found = Reading(primary, url, lag_seconds)
    try:
        yield found
    finally:
        found.terminate()
