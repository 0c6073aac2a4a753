"""The audit log from its stream into PostgreSQL, in order and with the position; behind that the stream is purged, which takes nothing
more when it is full."""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.messages.audit import AuditRecord
from monitor.position import decoded, take_in
from monitor.sql import queries

logger = telemetry.log(__name__)

BATCH: Final = 500
GATHER_SECONDS: Final = 0.2


def read(batch: Iterable[Received]) -> list[AuditRecord]:
    """Of each the last word."""
    found: dict[object, AuditRecord] = {}
    for _, record in decoded(batch, AuditRecord):
        found[record.id] = storable(record)
    return list(found.values())


class Storing:
    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus, self._sql = bus, NamedStatements(pool, queries())

    async def run(self) -> None:
        """For ever. DatabaseUnavailable, BusUnavailable: begin again later, where the last commit ended."""
        await take_in(
            *(self._bus, subjects.AUDIT, subjects.ALL_AUDIT, self._sql, subjects.AUDIT, self._store),
            most=BATCH,
            gather_seconds=GATHER_SECONDS,
        )

    async def _store(self, batch: Sequence[Received], state: StreamState) -> None:
        records, last = read(batch), batch[-1]
        columns = (
            [record.id for record in records],
            [record.at for record in records],
            [record.tenant for record in records],
            [record.sub for record in records],
            [record.action for record in records],
            [record.object_id for record in records],
            [record.result.value for record in records],
            [record.model_dump_json(exclude_none=True) for record in records],
        )
        with available():
            await self._sql.run("store_audit", *columns, subjects.AUDIT, state.created_at, last.sequence, last.stored_at)
        await self._bus.purge(subjects.AUDIT, subjects.ALL_AUDIT, last.sequence)


def storable(record: AuditRecord) -> AuditRecord:
    """Without what PostgreSQL takes in no text. Looked for in the values: in JSON a NUL and somebody's own `\\u0000` look alike, and what is
    not stored would hold up all that comes after it.
    """
    found = {name: value.replace("\x00", "") for name, value in record if isinstance(value, str) and "\x00" in value}
    return record.model_copy(update=found) if found else record
