"""The audit log on a real bus and in a real PostgreSQL: nothing is lost while either is away, the stream is purged, pages follow each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from bus import subjects
from bus.auth import BUS_OPERATOR
from bus.database import NamedStatements, migrate_by, open_pool
from bus.errors import Conflict, InvalidRequest, LoginFailed, PermissionDenied
from bus.messages import Claims, CreateKey, Role
from bus.messages.audit import AuditRecord, AuditResult, ListAudit
from bus.nats_bus import NatsBus
from bus.together import end
from monitor.auditing import service
from monitor.auditing.service import AuditReads
from monitor.sql import migrations, queries

ANNA = Claims(sub="anna", roles=(Role.ADMIN,), address="10.0.0.7")
OTHER = Claims(sub="olga", roles=(Role.ADMIN,), tenant="other")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 4)
    yield pool
    pool.terminate()


@pytest.fixture
def reads(pool: asyncpg.Pool) -> AuditReads:
    return AuditReads(NamedStatements(pool, queries()))


async def until_stored(bus: NatsBus, reads: AuditReads, number: int) -> None:
    """In PostgreSQL, and so no longer on the stream."""
    async with asyncio.timeout(30):
        while len((await reads.list(ListAudit(limit=1000), BUS_OPERATOR)).records) < number or await bus.last(
            subjects.AUDIT, subjects.ALL_AUDIT
        ):
            await asyncio.sleep(0.05)


async def test_records_are_kept_folded_filtered_and_forgotten(nats_bus: NatsBus, pool: asyncpg.Pool, reads: AuditReads) -> None:
    auditor = nats_bus.auditor
    begun = await auditor.begin("keys.create", ANNA, CreateKey(owner="ben"))
    await auditor.end(begun, 0.01, None, None)
    keeping = asyncio.create_task(service.keep(nats_bus, pool, 365))
    failed = await auditor.begin("workflows.update", ANNA, CreateKey(owner="ben\u0000"[:3]))
    await auditor.end(failed, 0.02, None, Conflict("Somebody else saved."))
    await until_stored(nats_bus, reads, 2)
    await end([keeping])
    open_ended = await auditor.begin("workflows.delete", ANNA, CreateKey(owner="ben"))
    await auditor.refused("doors.request", OTHER, PermissionDenied("no"))
    keeping = asyncio.create_task(service.keep(nats_bus, pool, 365))
    await until_stored(nats_bus, reads, 4)
    found = (await reads.list(ListAudit(), BUS_OPERATOR)).records
    assert [record.action for record in found] == ["doors.request", "workflows.delete", "workflows.update", "keys.create"]
    assert [record.result for record in found] == [
        AuditResult.REFUSED,
        AuditResult.BEGUN,
        AuditResult.FAILED,
        AuditResult.DONE,
    ]
    assert [record.id for record in found[1:]] == [open_ended.id, failed.id, begun.id]
    for asked, actions in (
        (ListAudit(action="workflows"), ["workflows.delete", "workflows.update"]),
        (ListAudit(action="workflow"), []),
        (ListAudit(result=AuditResult.FAILED), ["workflows.update"]),
        (ListAudit(until=begun.at), []),
        (ListAudit(since=open_ended.at, sub="anna"), ["workflows.delete"]),
    ):
        assert [record.action for record in (await reads.list(asked, ANNA)).records] == actions, asked
    assert [record.sub for record in (await reads.list(ListAudit(), OTHER)).records] == ["olga"], "another tenant"
    await end([keeping])
    await pool.execute("UPDATE audit_records SET at = now() - interval '10 days' WHERE action = 'keys.create'")
    await NamedStatements(pool, queries()).run("forget_audit", 5 * 86_400.0)
    assert len((await reads.list(ListAudit(), BUS_OPERATOR)).records) == 3


async def test_no_text_of_anybodys_holds_up_the_log(nats_bus: NatsBus, pool: asyncpg.Pool, reads: AuditReads) -> None:
    """A NUL, and what in JSON looks like one: whoever signs in, or names a thing, chooses the text."""
    keeping = asyncio.create_task(service.keep(nats_bus, pool, 365))
    for account in ("a\\u0000", "b\x00c", "d\\\x00", "\\\\u0000\x00"):
        await nats_bus.auditor.refused("doors.login", ANNA.model_copy(update={"address": account}), LoginFailed("no"), account)
    naive = AuditRecord.model_construct(
        id=uuid4(), at=datetime(2027, 1, 31), action="doors.odd", sub="a", result=AuditResult.DONE
    )
    await nats_bus.publish_durable(subjects.audit("default", "doors.odd"), naive, message_id="naive")
    await nats_bus.auditor.happened("doors.after", ANNA)
    await until_stored(nats_bus, reads, 5)
    found = (await reads.list(ListAudit(action="doors"), ANNA)).records
    assert [record.object_id for record in reversed(found)] == ["a\\u0000", "bc", "d\\", "\\\\u0000", None]
    await end([keeping])


async def test_pages_follow_each_other_without_a_gap(pool: asyncpg.Pool, reads: AuditReads) -> None:
    at = datetime(2027, 1, 31, 18, tzinfo=UTC)
    made = [
        AuditRecord(id=uuid4(), at=at + timedelta(seconds=n // 3), action="keys.create", sub="anna", result=AuditResult.DONE)
        for n in range(10)
    ]
    rows = [(r.id, r.at, r.tenant, r.sub, r.action, None, r.result.value, r.model_dump_json()) for r in made]
    await pool.executemany("INSERT INTO audit_records VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)", rows)
    seen: list[UUID] = []
    cursor = None
    while True:
        page = await reads.list(ListAudit(limit=4, cursor=cursor), ANNA)
        seen += [record.id for record in page.records]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [r.id for r in sorted(made, key=lambda r: (r.at, r.id.hex), reverse=True)]
    for nonsense in ("x", "YWJj", "MjAyNy0wMS0zMVQxODowMDowMCBub25l"):
        with pytest.raises(InvalidRequest):
            await reads.list(ListAudit(cursor=nonsense), ANNA)
