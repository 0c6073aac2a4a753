"""Writes executions in groups: whatever is to be saved while one write is under way goes into the next. A save costs no round trip of its own.

A save is one statement and one commit for all of a group. It holds only where this engine owns the execution in the epoch and revision
that it knows; who lost is told `Lost`, and drops it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from bus import telemetry
from bus.database import AWAY, NamedStatements, open_connection
from bus.errors import HiveError
from workflow.running.held import Held
from workflow.running.rows import Save, pack
from workflow.sql import queries

logger = telemetry.log(__name__)

AGAIN_SECONDS: Final = 0.2
_COLUMNS: Final = 20


class Lost(Exception):
    """Another engine has the execution, or it was made already."""


@dataclass(slots=True)
class _Wish:
    saves: Sequence[Save] = ()
    forget: UUID | None = None
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Store:
    """`engine` is whose saves these are. `run` writes until it is cancelled; what waits then fails with it."""

    def __init__(self, url: str, engine: UUID) -> None:
        self._url, self.engine = url, engine
        self._wishes: list[_Wish] = []
        self._wanted = asyncio.Event()
        self._connection: asyncpg.Connection | None = None

    async def save(self, held: Held, *, released: bool = False, wake_ms: int | None = None) -> None:
        """Raises Lost. `released`: it waits for long, or has ended, and nobody owns it from now on."""
        await self.save_together([(held, pack(held, None if released or held.execution.ended else self.engine, wake_ms))])

    async def save_together(self, packed: Sequence[tuple[Held, Save]]) -> None:
        """All in one commit. Raises Lost when the first of them is lost."""
        wish = _Wish([save for _, save in packed])
        self._wish(wish)
        await wish.done
        for held, save in packed:
            held.revision += 1
            held.stored = save.next_index

    async def forget(self, execution_id: UUID) -> None:
        wish = _Wish(forget=execution_id)
        self._wish(wish)
        await wish.done

    def _wish(self, wish: _Wish) -> None:
        self._wishes.append(wish)
        self._wanted.set()

    async def run(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                wishes, self._wishes = self._wishes, []
                await self._write_until_done(wishes)
        finally:
            if self._connection is not None:
                self._connection.terminate()

    async def _write_until_done(self, wishes: list[_Wish]) -> None:
        """Again while the database is away. A group that the database refuses is written one by one, so that only the bad one fails."""
        while True:
            try:
                saved = await self._write(wishes)
            except (*AWAY, HiveError) as error:
                logger.warning("store_waits_for_database", reason=str(error) or type(error).__name__, waiting=len(wishes))
                self._drop_connection()
                await asyncio.sleep(AGAIN_SECONDS)
            except asyncpg.PostgresError as error:
                await self._one_by_one(wishes, error)
                return
            else:
                for wish in wishes:
                    _settle(wish, saved)
                return

    async def _one_by_one(self, wishes: list[_Wish], error: Exception) -> None:
        if len(wishes) == 1:
            if not wishes[0].done.done():
                wishes[0].done.set_exception(error)
            return
        for wish in wishes:
            await self._write_until_done([wish])

    async def _write(self, wishes: list[_Wish]) -> set[UUID]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await open_connection(self._url, jit="off")
        statements = NamedStatements(self._connection, queries())
        saves = [save for wish in wishes for save in wish.saves]
        forgotten = [wish.forget for wish in wishes if wish.forget is not None]
        saved: set[UUID] = set()
        if saves:
            columns = [[save.row[column] for save in saves] for column in range(_COLUMNS)]
            with_runs = [save for save in saves if save.runs is not None]
            runs = [[s.id for s in with_runs], [s.first_index for s in with_runs], [s.runs for s in with_runs]]
            saved = {row["id"] for row in await statements.all("save_executions", *columns, self.engine, *runs)}
        if forgotten:
            await statements.run("forget_executions", forgotten, self.engine)
        return saved

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _settle(wish: _Wish, saved: set[UUID]) -> None:
    if wish.done.done():  # whoever waited has been cancelled
        return
    if wish.saves and wish.saves[0].id not in saved:
        wish.done.set_exception(Lost(str(wish.saves[0].id)))
    else:
        wish.done.set_result(None)
