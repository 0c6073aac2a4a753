"""How many executions of workflows ended, by status: a counter that all monitors tell alike, and that goes on after a restart.

Read from the stream of ends by position, and counted in one statement with it, as what was used is. A counter that each process kept for
itself would fall and rise from one scrape to the next, and whoever reads it takes each fall for a new beginning.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

import asyncpg

from bus import subjects
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import ExecutionStatus
from bus.together import let_go, together
from monitor.ends import EXECUTION_ENDS
from monitor.position import decoded, take_in
from monitor.sql import queries

BATCH: Final = 1000
GATHER_SECONDS: Final = 1.0
READ_SECONDS: Final = 1.0
"""A scrape waits for two of them."""
Ended = tuple[datetime, str]
"""When the bus stored it, and the status."""


def read(batch: Iterable[Received]) -> dict[str, Ended]:
    """By the event's id: each once, though it was told twice."""
    found: dict[str, Ended] = {}
    for received, event in decoded(batch, WorkflowEvent):
        if event.data.status.ended:
            found[event.id] = received.stored_at or event.timestamp, event.data.status.value
    return found


class Executions:
    """On the primary: a replica that is behind would tell less than was told before."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus, self._sql = bus, NamedStatements(pool, queries())

    async def run(self) -> None:
        """For ever. DatabaseUnavailable, BusUnavailable: begin again later, where the last commit ended."""
        kept = [(ends, f"{subjects.EVENTS} {ends}") for ends in EXECUTION_ENDS]
        await together(
            *(
                take_in(
                    *(self._bus, subjects.EVENTS, ends, self._sql, position, partial(self._store, position)),
                    most=BATCH,
                    gather_seconds=GATHER_SECONDS,
                )
                for ends, position in kept
            )
        )

    async def ended(self) -> dict[str, int]:
        """DatabaseUnavailable, within READ_SECONDS, also where PostgreSQL hangs: asyncpg would wait until it has heard of the cancel."""
        asking = asyncio.ensure_future(self._sql.all("executions_ended"))
        with available():
            try:
                await asyncio.wait({asking}, timeout=READ_SECONDS)
                if not asking.done():
                    raise TimeoutError
                rows = asking.result()
            finally:
                let_go((asking,))
        return {status.value: 0 for status in ExecutionStatus if status.ended} | {row["status"]: row["ended"] for row in rows}

    async def _store(self, position: str, batch: list[Received], state: StreamState) -> None:
        found, last = read(batch), batch[-1]
        columns = (list(found), [at for at, _ in found.values()], [status for _, status in found.values()])
        with available():
            await self._sql.run("store_executions", *columns, position, state.created_at, last.sequence, last.stored_at)
