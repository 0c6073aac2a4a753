"""Agents' metrics into PostgreSQL: read from their stream by position, stored in batches with it.

The stream holds an hour. A monitor or a PostgreSQL that is away for less loses nothing, and nothing is stored twice.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.errors import InvalidRequest
from bus.messages import PerformanceMetrics
from monitor.position import begin
from monitor.sql import queries

logger = telemetry.log(__name__)

BATCH: Final = 2000
GATHER_SECONDS: Final = 1.0
"""Between two commits, unless more waits than fits in one: 200 agents then cost one commit a second and not forty."""
_NOT_STORED: Final = {"agent_id", "timestamp"}


@dataclass(frozen=True, slots=True)
class Row:
    """Of agent_metrics."""

    agent_id: str
    timestamp: datetime
    metrics: str


def row_of(received: Received) -> Row:
    """InvalidRequest for what is no metrics, or says that it is another agent's than its subject does."""
    metrics = received.decode(PerformanceMetrics)
    if received.subject != subjects.metrics(metrics.agent_id):
        raise InvalidRequest(f"Metrics of {metrics.agent_id} came on {received.subject}; each agent has its own subject.")
    body = metrics.model_dump_json(exclude=_NOT_STORED, exclude_none=True)
    return Row(metrics.agent_id, received.stored_at or metrics.timestamp, body)


class Archive:
    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus, self._sql = bus, NamedStatements(pool, queries())
        self.caught_up = False
        """Whether all that the stream held a moment ago is stored."""
        self._until: datetime | None = None

    def has(self, at: datetime) -> bool:
        """Whether all that was measured until then is stored, but for the last moment."""
        return self.caught_up or (self._until is not None and self._until >= at)

    async def run(self) -> None:
        """For ever. DatabaseUnavailable, BusUnavailable: begin again later, where the last commit ended."""
        state = await self._bus.stream_state(subjects.METRICS)
        first, newest = (
            await begin(self._sql, subjects.METRICS, state),
            await self._bus.last(subjects.METRICS, subjects.ALL_METRICS),
        )
        reader = await self._bus.read(subjects.METRICS, subjects.ALL_METRICS, first)
        self.caught_up = newest is None or newest.sequence < first
        try:
            while True:
                batch = await reader.batch(BATCH)
                await self._store(batch, state)
                self.caught_up = reader.caught_up
                if self.caught_up:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self.caught_up = False
            await reader.close()

    async def _store(self, batch: list[Received], state: StreamState) -> None:
        rows, last = _rows(batch), batch[-1]
        columns = ([r.agent_id for r in rows], [r.timestamp for r in rows], [r.metrics for r in rows])
        with available():
            await self._sql.run("store_metrics", *columns, subjects.METRICS, state.created_at, last.sequence, last.stored_at)
        self._until = last.stored_at


def _rows(batch: list[Received]) -> list[Row]:
    rows = []
    for received in batch:
        try:
            rows.append(row_of(received))
        except InvalidRequest as error:
            logger.warning("metrics_refused", subject=received.subject, reason=error.message)
    return rows
