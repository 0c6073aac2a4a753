"""How many executions of workflows ended, by status: a counter that all monitors tell alike, and that goes on after a restart.

Read from the stream of ends by position, and counted in one statement with it, as what was used is. A counter that each process kept for
itself would fall and rise from one scrape to the next, and whoever reads it takes each fall for a new beginning.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.errors import InvalidRequest
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import ExecutionStatus
from bus.together import let_go, together
from monitor.ends import EXECUTION_ENDS
from monitor.position import begin
from monitor.sql import queries

logger = telemetry.log(__name__)

BATCH: Final = 1000
GATHER_SECONDS: Final = 1.0
READ_SECONDS: Final = 1.0
"""A scrape waits for two of them."""
Ended = tuple[datetime, str]
"""When the bus stored it, and the status."""


def read(batch: Iterable[Received]) -> dict[str, Ended]:
    """By the event's id: each once, though it was told twice."""
    found: dict[str, Ended] = {}
    for received in batch:
        try:
            event = received.decode(WorkflowEvent)
        except InvalidRequest as error:
            logger.warning("event_refused", subject=received.subject, sequence=received.sequence, reason=error.message)
            continue
        if event.data.status.ended:
            found[event.id] = received.stored_at or event.timestamp, event.data.status.value
    return found


class Executions:
    """On the primary: a replica that is behind would tell less than was told before."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus, self._sql = bus, NamedStatements(pool, queries())

    async def run(self) -> None:
        """For ever. DatabaseUnavailable, BusUnavailable: begin again later, where the last commit ended."""
        await together(*(self._count(ends) for ends in EXECUTION_ENDS))

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

    async def _count(self, ends: str) -> None:
        state, position = await self._bus.stream_state(subjects.EVENTS), f"{subjects.EVENTS} {ends}"
        reader = await self._bus.read(subjects.EVENTS, ends, await begin(self._sql, position, state))
        try:
            while True:
                batch = await reader.batch(BATCH)
                await self._store(batch, position, state)
                if reader.caught_up:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            await reader.close()

    async def _store(self, batch: list[Received], position: str, state: StreamState) -> None:
        found, last = read(batch), batch[-1]
        columns = (list(found), [at for at, _ in found.values()], [status for _, status in found.values()])
        with available():
            await self._sql.run("store_executions", *columns, position, state.created_at, last.sequence, last.stored_at)
