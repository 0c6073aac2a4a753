"""Ownership: an engine says that it lives, takes up what nobody owns, and drops everything once the others have buried it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any, Final
from uuid import UUID

import asyncpg

from bus import telemetry
from bus.database import AWAY, NamedStatements
from bus.errors import DatabaseUnavailable, EngineDied
from workflow.core.failure import Failure
from workflow.running.engine import Engine
from workflow.running.fence import Fence, now
from workflow.running.held import Held
from workflow.running.rooms import place_of
from workflow.running.rows import held_of, origin_of, progress_of
from workflow.sql import queries

logger = telemetry.log(__name__)

CLAIM_AT_ONCE: Final = 50
LOOK_SECONDS: Final = 1.0
FREE_TAKE_UPS: Final = 2
"""Two engines that died with an execution may be chance; with the third it, or something beside it, is suspected of ending engines."""
SUSPECT_SECONDS: Final = 10.0
"""An engine that lives on with its suspect for so long takes up the next."""


class LeaseLost(Exception):
    """Others have what this engine had. It begins anew, with another id."""


@dataclass(frozen=True, slots=True)
class _Suspect:
    """An execution that may end this engine, and until when (Unix seconds) its death would be that one's doing."""

    id: UUID
    until: float


class Lease:
    """`seconds` of silence make an engine dead. `run` goes on until cancelled, and raises LeaseLost.

    `fence` is told for how long after each beat nobody can have buried this engine. `take_ups`: how often an execution is taken up from an engine that died without it getting further (ADR 0034).
    """

    def __init__(self, pool: asyncpg.Pool, engine: Engine, seconds: float, take_ups: int, fence: Fence) -> None:
        self._statements = NamedStatements(pool, queries())
        self._engine, self._seconds, self._take_ups = engine, seconds, take_ups
        self._id, self._fence = engine.store.engine, fence
        self._wake: float | None = None
        self._look = asyncio.Event()
        self._claimed: list[Mapping[str, Any]] = []
        """Ours, and not started yet: the database went away before their runs were read."""
        self._suspect: _Suspect | None = None
        engine.parked = self._parked

    def _parked(self, at_ms: int) -> None:
        self._wake = at_ms / 1000 if self._wake is None else min(self._wake, at_ms / 1000)
        self._look.set()

    async def begin(self) -> None:
        asked = now()
        await self._statements.run("live", self._id)
        self._fence.proven(asked + self._seconds)

    async def end(self) -> None:
        """What is left is free at once."""
        with suppress(*AWAY, asyncpg.PostgresError):
            await self._statements.run("release", self._id)
            await self._statements.run("leave", self._id)

    async def run(self) -> None:
        heard = time()
        while True:
            try:
                asked = now()  # before the database's own clock is read, so on the safe side of it
                if await self._statements.one("still_lives", self._id) is None:
                    raise LeaseLost(str(self._id))
                heard = time()
                self._fence.proven(asked + self._seconds)
                await self._statements.run("bury", self._seconds)
                await self._take_up()
            except (*AWAY, DatabaseUnavailable, asyncpg.PostgresError) as error:
                logger.warning("lease_waits_for_database", reason=type(error).__name__, seconds=round(time() - heard, 1))
            await self._pause()

    async def _pause(self) -> None:
        """Until it is time to say that it lives, or until something that waits is due."""
        self._look.clear()
        beat = min(LOOK_SECONDS, self._seconds / 4)
        until = beat if self._wake is None else max(0.02, min(beat, self._wake - time()))
        with suppress(TimeoutError):
            async with asyncio.timeout(until):
                await self._look.wait()

    async def _take_up(self) -> None:
        """What others wait for is taken up though there is no room: they may be what takes the room."""
        await self._claim(CLAIM_AT_ONCE, integrated=True)
        room = max(0, min(CLAIM_AT_ONCE, self._engine.gate.free))
        if room:
            await self._claim(room)
        await self._claim_suspect()
        for held in await self._load(self._claimed):
            logger.info("execution_taken_up", execution_id=str(held.id), epoch=held.epoch, times=held.take_ups)
            self._engine.start(held, place_of(held))
        self._claimed.clear()
        found = await self._statements.one("next_wake")
        at: datetime | None = found["at"] if found is not None else None
        self._wake = None if at is None else at.timestamp()

    async def _claim(self, most: int, *, integrated: bool = False, suspects: bool = False) -> Sequence[Mapping[str, Any]]:
        rows = await self._statements.all("claim", self._id, most, integrated, suspects, FREE_TAKE_UPS, self._take_ups)
        self._claimed += rows
        return rows

    async def _claim_suspect(self) -> None:
        """What may end the engine is taken up alone, and the record says so first: should the engine die, it is known of what."""
        if self._suspect is not None:
            held = self._engine.held.get(self._suspect.id)
            if held is not None and progress_of(held.execution) == held.progress and time() < self._suspect.until:
                return
            await self._statements.run("suspect", self._id, None)
            self._suspect = None
        for row in await self._claim(1, suspects=True):
            self._suspect = _Suspect(row["id"], time() + SUSPECT_SECONDS)
            await self._statements.run("suspect", self._id, row["id"])

    async def claim_one(self, execution_id: UUID) -> Held | None:
        """An execution that nobody owns, whatever it waits for; None where somebody does, or it has ended. Not started yet."""
        row = await self._statements.one("claim_one", self._id, execution_id)
        if row is None:
            return None
        try:
            return next(iter(await self._load([row])), None)
        except (*AWAY, DatabaseUnavailable):
            self._claimed.append(row)  # ours by now: it is started once it can be read, and waits on
            raise

    async def _load(self, rows: Iterable[Mapping[str, Any]]) -> list[Held]:
        """An execution that this version cannot read stays ours and is told in the log, so that the others go on."""
        rows = list(rows)
        pieces: dict[UUID, list[bytes]] = {row["id"]: [] for row in rows if row["take_ups"] <= self._take_ups}
        for piece in await self._statements.all("runs_of", list(pieces)) if pieces else []:
            pieces[piece["execution_id"]].append(piece["runs"])
        found = []
        for row in rows:
            try:
                found.append(await self._held(row, pieces.get(row["id"])))
            except (*AWAY, DatabaseUnavailable):
                raise
            except Exception:
                logger.exception("execution_cannot_be_read", execution_id=str(row["id"]))
        return found

    async def _held(self, row: Mapping[str, Any], pieces: list[bytes] | None) -> Held:
        """Without `pieces`: it is given up, and what it ran, which may be what ends engines, stays where it is."""
        held = held_of(row, pieces or (), await self._engine.library.graph_of(origin_of(row)))
        if pieces is None:
            held.given_up = _given_up(self._take_ups)
        return held


def _given_up(times: int) -> Failure:
    return Failure(
        message=f"The engine died {times + 1} times while it went on from here, and nothing got further in between. "
        "The execution is not taken up again.",
        code=EngineDied.code,
        name="EngineDied",
    )
