"""Who leads: an advisory lock of one PostgreSQL session, and an epoch that grows with each leader.

The lock says who may try; the epoch, checked by every write, says who may succeed. A leader that was paused while its
session died finds its next commit refused, and its offers refused by every sidecar that has seen a higher epoch.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from bus import telemetry
from bus.errors import DatabaseUnavailable
from coordinator.database import Statements, available, open_connection

logger = telemetry.log(__name__)

LEADER_LOCK: Final = 0x48495646
TRY_SECONDS: Final = 0.25
PROBE_SECONDS: Final = 0.5
PROBE_TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Leadership:
    """Held for as long as `lost` is not set."""

    epoch: int
    session: asyncpg.Connection
    lost: asyncio.Event

    async def watch(self) -> None:
        """Returns when the session, and so the lock, is gone."""
        while await self._alive():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.lost.wait(), PROBE_SECONDS)
                return

    async def _alive(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await self.session.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return False
        return True

    async def release(self) -> None:
        self.lost.set()
        try:
            await asyncio.wait_for(self.session.close(), 2)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            self.session.terminate()


async def acquire(url: str, instance: str) -> Leadership:
    """Waits for its turn, for ever; PostgreSQL being away is one more reason to wait."""
    while True:
        try:
            session = await open_connection(url)
        except DatabaseUnavailable:
            await asyncio.sleep(TRY_SECONDS)
            continue
        try:
            return await _wait_for_lock(session, instance)
        except DatabaseUnavailable:
            session.terminate()
            await asyncio.sleep(TRY_SECONDS)
        except BaseException:
            session.terminate()
            raise


async def _wait_for_lock(session: asyncpg.Connection, instance: str) -> Leadership:
    with available():
        # A waiting pg_advisory_lock() would hold a snapshot for as long, and keep vacuum from its work.
        while not await session.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            await asyncio.sleep(TRY_SECONDS)
        row: Any = await Statements(session).one("take_epoch", instance)
    logger.info("leading", epoch=row["epoch"])
    return Leadership(row["epoch"], session, asyncio.Event())
