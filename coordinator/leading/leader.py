"""Who leads: an advisory lock of one PostgreSQL session, and an epoch that grows with each leader.

The lock says who may try; the epoch, checked by every write, says who may succeed. A leader that was paused while its
session died finds its next commit refused, and its offers refused by every sidecar that has seen a higher epoch.

A process that hangs keeps its session, and so the lock (docs/adr/0010): whoever stands by ends a session that is not used any
more, and a leader that the bus does not reach gives way to one that it does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Final

import asyncpg

from bus import telemetry
from bus.errors import DatabaseUnavailable
from bus.together import within
from coordinator.store.database import Statements, available, open_connection

logger = telemetry.log(__name__)

LEADER_LOCK: Final = 0x48495646
TRY_SECONDS: Final = 0.25
PROBE_SECONDS: Final = 0.5
PROBE_TIMEOUT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 2.5
"""Five probes missed: whoever holds the lock hangs, or cannot reach PostgreSQL."""
DEAF_SECONDS: Final = 1.5
"""Without an answer of the bus: another that hears it should lead."""
ATTENTIVE_SECONDS: Final = 1.0
"""Looks further apart than this: whoever looks was away itself."""
_STANDS_BY: Final = "hive: stands by"
_LEADS: Final = "hive: leads"
"""How the two show in pg_stat_activity."""
_HOLDER: Final = """
    SELECT activity.pid, activity.state_change FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE pg_locks.locktype = 'advisory' AND pg_locks.granted AND activity.datname = current_database()
      AND pg_locks.classid::bigint = $1::bigint >> 32 AND pg_locks.objid::bigint = $1::bigint & 4294967295"""
_RIVALS: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"

Hears = Callable[[], Awaitable[bool]]
"""Whether the bus answers just now; soon, either way."""


@dataclass(slots=True)
class Silence:
    """For how long the holder of the lock has not used its session: only time in which it was looked at counts. Pure."""

    _last: tuple[int, datetime] | None = None
    _since: float = 0.0
    _looked_at: float = 0.0

    def look(self, pid: int, used_at: datetime, now: float) -> float:
        """Seconds. `used_at` is PostgreSQL's word, and is only compared with itself; `now` is monotonic."""
        if (pid, used_at) != self._last or now - self._looked_at > ATTENTIVE_SECONDS:
            self._last, self._since = (pid, used_at), now
        self._looked_at = now
        return now - self._since


@dataclass(frozen=True, slots=True)
class Leadership:
    """Held for as long as `lost` is not set."""

    epoch: int
    session: asyncpg.Connection
    hears: Hears
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        """Returns when the session, and so the lock, is gone, or when it is better given to another."""
        heard_at = monotonic()
        while True:
            alive, hears = await asyncio.gather(self._alive(), self.hears())
            heard_at = monotonic() if hears else heard_at
            if not alive:
                return
            if not hears and monotonic() - heard_at >= DEAF_SECONDS and await self._has_rivals():
                logger.warning("gives_way", epoch=self.epoch)
                await self.release()  # at once: what else is to be left goes by the bus, and takes its time
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self.lost.wait()
                return

    async def _has_rivals(self) -> bool:
        """Whether another coordinator, which hears the bus, stands by."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return bool(await self.session.fetchval(_RIVALS, _STANDS_BY, timeout=PROBE_TIMEOUT_SECONDS))
        return False

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
            await within(2, self.session.close())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            self.session.terminate()


async def acquire(url: str, instance: str, hears: Hears) -> Leadership:
    """Waits for its turn, for ever; PostgreSQL or the bus being away is one more reason to wait."""
    while True:
        if await hears():
            try:
                session = await open_connection(url, application_name=_STANDS_BY)
            except DatabaseUnavailable:
                await asyncio.sleep(TRY_SECONDS)
                continue
            try:
                if await _wait_for_lock(session, hears):
                    return await _lead(session, instance, hears)
            except DatabaseUnavailable:
                pass
            except BaseException:
                session.terminate()
                raise
            session.terminate()
        await asyncio.sleep(TRY_SECONDS)


async def _wait_for_lock(session: asyncpg.Connection, hears: Hears) -> bool:
    """Whether the session got the lock; it gives up when the bus is not heard, since it could not lead."""
    silence = Silence()
    with available():
        # A waiting pg_advisory_lock() would hold a snapshot for as long, and keep vacuum from its work.
        while not await session.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            await _end_silent(session, silence)
            await asyncio.sleep(TRY_SECONDS)
            if not await hears():
                return False
    return True


async def _end_silent(session: asyncpg.Connection, silence: Silence) -> None:
    """The epoch sees to it that the other one does no harm when it wakes up; this, that nobody waits for that."""
    holder = await session.fetchrow(_HOLDER, LEADER_LOCK)
    if holder is None or holder["state_change"] is None:  # gone just now; or PostgreSQL was told not to watch
        return
    seconds = silence.look(holder["pid"], holder["state_change"], monotonic())
    if seconds >= SILENT_SECONDS:
        logger.warning("silent_leader_ended", seconds=round(seconds, 1))
        await session.execute("SELECT pg_terminate_backend($1)", holder["pid"])


async def _lead(session: asyncpg.Connection, instance: str, hears: Hears) -> Leadership:
    with available():
        await session.execute("SELECT set_config('application_name', $1, false)", _LEADS)
        row: Any = await Statements(session).one("take_epoch", instance)
    logger.info("leading", epoch=row["epoch"])
    return Leadership(row["epoch"], session, hears)
