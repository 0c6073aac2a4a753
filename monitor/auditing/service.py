"""The verb of the audit log, and its keeping: answered while PostgreSQL is there."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from bus import subjects
from bus.auth import Permission
from bus.client import Bus
from bus.database import NamedStatements, available
from bus.errors import InvalidRequest
from bus.messages import Claims
from bus.messages.audit import AuditPage, AuditRecord, ListAudit
from bus.service import Call, Endpoint, Service
from bus.tenancy import scope
from bus.together import together
from bus.version import hive_version
from monitor.auditing.storing import Storing
from monitor.sql import queries

CLEAR_SECONDS: Final = 3600.0
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)
_LAST: Final = UUID(int=2**128 - 1)


class AuditReads:
    def __init__(self, sql: NamedStatements) -> None:
        self._sql = sql

    async def list(self, asked: ListAudit, claims: Claims) -> AuditPage:
        """Of the caller's tenant; who runs the hive sees all. InvalidRequest, DatabaseUnavailable."""
        before = place_of(asked.cursor) if asked.cursor else (asked.until or _END, UUID(int=0) if asked.until else _LAST)
        filters = (scope(claims), asked.sub, asked.action, asked.object_id, asked.result, asked.since or _BEGINNING)
        with available():
            rows = await self._sql.planned("list_audit", *filters, *before, asked.limit + 1)
        shown = rows[: asked.limit]
        more = cursor_of(shown[-1]["at"], shown[-1]["id"]) if len(rows) > asked.limit else None
        records = tuple(AuditRecord.model_validate_json(row["record"]) for row in shown)
        return AuditPage(records=records, next_cursor=more)


def cursor_of(at: datetime, record_id: UUID) -> str:
    return urlsafe_b64encode(f"{at.isoformat()} {record_id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """InvalidRequest for what is no cursor of ours."""
    try:
        at, _, record_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        found = datetime.fromisoformat(at), UUID(record_id)
        found[0].astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest("`cursor` is not the `next_cursor` of a page. Leave it out to begin with the newest.") from None
    if found[0].tzinfo is None:
        raise InvalidRequest("`cursor` is not the `next_cursor` of a page. Leave it out to begin with the newest.")
    return found


def audit_service(reads: AuditReads) -> Service:
    async def listed(call: Call[ListAudit]) -> AuditPage:
        return await reads.list(call.body, call.claims)

    verb = Endpoint(
        verb="list",
        body=ListAudit,
        handler=listed,
        permission=Permission.AUDIT_VIEW,
        description="{sub, action, object_id, result, since, until} -> records of changes and refusals, newest first",
    )
    return Service(
        name=subjects.SERVICE_AUDIT,
        version=hive_version(),
        description="Who changed what, and who was refused",
        endpoints=(verb,),
    )


async def keep(bus: Bus, pool: asyncpg.Pool, retain_days: float) -> None:
    """For ever. DatabaseUnavailable, BusUnavailable: begin again later."""
    sql = NamedStatements(pool, queries())
    serving = await bus.serve(audit_service(AuditReads(sql)))
    try:
        await together(Storing(bus, pool).run(), _clear(sql, retain_days))
    finally:
        await serving.close()


async def _clear(sql: NamedStatements, retain_days: float) -> None:
    while True:
        if retain_days:
            with available():
                await sql.run("forget_audit", retain_days * 86_400)
        await asyncio.sleep(CLEAR_SECONDS)
