"""How many executions of one workflow run at once, over all engines: its setting `maxConcurrency`.

A place is an advisory lock of PostgreSQL, held by the engine's session: an engine that dies has left its places by that. A session that
broke has too, while what it let in goes on; the places are taken again with the next session, those that are left. What somebody else took
meanwhile is no longer one of ours. Whoever must not go on without its place asks `holds`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import asyncpg

from bus import telemetry
from bus.database import AWAY, open_connection
from bus.errors import HiveError

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 0.2
"""Between looks at the places that other engines hold."""
_LOCK: Final = "SELECT pg_try_advisory_lock($1, $2)"
_HOLDS: Final = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
    " AND (classid, objid) = ($1::int::oid, $2::int::oid))"
)


@dataclass(frozen=True, slots=True)
class Place:
    workflow: UUID
    number: int
    session: asyncpg.Connection | None = field(default=None, compare=False, repr=False)
    """Where it was taken."""

    @property
    def keys(self) -> tuple[int, int]:
        """Two workflows whose ids begin alike share places: that costs a wait, and lets nothing in that should not be."""
        return int.from_bytes(self.workflow.bytes[:4], signed=True), self.number


class Limits:
    """Who waits for a place of one workflow gets it in the order of coming, among those of one engine."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._one = asyncio.Lock()
        self._own: dict[Place, Place] = {}
        self._turns: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._left = asyncio.Event()

    async def take_now(self, workflow: UUID, most: int) -> Place | None:
        """None where all are taken, others wait already, or the database is away."""
        return None if self._turns[workflow].locked() else await self._look(workflow, most)

    async def take(self, workflow: UUID, most: int, given_up: Callable[[], bool]) -> Place | None:
        """Waits for one; None once it was given up."""
        async with self._turns[workflow]:
            while not given_up():
                self._left.clear()
                if (found := await self._look(workflow, most)) is not None:
                    return found
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._left.wait()
            return None

    async def take_numbered(self, workflow: UUID, number: int) -> Place | None:
        """This one and no other; None where somebody has it."""
        place = Place(workflow, number)
        return None if place in self._own else await self._lock(place)

    async def holds(self, place: Place) -> bool:
        """Whether it was ours without a break. False too where nobody can tell: others may have it by now."""
        async with self._one:
            connection = self._connection
            if connection is None or connection is not place.session or self._own.get(place) is not place:
                return False
            return await self._ask(connection, _HOLDS, place)

    async def give_back(self, place: Place) -> None:
        """One that was lost is somebody else's, here or elsewhere, and stays that."""
        async with self._one:
            if self._own.get(place) is place:
                del self._own[place]
                if self._connection is not None:
                    await self._ask(self._connection, "SELECT pg_advisory_unlock($1, $2)", place)
        self._left.set()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()

    async def _look(self, workflow: UUID, most: int) -> Place | None:
        for number in range(most):
            place = Place(workflow, number)
            if place not in self._own and (taken := await self._lock(place)) is not None:
                return taken
        return None

    async def _lock(self, place: Place) -> Place | None:
        async with self._one:
            if place in self._own:  # somebody else's here since; the session would be given it twice
                return None
            connection = await self._connected()
            if connection is None or not await self._ask(connection, _LOCK, place):
                return None
            taken = replace(place, session=connection)
            self._own[taken] = taken
            return taken

    async def _connected(self) -> asyncpg.Connection | None:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        try:
            self._connection = connection = await open_connection(self._url)
        except (*AWAY, HiveError):
            return None
        for place in tuple(self._own):
            if not await self._ask(connection, _LOCK, place):
                if connection.is_closed():  # it broke again, and the next one asks anew
                    return None
                del self._own[place]
        return connection

    async def _ask(self, connection: asyncpg.Connection, statement: str, place: Place) -> bool:
        try:
            return bool(await connection.fetchval(statement, *place.keys))
        except (*AWAY, asyncpg.PostgresError) as error:
            logger.warning("places_wait_for_database", reason=type(error).__name__)
            connection.terminate()
            return False
