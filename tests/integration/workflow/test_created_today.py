"""How many workflows were made today, on a real PostgreSQL."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from bus import subjects
from bus.database import migrate_by
from bus.messages import NoReply
from bus.messages.readings import WorkflowsCreated
from bus.messages.workflows import WorkflowRef
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from workflow.sql import migrations

DOCUMENT = chain(node("Start", "manualTrigger"))


async def created(bus: NatsBus) -> WorkflowsCreated:
    return await bus.request(subjects.service_verb(subjects.SERVICE_WORKFLOWS, "created"), NoReply(), WorkflowsCreated)


async def test_what_was_made_today_counts_also_when_it_was_deleted_since(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows, database_url: str
) -> None:
    before = await created(nats_bus)
    first, _ = await workflows.create(DOCUMENT), await workflows.create(DOCUMENT)
    delete = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "delete")
    await nats_bus.request(delete, WorkflowRef(id=first.id), NoReply)
    after = await created(nats_bus)
    assert before.day <= after.day <= datetime.now(UTC).date()
    assert after.created - (before.created if before.day == after.day else 0) <= 2
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT sum(created) FROM workflow_days") == 2
        await connection.execute("UPDATE workflow_days SET day = day - 1")
    finally:
        await connection.close()
    assert (await created(nats_bus)).created == 0


async def test_those_of_a_record_that_did_not_count_yet_are_counted_by_their_day(database_url: str) -> None:
    found = migrations()
    at = next(place for place, (_, text) in enumerate(found) if "workflow_days" in text)
    await migrate_by(database_url, found[:at], "workflow_migrations")
    connection = await asyncpg.connect(database_url)
    try:
        for made in ("2026-11-22 23:59:59+00", "2026-11-23 00:00:00+00", "2026-11-23 01:30:00+02"):
            await connection.execute(
                "INSERT INTO workflows (id, name, n8n_data, created_by, claims, created_at) "
                "VALUES ($1, 'one', '{}', 'ann', '{}', $2::text::timestamptz)",
                uuid4(),
                made,
            )
        await migrate_by(database_url, found, "workflow_migrations")
        rows = await connection.fetch("SELECT day::text, created FROM workflow_days ORDER BY day")
        assert [tuple(row) for row in rows] == [("2026-11-22", 2), ("2026-11-23", 1)]
    finally:
        await connection.close()
